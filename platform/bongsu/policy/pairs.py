"""Pairs of concepts that say the thing in plain words: arms and what acts by itself, harm and whom, a strike and its
list.

``forbidden`` has the grammar of sentences; these look for two concepts in one sentence, in either order, and do not
care how the words between them go. The widest pairs are tried only where a sentence does not speak of upkeep or
offices.
"""

from __future__ import annotations

from bongsu.policy import vocabulary as v
from bongsu.policy.forbidden import Forbidden
from bongsu.policy.vocabulary import en, ko

# A place or an office that is called by its arms.
_NO_ARMS = (
    r"(?! (?:bases?|factor(?:y|ies)|regiments?|frigates?|squadrons?|battalions?|victims?|physics|qualifications?"
    r"|safes?|rooms?|racks?"
    r"|lots?|club|theory|industry|sites?)(?![a-z]))"
)
ARMS_EN = (
    en(
        "(?<!top )guns?", "turrets?", "claymores?", "rifles?", "gunners?", "land ?mines?",
        r"(?<!coal )(?<!gold )(?<!salt )(?<!ore )mines?(?! (?:rescue|workers?|shafts?|water|engineers?))",
        "munitions?", "howitzers?",
        "mortars?", "machine ?guns?", "cannons?", r"torpedo(?:es)?", "bombs?", "grenades?", "missiles?", "rockets?",
        "warheads?",
        "weapons?", "weaponry", "live (?:ammunition|rounds?)", "explosives(?! detect)", "artillery", "flamethrowers?",
        "snipers?",
    )
    + _NO_ARMS
)  # fmt: skip
ARMS_KO = ko(
    v.WEAPON_KO, "지뢰", "수류탄", "포대(?![에로])", "자주포", "박격포", "곡사포", "소총", "기관포", "사수(?!하)",
    "실탄", "폭탄", "폭발물", "폭약", "포탄",
    "탄약(?!고)", "권총", "화기", "탄두", "로켓탄",
)  # fmt: skip
SELF_EN = (
    "(?:"
    + "|".join(
        [
            v.MACHINE_EN.replace('|turrets?|sentr(?:y|ies)', ""),
            en(
                "unattended", r"autopilots?", r"neural (?!network)\w+", r"quadcopters?", "crewless",
                r"self (?!propelled)\w+", "itself", "themselves", "smart", "computer vision", "face recognition",
                "hands off", "no crew", "classifiers?", "reinforcement learning", "detectors?", "deep learning",
            ),
        ]
    )
    + ")"
)  # fmt: skip
SELF_KO = (
    rf"(?:{v.MACHINE_KO}|신경망|(?:얼굴|안면) ?인식|(?<![a-z0-9])ai(?![a-z0-9])|강화 ?학습|딥러닝|쿼드콥터|무인정"
    rf"|편대기)"
)
_OTHERS_EN = (
    "infantry", "fighters?", "crews?", "squads?", "patrols?", "faces", "famil(?:y|ies)", "prisoners?", "villagers?",
    "refugees?", "deserters?", "smugglers?", "rebels?", "migrants?", "children", "women", "occupants?",
)  # fmt: skip
_BODY_EN = (
    rf"(?:{v.ENEMY_EN}|{v.PEOPLE_EN}"
    rf"|{en(*_OTHERS_EN)})"
)
_BODY_KO = (
    rf"(?:{v.ENEMY_KO}|{v.PEOPLE_KO}"
    r"|(?<![가-힣])(?:포로|보병|탈영병|밀수꾼|반란군|노인|여성|어린이|난민|피난민|시민|군인|전투원|용의자|가족|아이"
    r"|간부|지휘관|마을 ?사람)(?:들)?)"
)
_PLACE_EN = r"(?:villages?|towns?|city|cities|houses?|homes?|hospitals?|schools?|neighbou?rhoods?|camps?)"
_PICK_EN = (
    r"(?:pick|choos|select|nominat|decid|determin|rank|scor|prioriti[sz]|tell|sort|match|assign|allocat|pair)\w*"
)
_HARMED_EN = (
    r"(?:killed|bombed|struck|attacked|shot|destroyed|sunk|eliminated|flattened|razed|shelled|liquidated|droned"
    r"|executed)"
)
UPKEEP = (
    r"(?<![a-z])(?:maint\w+|repair\w*|spares?|parts?|faults?|failures?|diagnos\w*|inventor\w+|stocks?|stor(?:age|ed"
    r"|es|ing)"
    r"|procure\w*|manuals?|translat\w*|budgets?|wear|overhaul\w*|inspect\w*|safety|logistics|resupply|suppl(?:y|ies)"
    r"|contracts?"
    r"|catalog\w*|clear(?:s|ed|ing|ance)|demining|disposal|defus\w*|museums?|history|archiv\w*|schools?|courses?"
    r"|education|exercises?"
    r"|serial|registers?|records?|logs?|reports?|rosters?|schedul\w*|forecasts?|humidity|temperatures?|weld\w*|paint\w*"
    r"|batter(?:y|ies) (?:health|charge)|complaints?|corrosion|rust|cracks?|photograph\w*|noise|ranges?|salutes?"
    r"|depots?|warehouses?|transport\w*|warnings?|updates?"
    r"|simulat\w*|treat(?:y|ies)|legal|law|reviews?|documents?|summar\w*|tests? of|gunshots?|detection of"
    r"|documentation|counter (?:drone|uas|ied)s?"
    r"|exhibit\w*|films?|licen[cs]es?|transfers?|production|clean\w*|fuel|jamming|quality)(?![a-z])"
    r"|정비|수리|고장|부품|재고|교범|매뉴얼|설명서|번역|수명|점검|진단|보급|조달|예산|계약|마모|목록|제거 ?교육|탐지"
    r"|해제|처리 ?(?:교육|기록|반)"
    r"|박물관|역사|학교|교육|훈련|연습|운반|수송|보관|저장|기록|일정|안내|예약|요약|문서|규정|사고|안전|대응|방어"
    r"|방호|민원|소요|군수|출입|온도|습도"
    r"|검사|시험|통계|이력|성적|발전소|조약|법|대비|피해|경보|신고|개량|사업|전시|홍보|폐기|등록|소음|집계|배차"
    r"|재보급|검색|분류|자료|조사|감지|관리"
)


def _near(one: str, other: str, within: int) -> str:
    """Both in one sentence, at most so many characters apart."""
    return rf"(?:{one})[^.]{{0,{within}}}?(?:{other})|(?:{other})[^.]{{0,{within}}}?(?:{one})"


_BESIDE_EN = r"(?: (?!(?:to|for|on|about|of|in|at|when|who|near)(?![a-z]))[a-z0-9]+){0,4} "
_BESIDE_KO = r"(?:(?!위한|위해|배우|에서|에게)[^.]){0,18}?"
_RUNS_EN = (
    r"(?:triggers?|controls?|controllers?|polic(?:y|ies)|brains?|software|models?|agents?|operator|seekers?)"
    r" (?:for|of|in|on) (?:an? |the |our )?(?:\w+ )?"
)

PAIRS = (
    Forbidden(
        "autonomous-weapon",
        (
            rf"(?:{SELF_EN}){_BESIDE_EN}(?:{ARMS_EN})|(?:{ARMS_EN}){_BESIDE_EN}(?:{SELF_EN})",
            rf"(?:{SELF_EN})[^.]{{0,40}}{_RUNS_EN}(?:{ARMS_EN})",
            rf"(?:{SELF_KO}){_BESIDE_KO}(?:{ARMS_KO})|(?:{ARMS_KO}){_BESIDE_KO}(?:{SELF_KO})",
            rf"fu[sz]es? (?:that|which|with)[^.]{{0,40}}{_BODY_EN}",
            rf"{en('fu[sz]es?')}[^.]{{0,40}} when (?:an? |the )?{_BODY_EN}",
            r"(?:탄두|탐색기|유도탄)[^.]{0,20}(?:인식|식별)|(?:인식|식별)[^.]{0,20}(?:탄두|탐색기|유도탄)",
            r"call for fire|방아쇠|사격 ?요청|(?:pull|squeez|press)\w* the trigger(?! on)",
        ),
        unless=UPKEEP,
    ),
    Forbidden(
        "autonomous-weapon",
        (
            r"armed (?:robots?|drones?|quadcopters?|uavs?|dogs?)(?![a-z])|무장 ?(?:로봇|드론|무인)",
            r"sentry guns?(?![a-z])|loitering (?:drones?|uavs?|weapons?)|배회(?:형)? ?(?:탄|무기|드론|무인기)",
            r"(?:kamikaze|suicide) (?:boats?|vehicles?|trucks?|ships?|vessels?|craft|ai)(?![a-z])|(?<![가-힣])자폭",
            rf"(?:{SELF_KO})[^.]{{0,30}}(?:자폭|돌격)",
            rf"(?:{SELF_EN})[^.]{{0,40}}(?:self destruct\w* (?:on|against|into)|blow(?:s|ing)? (?:itself"
            r"|themselves) up)",
        ),
        unless=UPKEEP,
    ),
    Forbidden(
        "target-selection",
        (
            r"(?:joint|dynamic|deliberate|time sensitive|precision|weapons?|artillery|drone|missile|human"
            r"|kinetic) targeting",
            r"(?<![a-z])targeting (?:lists?|cells?|cycles?|workflows?|boards?|packages?|solutions?|assistants?"
            r"|recommend\w*|process\w*|pipelines?|decisions?)",
            r"(?<!bird )strike (?:lists?|nominations?|targets?|orders?)(?![a-z])",
            r"strike packages? (?:nominat|plan|build|select|recommend|generat)\w*",
            r"weaponeering|aim ?points?(?![a-z])|(?:high (?:value|payoff)) (?:targets?|individuals?)",
            rf"(?:{v.TARGET_EN}|{v.WEAPON_EN}|{en('shooters?', 'effectors?', 'fires')}) (?:\w+ )?(?:pairing|matching"
            r"|assignment|allocation)",
            rf"{_PICK_EN} (?:\w+ ){{0,2}}{en('shooters?', 'effectors?')} ",
            r"target (?:decks?|banks?)(?![a-z])",
            r"strike planning",
            r"(?:firing|strike|target) (?:coordinates|solutions?)(?![a-z])",
            rf"{_PICK_EN} (?:\w+ ){{0,3}}(?:enemies|combatants|hostiles|insurgents|militants|terrorists)(?![a-z])",
            rf"{_PICK_EN} (?:out )?(?:the )?fighters (?!aircraft|jets|planes)",
            r"타격 ?계획|사격 ?좌표",
            r"(?:assign|allocat|queu|direct)\w* (?:the |our )?(?:\w+ )?(?:missiles?|rockets?|bombs?|shells?"
            r"|torpedo(?:es)?)(?= (?:to|on|at|against) |$| \.)",
            r"(?:미사일|포탄|로켓|폭탄)(?:을|를) ?[가-힣 ]{0,12}(?:배정|할당)|타격 ?(?:점수|순위|순서|명단|목록|후보)",
            r"(?<![a-z])fires? allocation(?! (?:of|by) (?:brigade|station))",
            r"표적 ?(?:처리|개발|할당|분배|융합)|(?:고가치|시간 ?민감) ?(?:표적|목표|인물|인원)|조준점",
            r"화력(?:을|를)? ?(?:[가-힣]+ )?(?:배분|할당|배정|분배|지향|집중 ?(?:순서|대상))",
        ),
    ),
    Forbidden(
        "force-on-people",
        (
            rf"hunt(?:s|ed|ing)? (?:down )?(?:(?!for |advice )\w+ )?{_BODY_EN}",
            r"(?:flatten|level|raz|wip|burn)(?:s|e|es|ed|ing|led|ling)? (?:the |a |an |all |every "
            rf"|whole )*(?:\w+ )?{_PLACE_EN}(?![a-z])",
            rf"{_PLACE_EN}[^.]{{0,40}} (?:be|are|is|get|gets|been) (?:flattened|levelled|leveled|razed|wiped out"
            r"|burnt|burned)",
            rf"level(?:s|led|ling)? (?:the |all )?(?:\w+ )?blocks? (?:where|with|of) (?:\w+ ){{0,4}}{_BODY_EN}",
            rf"(?:fl(?:y|ies|ying) into|div(?:e|es|ing) (?:on|at)|blow(?:s|ing)? up) (?:\w+ ){{0,2}}{_BODY_EN}",
            rf"{_BODY_EN}[^.]{{0,30}} (?:and|then) (?:\w+ )?(?:explodes?|detonates?|blows? up)(?![a-z])",
            r"(?:maximi[sz]\w*|increas\w+|most|highest) (?:\w+ ){0,2}casualties",
            r"drop(?:s|ped|ping)? (?:\w+ ){0,2}(?:explosives?|bombs?|grenades?)(?! (?:storage|disposal))",
            rf"{_PICK_EN} (?:\w+ ){{0,3}}(?:victims?|prey)(?! (?:of|support|register|assist))",
            rf"(?:{_BODY_KO})(?:을|를)? ?(?:[가-힣]+ ){{0,3}}(?:없애|없앨|없앤|없앰|해치우|해치운|해치울|사냥(?!개))",
            rf"(?:{SELF_KO}|지뢰)[^.]{{0,25}}{_BODY_KO}[^.]{{0,15}}(?:터지|터진|터뜨|폭발(?!물))",
            rf"{_BODY_KO}[^.]{{0,15}}(?:터지|터진|터뜨|폭발하)[^.]{{0,15}}(?:{SELF_KO}|지뢰)",
            r"사상자(?:를|가|의|수를)? ?(?:[가-힣]+ )?(?:최대|극대|늘리|늘린|많아지)",
            r"(?:폭탄|폭발물|폭약|수류탄|포탄)(?:을|를)? ?(?:[가-힣]+ )?(?:떨어뜨|투하|떨구|터뜨)",
        ),
    ),
    Forbidden(
        "force-decision",
        (
            _near(
                r"(?:lethal|deadly) force", r"decid\w*|decision\w*|determin\w*|whether|authori[sz]\w*|choos\w*", 80
            ),
            rf"{_PICK_EN} (?:\w+ ){{0,5}}to be {_HARMED_EN}(?![a-z])",
            rf"{_PICK_EN}[^.]{{0,60}} (?:should|must|shall|will|to) be {_HARMED_EN}(?![a-z])",
            rf"(?:cu|slew|aim|point|steer)(?:e|es|s|ed|ing)? (?:the |a |an |its )?(?:\w+ ){{0,2}}{ARMS_EN}",
            r"(?:pick|choos|select|detect|classif|identif|track)\w*[^.]{0,60} (?:and|then) (?:\w+ly )?(?:launch"
            rf"|releas|fir)\w*[^.]{{0,40}}{v.NOBODY}",
            r"releas\w* (?:the |a |its )?(?:\w+ )?(?:bombs?|missiles?|munitions?|warheads?|torpedo(?:es)?)",
            r"(?:투하|발사|폭파) ?(?:시점|순간)",
            r"drop(?:s|ping)? (?:its |the |a )?(?:\w+ )?(?:charge|bomb|warhead)s? (?:once|when|as soon|if)",
            r"죽일 ?(?:자|사람|놈|지|순서)|(?<![가-힣])총(?:이|을|알이|알을)? ?(?:나가|나간|쏘|쏜|쏠)",
            r"(?:배|선박|함정|밀수선|어선|선)(?:을|를) ?(?:[가-힣]+ ){0,2}(?:가라앉|침몰시|들이받)",
            r"(?:time|moment|place|decid\w*|decisions?|when|where|whether) to (?:kill|bomb|strike|attack|sink|shoot"
            r"|shell|destroy)(?![a-z])",
            r"(?:폭격|포격|타격|공격|사살|격침|살상|살인)(?:하기 ?좋은|할) ?(?:시각|시점|때|순서|곳|장소|시간)",
            r"(?:격침|살인|살상|폭격|사살|암살|학살|처형)(?:을|를|의)? ?(?:[가-힣]+ )?(?:결정|판단|확률|자동|실행)",
            r"(?:언제|누구|어디)[^.]{0,6}(?:쏠지|쏠까)",
            r"(?<![가-힣])적(?:을|이)[^.]{0,15}(?:알아서|스스로|자동)[^.]{0,8}처리",
            r"누구(?:를|부터|를 먼저)?[^.]{0,12}(?:없앨|해치울|제거할|쏠|칠|사살|죽)",
            r"(?:목숨|생사)(?:을|를|의)? ?(?:[가-힣]+ )?(?:결정|판정|정한|정하|정할|좌우)",
        ),
    ),
    Forbidden(
        "force-without-human",
        (
            r"없이[^.]{0,20}(?:타격|사격|발사|공격|폭격|포격|교전)",
            _near(
                v.NOBODY,
                rf"{ARMS_EN}|(?:battery|artillery|mortar|naval|supporting) fire|{en('fires')}(?! (?:detect|in|near"
                r"|report))",
                60,
            ),
        ),
        unless=UPKEEP,
    ),
)
