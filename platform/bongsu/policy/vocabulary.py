"""The words of the concepts that the rules combine, in English and Korean, as fragments of regular expressions.

Texts are read in lower case with single spaces and no hyphens (see ``reading``). English words have edges, Korean ones
take particles; what looks like a concept and is another word is excluded here, whole phrases in ``harmless``.
"""

from __future__ import annotations


def en(*words: str) -> str:
    """One of the words, as a word. Korean particles may follow at once."""
    return rf"(?<![a-z0-9])(?:{'|'.join(words)})(?![a-z0-9])"


def ko(*words: str) -> str:
    return rf"(?:{'|'.join(words)})"


# Acts of force that are hardly ever anything else.
KILL_EN = en(
    r"kill(?:s|ed|ing|ers?)?", r"lethal(?:ly|ity)?", "deadly force", r"assassinat\w*", r"murder\w*", r"slaughter\w*",
    r"exterminat\w*", r"annihilat\w*", r"massacr\w*", r"obliterat\w*", r"strafe?\w*", r"liquidat\w*(?! damage)",
    r"wip(?:e|es|ing) out", r"slay\w*", r"shoot(?:s|ing)?", "shot down", "snipers?", r"gun(?:s|ning)? down",
    r"air ?strikes?", r"snip(?:e|es|ing)", r"execut(?:e|es|ing) (?:enem|prisoner|people|combatant|person|human)\w*",
)  # fmt: skip
_ARMS = r"(?:missiles?|rockets?|weapons?|torpedo(?:es)?|munitions?|warheads?|ordnance|shells?|rounds?|shots?|guns?|bullets?)"
_FIRE_NOUN = (
    r"(?:safety|drill|alarm|detect|prevent|extinguish|suppress|fight|brigade|station|truck|risk|insurance|door|escape"
    r"|hazard|protection|inspection|sensor|system|exit|watch|warden|control|department|code|service|damage|report|map)"
)
# "fire" is a word for force only as a verb.
FIRE_EN = en(
    r"open(?:s|ed|ing)? fire", r"open(?:s|ed|ing)? up (?:on|at)", "fire for effect",
    r"(?:turrets?|guns?|howitzers?|mortars?|cannons?) opens? up",
    r"pull(?:s|ed|ing)? the trigger", r"tak(?:e|es|ing) the shot",
    r"(?:^|(?<=[.,] ))fire (?:when|if|as soon)", rf"fir(?:e|es|ed|ing) (?:the |a |an |its |their |all )?{_ARMS}",
    r"fir(?:e|es|ed) (?:at|on|upon|back|first|freely|automatically|autonomously|independently|by itself|on (?:its|their) own)",
    r"(?:decid\w*|decision|orders?|able|authori\w+|permi\w+|allowed|when|whether|ready|free|choos\w+) (?:\w+ )?to fire",
    r"(?:aim|detect|track|identif|acquire|lock|select|find|spot|see)\w*(?: \w+){0,3} (?:and|then) (?:\w+ly )?fires?",
    rf"(?:robots?|drones?|swarms?|turrets?|guns?|automatically|autonomously|independently|ai|algorithms?|models?"
    rf"|machines?|can|will|may|must|then) fires?(?! {_FIRE_NOUN})",
    r"(?:artillery|mortar|cannon|machine gun|naval gun) fire(?! (?:safety|training|drill|range)s?)",
    r"(?<!hiring and )firing(?! (?:range|practice|pin|order|log|table|record|result|schedule|exercise|training)s?)",
)  # fmt: skip
# Acts that are force in the right company.
FORCE_EN = (
    "(?:"
    + "|".join(
        [
            KILL_EN,
            FIRE_EN,
            en(
                r"attack(?:s|ed|ing)?", r"strik(?:e|es|ing)", r"bomb(?:s|ed|ing)?", r"bombard\w*",
                r"destroy(?:s|ed|ing)?", r"engag(?:e|es|ed|ing|ements?)", "use of force", "destruction",
                r"sink(?:s|ing)? (?:\w+ ){0,2}(?:ships?|vessels?|boats?)", r"(?:ships?|vessels?|boats?) to sink",
                r"prosecut\w* (?:\w+ )?(?:vehicles?|tracks?|ships?|threats?|contacts?)",
                r"kinetic (?:action|effect|response|option)s?", "targeting",
                r"shelling|shells (?:the|a|enemy|villages?|towns?|cities|positions?)",
                rf"(?:launch|releas|employ|discharg|deploy|us)\w* (?:of )?(?:the |a |its |their )?(?:\w+ )?{_ARMS}",
                rf"{_ARMS} (?:launch|releas|firing|employ|discharg)\w*",
            ),
        ]
    )
    + ")"
)  # fmt: skip
WEAK_EN = en(
    r"eliminat\w*", r"neutrali[sz]\w*", r"remov(?:e|es|ing|al)(?: of)?", r"tak(?:e|es|ing) (?:out|down)",
    r"hunt(?:s|ing)?",
    r"suppress\w*", r"hit(?:s|ting)?", r"target(?:s|ing)", r"assault\w*", r"terminat\w*",
)  # fmt: skip
KILL_KO = ko(
    "(?<!비)(?<!비 )살상", "사살", "살해", "암살", "처단", "섬멸", "격멸", "처형", "저격", "폭격", "포격", "격추", "격파", "폭파", "격침", "학살",
    r"폭탄(?:을|를)? ?(?:자동으로 )?(?:투하|떨어뜨)", "몰살", "총살", "총격", "발포", "소탕",
)  # fmt: skip
FORCE_KO = ko(
    KILL_KO, "교전", "공격", "타격", "발사", "사격", "요격", "격발", "방아쇠", r"무력(?:을|의)? ?(?:자동으로 )?(?:사용|행사)",
    r"(?<![가-힣])쏘(?:는|다|고|아|았|기|도록|게|며)", r"(?<![가-힣])쏜다", r"(?<![가-힣])쏠", r"(?<![가-힣])쏨",
    r"(?<![가-힣])쏴", r"죽이(?:는|고|기|도록|다|며)", r"죽여", r"죽일",
)  # fmt: skip
WEAK_KO = ko("제거", "무력화", "(?<!비)파괴", "제압", "처치")
FORCE = rf"(?:{FORCE_EN}|{FORCE_KO})"
KILL = rf"(?:{KILL_EN}|{KILL_KO})"

# Whom force is used on.
ENEMY_EN = en(
    r"enem(?:y|ies)", "combatants?", "hostiles?", "insurgents?", "militants?", "terrorists?", r"adversar(?:y|ies)",
    "intruders?", "infiltrators?", "belligerents?", "opposing forces?", "opponents?", "human targets?", "guerrillas?",
)  # fmt: skip
PEOPLE_EN = en(
    "soldiers?", "troops?", "people", "persons?", "humans?", "civilians?", "men", "personnel", "individuals?",
    "crowds?",
    "leaders?", "anyone", "anybody", "everyone", "whoever", "protesters?", "pedestrians?", "suspects?", "dissidents?", "activists?", "defectors?",
)  # fmt: skip
_ENEMY_THING = "(?:전차|병력|간부|수뇌부?|지도부|장교|저격수|포수|조종사|전투기|헬기|함선|잠수함|시설|고지|기지|차량|진지|함정|부대|인원|요원|지휘관|포병|장갑차|병사|포대|드론|항공기|보병|군인)"
ENEMY_KO = rf"(?<![가-힣])(?:적군|적병|적 ?{_ENEMY_THING}|적|테러범|테러리스트|전투원|반군|게릴라|침투조)(?:들)?"
PEOPLE_KO = (
    r"(?<![가-힣])(?:요인|사람|인간|인원|병력|민간인|목표물|침입자|표적|병사|인명|시위대|군중|지도자|주민)(?:들)?"
)

# What acts by itself.
AUTONOMOUS_EN = en(
    r"autonom(?:ous|ously|y)", r"self (?:directed|governing|acting|guided|targeting)", "robotic",
    r"ai (?:driven|controlled|led|powered|enabled|guided|piloted|operated|based)",
)  # fmt: skip
MACHINE_EN = en(
    r"autonom(?:ous|ously|y)", r"automat(?:ic|ically|ed|es?|ing|ion)", "auto", "unmanned", "uncrewed",
    r"self (?:directed|governing|acting|guided|targeting|driving)", "independently", r"on (?:its|their) own",
    r"by (?:itself|themselves)", "of its own accord", "robots?", "robotic", "drones?", r"u[agsc]?c?a?vs?",
    r"swarm(?:s|ing)?",
    r"machines?(?! (?:learning|translat|readable|shop|gun|tool|part|room|oil))", r"algorithm(?:s|ic|ically)?", "ai",
    r"(?:let|have|make|allow|enable)s? (?:the |our |a |an )?(?:software|models?|systems?|computers?|networks?|programs?|agents?)",
    "artificial intelligence", "neural networks?", "bots?", "turrets?", r"sentr(?:y|ies)",
    r"(?:models?|systems?|software|computers?|programs?|platforms?|networks?|agents?)(?= (?:that|which|to|can|will|may|must) )",
)  # fmt: skip
AUTONOMOUS_KO = ko(
    "자율", "자체 ?판단", "독자적", "스스로", "완전 ?자동", r"(?:인공지능|ai) ?(?:기반|제어|탑재|구동|조종)"
)
MACHINE_KO = ko(
    "자율", "무인", "자동", "스스로", "알아서", "독자적", "자체 ?판단", "소프트웨어", "인공지능", r"(?<![a-z0-9])ai(?=[가-힣])", "알고리즘", "로봇",
    "드론", "군집",
    r"기계(?! ?(?:번역|학습|정비|공학|설비|류))", r"(?:모델|시스템|체계|프로그램|컴퓨터)(?:이|가) ",
)  # fmt: skip
MACHINE = rf"(?:{MACHINE_EN}|{MACHINE_KO})"

# Nobody is asked.
_HUMAN_EN = (
    r"(?:humans?|operators?|persons?|people|man|men|soldiers?|crews?|commanders?|officers?|supervis\w+|oversight|approv\w+"
    r"|authori[sz]\w+|confirm\w+|permission|consent|interven\w+|judge?ments?|control|command|orders?|asking|waiting"
    r"|clearance|pilots?|gunners?|shooters?|anyone|anybody|someone)"
)
NOBODY_EN = en(
    r"(?:human|man|crew|operator)less|human less", rf"(?:without|w o) (?:\w+ ){{0,2}}{_HUMAN_EN}",
    rf"(?:no|zero) (?:\w+ ){{0,2}}{_HUMAN_EN}", "off the loop", "nobody", "no one",
    r"(?:humans?|man|men|people|operators?) out of",
    r"not (?:a |the )?(?:humans?|soldiers?|people|persons?|operators?|men|pilots?|crews?|commanders?)",
    rf"(?:not|never|n?t) (?:\w+ )?(?:need|requir|await|wait|ask|seek|involv|depend)\w*(?: \w+){{0,2}} {_HUMAN_EN}",
    r"(?:humans?|people|operators?|soldiers?|commanders?) (?:are|is|were|be) (?:not|never|no longer|removed|excluded|bypassed)",
    r"(?:bypass|skip|replac|exclud|remov|eliminat|ignor)\w* (?:of )?(?:the |a |any |all )?(?:\w+ )?(?:human|operator|commander|man in)\w*",
    rf"(?:instead|independent(?:ly)?|regardless|free) of (?:\w+ )?{_HUMAN_EN}",
    "unsupervised(?! (?:learning|train|pretrain|cluster))",
)  # fmt: skip
_HUMAN_KO = "(?:사람|인간|인원|인명|운용자|운용병|운영자|조작자|사수|지휘관|지휘자|병사|승인|허가|통제|감독|개입|확인|명령|결심|결재|동의|판단|지시|감시)"
NOBODY_KO = (
    r"무(?:승인|통제)|"
    rf"{_HUMAN_KO}[가-힣 ]{{0,12}}?"
    r"(?:없|배제|생략|불필요|무관하|빠진|대신|대체|받지 ?(?:않|아니)|거치지 ?(?:않|아니)|구하지 ?않|기다리지 ?않|묻지 ?않"
    r"|벗어나|벗어난|(?:끼어들|관여하|관여되|참여하|결정하|판단하|승인하|보|손대|누르)지 ?(?:않|못)|필요 ?(?:로 ?하지 ?않|하지 ?않)|하지 ?않)"
)
NOBODY = rf"(?:{NOBODY_EN}|{NOBODY_KO})"

# What force is used with.
WEAPON_EN = en(
    "weapons?", "weaponry", "munitions?", "warheads?", "missiles?", r"torpedo(?:es)?", "gun turrets?",
    "machine guns?", "cannons?", "artillery", "interceptors?", "terminal guidance",
    r"(?:armed|attack|combat|suicide|kamikaze|weaponi[sz]ed) (?:drones?|robots?|vehicles?|uavs?|swarms?)",
)  # fmt: skip
WEAPON_KO = ko(
    "무기(?!력|한|물|질)", "병기", r"(?:공격|자폭|타격|전투)(?: ?용)? ?(?:드론|무인기|로봇)", "무장 ?(?:드론|로봇|무인기)", "유도탄", "미사일", "포탑",
    "기관총", "전차포", "어뢰", "요격기", r"종말 ?유도", "화력(?! ?발전)",
)  # fmt: skip

# Targets, and choosing among them.
TARGET_EN = en("targets?")
CHOOSE_EN = en(
    r"select\w*", r"choos\w*", "chosen?", "chose", r"pick(?:s|ed|ing)?", r"nominat\w*", r"prioriti[sz]\w*",
    r"designat\w*",
    r"acqui(?:re|res|red|ring|sition)", r"rank(?:s|ed|ing)?", r"engag\w*", r"eliminat\w*", r"hunt\w*", r"strik\w*",
    r"attack\w*",
    r"kill\w*", r"shoot\w*", r"destroy\w*", r"neutrali[sz]\w*", r"prosecut\w*", r"bomb\w*", r"fir(?:e|es|ing)",
    r"match\w*",
    r"recommend\w*", r"assign\w*",
)  # fmt: skip
CHOICE_EN = en(
    "selection", "engagement", "acquisition", "nomination", r"prioriti[sz]ation", "designation", "assignment",
    "elimination", "lists?", r"pick(?:ing|ers?)", "selectors?", "choice", "ranking", "hunting", "killing",
    "neutrali[sz]ation", "destruction",
)  # fmt: skip
TARGET_KO = ko(
    "표적(?!지 )", "목표물", r"(?:타격|사살|살상|교전|요격|폭격|포격|저격|암살) ?(?:대상|목표)", r"공격 ?(?:대상|목표)",
)  # fmt: skip
CHOOSE_KO = ko(
    "선정", "선별", "선택", "지정", "할당", "배정", "결정", "우선 ?순위", "획득", "확정", "지명", "추천", "목록", "명단", "순위", "고르", "골라",
    r"점수(?:화|를)",
    "고른", "고를", "정하", "찾아 ?(?:가|내어)", FORCE_KO, WEAK_KO,
)  # fmt: skip

# Words that people write in disguise; see ``reading``. Longer before shorter.
DISGUISED_EN = tuple(
    sorted(
        "kill kills killer killers killing lethal lethally lethality autonomous autonomously autonomy automatic"
        " automatically unmanned weapon weapons weaponry target targets targeting selection acquisition engagement engage"
        " engages attack attacks strike strikes destroy destroys shoot shoots shooting drone drones robot robots swarm"
        " swarms enemy enemies missile missiles assassinate assassination eliminate eliminates murder hunter human humans"
        " without deadly force bomb bombs seek slaughterbot slaughterbots munition munitions combatant combatants".split(),
        key=len,
        reverse=True,
    )
)
DISGUISED_KO = tuple(
    "살상 사살 살해 살인 암살 처단 섬멸 격멸 저격 폭격 포격 격추 교전 공격 타격 발사 사격 표적 무기 병기 자율 무인 자동 선정 선별 획득 제거 드론 로봇"
    " 킬러 승인 개입 없이 적군 킬체인 무기체계 자율살상".split()
)
