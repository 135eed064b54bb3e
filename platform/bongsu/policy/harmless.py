"""Phrases in which a word of force means something else. They are taken out before the rules are tried.

A phrase names its own company (``bird strike``, ``attack helicopter``, ``target audience``); what stands around it is
still read, so a harmless phrase excuses itself and nothing else.
"""

from __future__ import annotations

import re
from functools import cache

from bongsu.policy.vocabulary import en

_UPKEEP_EN = (
    r"(?:maint\w+|repair\w*|spare\w*|parts|faults?|failures?|diagnos\w*|inventor\w+|stocks?|storage|procure\w*|manuals?"
    r"|translat\w*|budgets?|remaining|wear|health|overhaul\w*|inspect\w*|safety|logistics|resupply|contracts?|catalog\w*)"
)
_UPKEEP_KO = (
    r"(?:정비|수리|고장|부품|재고|교범|매뉴얼|설명서|번역|수명|점검|진단|보급|조달|예산|계약|마모|목록|획득 ?사업)"
)
_EQUIPMENT_EN = (
    r"(?:(?:fire control|target acquisition|targeting|weapons? control|missile launch\w*) (?:radars?|systems?|computers?|units?"
    r"|equipment|sensors?|sights?|pods?)|(?:unmanned|armed|attack|robotic|combat) (?:weapons?|drones?|robots?|vehicles?|uavs?)"
    r"(?: systems?)?|(?:loitering )?munitions?|weapons?(?: systems?)?|missiles?|guns?)"
)
_EQUIPMENT_KO = (
    r"(?:(?:사격|화력|무장|발사) ?통제(?: ?(?:장비|장치|체계|시스템|레이더|컴퓨터))?|표적 ?획득 ?(?:장비|장치|체계|레이더|센서)|무기(?: ?체계)?|유도 ?무기"
    r"|(?:공격|자폭|전투)(?:용)? ?(?:드론|무인기|로봇)|미사일|유도탄|포탑|탄약|발사 ?(?:장치|차량))"
)
# What is lethal by its name stays so in a workshop.
_NOT_LETHAL_EN = r"(?<!autonomous )(?<!lethal )(?<!killer )(?<![a-z0-9])"
_NOT_LETHAL_KO = r"(?<!자율)(?<!자율 )(?<!살상)(?<!살상 )"
_NOT_BACK = r"(?!(?:but|except|unless|instead|rather|without|until|only|however|although|while|and|yet|then)\b)"

PHRASES = (
    # A use that the text itself rules out, up to the end of the clause.
    rf"(?:not|never) (?:be )?(?:used|intended|meant|made|trained|permitted|allowed) (?:for|to|in|as) (?:{_NOT_BACK}\w+ ?)+",
    r"(?:(?!(?:하고|하며|하되|하여|하지만|으며|이며|는데|해서|한 뒤|한 후) )[^.,]){0,25}?(?:에는?|에도|로는?|위해) ?(?:사용|활용|이용|쓰)\w{0,2} ?지 ?(?:않|아니|못)\w*",
    # Things, and their upkeep.
    rf"{_NOT_LETHAL_EN}{_EQUIPMENT_EN}(?= (?:\w+ ){{0,2}}{_UPKEEP_EN})",
    rf"{_UPKEEP_EN} (?:\w+ )?(?:of|for|on|in) (?:the |our |all )?{_EQUIPMENT_EN}",
    rf"{_NOT_LETHAL_KO}{_EQUIPMENT_KO}(?=[가-힣]{{0,2}} ?(?:[가-힣]+ ){{0,2}}{_UPKEEP_KO})",
    en(r"(?:attack|strike|combat) (?:helicopters?|fighters?|aircraft|submarines?|planes?|jets?|boats?|ships?)"),
    r"공격 ?(?:형 ?잠수함|헬기|헬리콥터|기(?![가-힣])|기(?=[의를은는가와도] )|기지|잠수함)",
    r"발사(?:체|대|관|장|기지|일|음)",
    # Attacks on computers and health, and attacks that one defends against.
    en(
        r"(?:cyber ?|phishing|network|malware|ddos|denial of service|ransomware|injection|adversarial|computer|hack\w*|brute"
        r" force|supply chain|heart|panic|asthma|replay|jamming|spoofing|poisoning|password|social engineering|man in the"
        r" middle|side channel) ?attacks?",
        r"(?:attacks?|air ?strikes?|shelling) (?:detection|response|prevention|damage|warnings?|reports?|patterns?|signatures?|surface|vectors?|graphs?"
        r"|traffic|logs?|indicators?|alerts?|scenarios?|statistics|records?)",
        r"attack(?:s|ed|ing)? (?:on|against) (?:our |the |its )?(?:networks?|servers?|computers?|websites?|accounts?|databases?"
        r"|passwords?|image classifiers?|classifiers?|software)",
        r"(?:news|articles?|history|press|archives?|books?) (?:about|of|on|covering) (?:\w+ ){0,3}(?:attacks?|strikes?|bombings?|killings?"
        r"|engagements?|shootings?)",
        r"(?:ads?|advert\w+|audience|recruit\w*|campaign|marketing|customer) targeting|sniper (?:training|school|courses?)",
        r"(?:against|from|after|in case of|under|resist|withstand|survive|detect\w*|prevent\w*|block\w*|reports? (?:of|on)|warn\w*"
        r" (?:of|about)|respon\w+ to|recover\w* from|counter\w*|victims? of) (?:an? |the |possible |enemy |hostile |drone |air"
        r" |missile |rocket |artillery |surprise |terrorist ){0,3}(?:attacks?|strikes?|shelling)",
    ),
    r"(?:사이버|해킹|피싱|악성 ?코드|랜섬웨어|네트워크|디도스|ddos|침투|적대적|서버|웹|전산|전산망|심장)(?:에)? ?(?:대한 )?공격",
    r"공격(?:을|를)? ?(?:자동으로 |신속히 |조기에 )?(?:탐지|차단|대응|방어|방호|패턴|시그니처|징후|유형|트래픽|로그|피해|예방|대비|감지|경보|보고서|사례"
    r"|기록|이력|받은|받는|당한|당하|막)",
    r"공격에 ?(?:대비|대응|의한 피해|대한 ?(?:방어|대비|대응|방호|피해|경보))|공격(?:적인|적으로|적 |성)",
    # Strikes, fires, bombs, killing, destroying, shooting of another kind.
    en(
        r"(?:bird|lightning|labou?r|rail|hunger|general|transport|teachers?|wildlife|union) strikes?",
        r"strike (?:related|action|ballot|days?|through)",
        r"strik(?:e|es|ing) (?:a |the |an )?(?:\w+ )?(?:balance|agreement|deal|bargain|chord|compromise)",
        r"bomb (?:disposal|threat|squad|shelter|detection)s?|unexploded bombs?",
        r"(?:fire|weapons?) control (?:panel|room|valve|door)s?",
        r"killed (?:in action|(?:and|or) (?:missing|wounded|injured))|kill switch(?:es)?|non lethal|(?:were|was|been|soldiers?|persons?|people|staff) killed",
        r"kill(?:s|ed|ing)? (?:off )?(?:the |a |all )?(?:(?:stale|idle|old|stuck|hung|zombie|orphaned|running|long running) )?(?:process\w*|jobs?|tasks?|bacteria|germs?|weeds?|virus\w*|pests?|mould|insects?)",
        r"killed (?:drivers?|workers?|pods?|containers?|nodes?|servers?|runs?|threads?|replicas?|programs?|commands?)",
        r"destr(?:oy|uct)\w* (?:of )?(?:the |all |any |old |expired |outdated |obsolete |paper |personnel )*(?:documents?|records?|files?|copies"
        r"|data|papers?|media|drives?|certificates?|keys?|waste|backups?)",
        r"(?:jobs?|process\w*|tasks?|threads?|pods?|containers?|workers?|nodes?) (?:\w+ ){0,4}(?:killed|dead|dies?)",
        r"lives? (?:in|near|at|with|alone|close|far|abroad|on)",
        r"(?:caches?|cached|quer(?:y|ies)|requests?|lookups?) (?:\w+ ){0,5}hits?",
        r"trouble ?shoot\w*|shooting (?:range|practice|score|result|competition|schedule|incident)s?|(?:photo|video|film) shoots?",
        r"shooting of (?:a |the )?(?:\w+ )?(?:films?|videos?|photo\w*|movies?|advert\w*)|firing (?:of )?(?:kilns?|ceramics?|boilers?|furnaces?|tiles?)",
        r"(?:scenarios?|exercises?|simulations?|war ?games?) (?:with|of|about) (?:\w+ ){0,2}(?:attacks?|strikes?)",
        r"shoot(?:s|ing)? (?:photos?|videos?|films?|pictures?|footage)",
        r"weapons? of mass destruction|destruction (?:certificates?|lists?|schedules?|dates?|records?)",
    ),
    r"비 ?살상|대량 ?살상 ?무기|살상 ?(?:사고|안전)|비 ?파괴|파괴 ?(?:검사|시험|역학|인성)|환경 ?파괴",
    r"(?:사람|주민|농작물)(?:을|를) ?해치는 ?(?:해충|벌레|세균|모기|동물|멧돼지|질병|물질|독초)",
    r"사격 ?(?:훈련|장|성적|점수|결과|기록|표지|표적지|대회|술|일정|교육|안전|통계|선수|연습|자세)",
    r"(?:격추|공격|사격|폭격|포격|살해|발사) ?(?:사고|사건) ?(?:조사|보고|기록|예방)",
    r"교전 ?(?:통제소|규칙|수칙|훈련|기록|사례|역사|통계|사|결과|일지)",
    r"(?:위성|우주|우주선|로켓|누리호|탐사선|시험) ?발사|(?:경제적|재정적|심리적) ?타격|(?:낙뢰|번개) ?타격|타격 ?(?:감|음|기록|이력|피해|통계)|타격을 (?:입|받)",
    r"(?:servers?|websites?|mailboxes|databases?) (?:\w+ ){0,2}(?:hit|attack)s?(?![a-z])",
    r"(?:servers?|batter(?:y|ies)|engines?|connections?|phones?|links?|sessions?|replicas?|runs?|process\w*|databases?) (?:that |which )?(?:\w+ )?(?:dies?|killed|is dead)(?![a-z])",
    r"kill 9(?![0-9])",
    r"(?:주사|레이저|전파|신호|폭죽)(?:를|을)? ?쏘",
    # Engagement of people in talk, and of machine parts.
    en(
        r"(?:rules|terms|letters?) of engagement",
        r"(?:employee|user|citizen|public|stakeholder|customer|community|staff|reader|student|civic|social|industry|supplier"
        r"|audience) engagements?",
        r"engag\w+ (?:with |in )?(?:the |our |all )?(?:stakeholders?|citizens?|users?|customers?|staff|public|employees?|communit\w+"
        r"|suppliers?|partners?|readers?|students?|soldiers? in|dialogue|discussions?|industry|veterans?|famil\w+|visitors?|brakes?"
        r"|clutch|gears?)",
        r"(?:clutch|brake|gear|lock|pawl|autopilot)(?:es|s)? engag\w+|engagement (?:survey|rate|score|letter|plan|session|metric)s?",
    ),
    # Targets in the sense of goals and addressees.
    en(
        r"targets? (?:markets?|dates?|groups?|audiences?|languages?|prices?|values?|levels?|domains?|users?|hardware|machines?"
        r"|perplexity|loss\w*|variables?|vocabular\w+|stocks?|inventor\w+|budgets?|rates?|ratios?|costs?|compan\w+|organi[sz]ations?"
        r"|devices?|architectures?|sizes?|lengths?|texts?|columns?|fields?|labels?|scores?|accuracy|temperatures?|states?|outputs?"
        r"|files?|folders?|paths?|branch\w*|environments?|platforms?|readiness|availability|populations?|jobs?|roles?|skills?|courses?"
        r"|schools?|regions?|years?|months?|quarters?|weights?|sentences?|tokens?|models?|distributions?|metrics?|throughput"
        r"|latency|shares?|figures?|readers?|customers?|suppliers?|vendors?)",
        r"(?:sales|cost|budget|savings?|reduction|emissions?|energy|readiness|availability|performance|recruit\w*|enlistment|training"
        r"|delivery|maintenance|service level|quality|accuracy|compression|size|quarterly|annual|yearly|monthly|policy|kpi"
        r"|production|procurement|supply|stock|inventory|hiring|completion|spending|efficiency|learning|development|improvement"
        r"|fitness|climate|carbon|zero|audit|paper) targets?",
        r"targets? (?:of|for|in) (?:the |our |this |next )?(?:\w+ )?(?:plan|year|budget|strategy|programme|program|energy|cost|sales|recruit\w*|saving|emissions?|growth|quality|training)s?",
        r"targeted (?!kill|strik|assassin|eliminat|attack|shoot)\w+|on target|target (?:practice|range)s?",
    ),
    r"표적 ?(?:시장|집단|고객|치료|항암|단백질|광고|언어|감사|마케팅|세포|유전자|수사|지(?![가-힣정]))",
    # Automation that is spent on paperwork and upkeep, unless force follows as the next step.
    r"automat(?:ic|ically|ed) (?=(?:translat|report|summar|index|archiv|transcri|schedul|count|invoic|draft|writ|record|document"
    r"|inspect|diagnos|inventor|resuppl|back)\w*(?! (?:and|then)))",
    r"(?:자동|자율)(?:으로|화)? ?(?=(?:번역|작성|생성|집계|요약|정리|보고|기록|점검|진단|정비|검사|예약|배차|결재|인쇄|보급)(?! ?(?:하고|하여|해|및|후|한 )))",
    r"(?<=교육 |훈련 |안내 |검색 |분류 |번역 |처리 |예약 |집계 |작성 |보고 |조사 |예측 |정비 |관리 |업무 |결재 )자동화",
)


def without_harmless(text: str) -> str:
    """``text`` with a gap where a harmless phrase stood."""
    for pattern in _patterns():
        text = pattern.sub(" … ", text)
    return text


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(phrase) for phrase in PHRASES)
