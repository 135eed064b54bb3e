"""Phrases that say an act and its object by themselves, by the rule of ``acts`` that they belong to."""

from __future__ import annotations

from bongsu.policy.act_words_en import ARMS, PEOPLE, PLACE, THING
from bongsu.policy.act_words_ko import CHARGE_KO, HIT_KO
from bongsu.policy.words import Words

DECIDING_PHRASES = Words(
    rf"(?<![a-z])kill(?:s|ed|ing)? (?:\w+ ){{0,2}}{PEOPLE}(?![a-z])",
)  # fmt: skip

SELECTING_PHRASES = Words(
    (r"(?:deserv|merit|earn|worth|get|due)\w* (?:an? |the )?(?:\w+ )?(?:missiles?|bombs?|shells?|bullets?"
    "|warheads?|rockets?)(?![a-z])"),
    "(?<![a-z0-9])(?:f2t2ea|f3ead)(?![a-z0-9])", "weapons (?:free|release|hot)(?![a-z])", "cleared hot",
    "warheads? on ", "kill ?box(?:es)?(?![a-z])", "(?:hit|death) lists?(?![a-z])", "engagement authority",
    "time on target",
    (r"(?<![a-z])(?:giv|tell|send|feed|pass|show|hand|stream|relay|cue)\w* (?:the |our |a |each )?(?:\w+"
    " )?(?:mortars?|guns?|howitzers?|artillery|batter(?:y|ies)|gunners?|shooters?|snipers?|launchers?)"
    r" (?:\w+ ){0,3}(?:grid|coordinates?|position|location|whereabouts|address|bearing)s?(?![a-z])"),
    (rf"(?<![a-z])(?:match|assign|pair|allocat|link|map|distribut)\w* (?:\w+ ){{0,2}}{ARMS} (?:with|to|and"
    rf"|against|over|among) (?:\w+ ){{0,2}}{PLACE}(?![a-z])"),
    (rf"(?<![a-z])(?:match|assign|pair|allocat|link|map|distribut)\w* (?:\w+ ){{0,2}}{PLACE} (?:with|to"
    rf"|and|among|over) (?:\w+ ){{0,2}}{ARMS}(?![a-z])"),
    ("(?<!search )(?<!cache )(?<![a-z])(?:hit|strike|kill|attack|shelling|bombing) (?:rank|order|priorit"
    r"|sequenc|queue|schedul|scor|nominat)\w* (?:for|of|by|against|over|from)(?![a-z])"),
    r"order of (?:attacks?|strikes?|fires?|bombing|shelling)(?: against| on| over| at|$| \.)",
    ("(?<![a-z])(?:turn|convert|mak|creat|generat|draft|propos|suggest|comput|produc|issu|build|queue"
    r"|into)\w* (?:\w+ ){0,4}fire missions?(?![a-z])(?! flown)"),
    "fire missions? (?:from|out of|for (?:each|every|all))(?![a-z])",
    "(?:any|every|best|nearest) (?:sensor|shooter)s?(?![a-z])", "sensor (?:and |to )?shooter",
    r"re ?(?:attack|strike) (?:recommend|decid|propos|suggest|order|nominat)\w*", "troops in the open",
    "(?:nine|9) ?line(?:r|s)?(?: for| request| generat|$)",
    "(?<![a-z0-9])(?:tst|hptl|hvi|dmpi|jdpi|jpel|wta|dpi|f2t2|ffe|restrike|loiterer|himar)s?(?![a-z0-9])",
    "weapon (?:to )?target", "release (?:authority|approval|decision)", "asks? to release",
    r"(?:treat|consider|count|regard|handl)\w* as (?:a )?(?:hostile|enem|threat|combatant)\w*", "hostile intent",
    "shoot (?:or )?no ?shoot", "(?<![a-z])(?:hostile|enemy|combatant)s?만 ",
    (rf"(?<![a-z])(?:have|has|let|lets|make|makes|making|letting) (?:an? |the |each )?(?:\w+ )?(?:{ARMS}"
    r"|grenades?|warheads?) (?:\w+ )?(?:follow|find|chase|go|fly|home|fall|land|drop|hit|reach|strike)"
    "(?![a-z])"),
    (r"(?:^|(?<=\. ))(?:shoot|bomb|shell|spray|strafe|blow|blast) (?:up )?(?:the|every|all|any) (?!video"
    "|film|photo|picture|scene|ball)"),
    (r"(?:do|should|shall|can|may|must|could|would) (?:we|i|they|it|you) (?:\w+ )?(?:hit|strike|shell|bomb"
    "|shoot|engage|kill|fire)(?![a-z])"),
    "(?<![a-z])(?:kill|hit) probabilit", "probability of (?:kill|hit)", "hard kill", "no mitl",
    "weapons? (?:is|are|gets?|be) released", "be hunted", "hunted by",
    "light(?:s|ing)? (?:him|her|them|it|em|anyone|everyone) up",
    "(?<![a-z])drop(?:s|ping)? (?:him|her|them|whoever|anyone|everyone|somebody)(?![a-z])",
    "goes? (?:bang|boom)(?![a-z])", "well placed (?:round|shot|bullet)", "(?:through|into) the windshield",
    "strike ?(?:후보|대상|목표|순위|명단)",
    "(?<![a-z])(?:dive|neutrali[sz]e|strike|shoot|engage|kill|bomb|destroy)(?:하|할|한|해|시)",
    "(?:strike|shoot|kill|engage|bomb|destroy|fire|attack) ?(?:할|하는|하도록|하게|하자|시킬|될) ",
    f"{HIT_KO} ?(?:순서|순위|차례|목록|명단|리스트|후보)",
    "(?:포격|폭격|타격|공격|격침|저격|사살) ?(?:차례|순번|순서|순위|명부|후보지?|우선)",
    "(?:사격|발포|사살|타격|포격|폭격|살상|격추|요격) ?여부", "재 ?타격", "재 ?공격", "(?:즉각|즉시|조치) ?사격",
    "화력 ?(?:유도|요청)", "슈터", "(?:을|를|부터) ?(?:칠|때릴|쏠|포격할|폭격할|타격할)지",
    "(?:포|총|로켓|미사일|기관총)(?:을|를) ?(?:[가-힣]+ )?(?:쏜|쏘|돌린|겨눈|겨누|퍼붓|갈긴)",
    f"{CHARGE_KO}(?:이|가|을|를) ?(?:[가-힣]+ ){{0,2}}(?:떨어지|떨어뜨|터지|박히|꽂히)",
    "(?:로켓|포탄|미사일|폭탄|총알|탄)(?:을|를)? ?맞을", "사격(?:을|이) ?(?:받|가해)",
    "(?:파괴|격멸|소탕|섬멸) ?(?:목록|순서|명단|순위)", "표적 ?(?:전환|변경)",
    "(?:무인|자동|자율) ?(?:반격|응사|응징)", "missile ?(?:배분|할당|배정)",
    r"(?:되면|하면|이면|보이면) (?:\w+ )?(?:fire|shoot|strike|engage)(?![a-z])",
)  # fmt: skip

FIRING_PHRASES = Words(
    (r"(?<![a-z])(?:put|plac|drop|land|rain|lay|bring|pour)\w* (?:\w+ ){0,2}(?:rounds?|steel|ordnance|lead"
    "|shells?|hellfire|effects)(?: down)? (?:on|onto|into|upon)(?![a-z])"),
    r"(?<![a-z])(?:put|bring|lay|pour)(?:s|ting|ing)? (?:\w+ )?fires? (?:down )?(?:on|onto|upon)(?![a-z])",
)  # fmt: skip

HARMING_PHRASES = Words(
    (r"(?<![a-z])(?:rank|scor|sort|order|rat(?:e|es|ing)|grad|list|prioriti[sz]|triag)\w* (?:\w+"
    rf" ){{0,3}}{PEOPLE}(?: \w+){{0,6}} (?:by|according to|on|for|in order of|as to)(?: \w+){{0,4}}"
    r" (?:danger|threat|hostil|loyal|disloyal|enmity|menac|subvers)\w*"),
    (r"(?:danger|threat|hostil|loyal|disloyal)\w* (?:scor|rank|rat|index|level)\w* (?:of|for|to|over)"
    rf" (?:\w+ ){{0,3}}{PEOPLE}(?![a-z])"),
    "terminal guidance",
    rf"(?<![a-z])(?:guidance|homing|seekers?) (?:on|onto|into|towards?|at) (?:\w+ ){{0,2}}{THING}(?![a-z])",
    "지도에서 (?:지우|지울|지운|지워|사라)", "입을 (?:다시 ?)?(?:열지 ?못|다물게)", "숨통", "영원히 ?잠재",
    "바다 ?밑으로 ?보내", "바다 ?밑으로 ?보낼", "황천", "저세상", "불귀의", "뜨거운 ?맛", "본때", "제삿날",
    ("(?:사람|놈|적|무리|병력|보초)(?:들)?(?:을|를) ?(?:[가-힣]+ ){0,4}(?:정리(?:한|하|해)|처리(?:한|하"
    "|해)|치워|치운|쓸어)"),
    rf"permanently (?:silenc|remov|stop|eliminat|disabl)\w* (?:\w+ ){{0,3}}{PEOPLE}(?![a-z])",
    ("(?:tak(?:e|es|ing) care of|deal(?:s|ing)? with|clean(?:s|ing)? (?:up|out)|clear(?:s|ing)? out"
    r"|thin(?:s|ning)? out|mop(?:s|ping)? up|put(?:s|ting)? down) (?:\w+ ){0,3}(?:enem(?:y|ies)|hostiles"
    "|insurgents|militants|fighters|rebels|guerrillas|opposing)(?![a-z])"),
    (r"(?:find|locat|choos|pick|identif|track)\w* (?:\w+ ){0,3}whose (?:death|killing|loss|removal) (?:\w+"
    " )?(?:hurts?|weakens?|harms?|costs?|helps?)(?![a-z])"),
)  # fmt: skip
