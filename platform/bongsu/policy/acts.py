"""Acts said in plain words, with what they are done to: choosing what is hit next, steering what explodes, firing at
what moves, calling people combatants, ranking them by danger.

``forbidden`` and ``pairs`` look for the words of force; here none has to stand. Each rule is a pair of an act and its
object, or of an act and its means. Most are tried only where a sentence does not speak of upkeep, help or law.
"""

from __future__ import annotations

from bongsu.policy.forbidden import Forbidden
from bongsu.policy.pairs import UPKEEP

# -- English ---------------------------------------------------------------------------------------------------
_PEOPLE = (
    r"(?:people|persons?|men|man|women|males|villagers?|residents?|inhabitants?|individuals?|locals|famil(?:y|ies)"
    r"|households?|neighbou?rs?|suspects?|soldiers?|troops|fighters?|crowds?|civilians?|pedestrians?|passers ?by|faces"
    r"|figures|drivers?|leaders?|commanders?|names)"
)
_THING = (
    rf"(?:{_PEOPLE}|vehicles?|cars?|trucks?|convoys?|columns?|tanks?|ships?|boats?|vessels?|houses?|homes?|buildings?"
    r"|bridges?|villages?|towns?|cit(?:y|ies)|districts?|blocks?|trenches|trench|positions?|bunkers?|compounds?|tracks?"
    r"|contacts?|objects?|sites?|locations?|coordinates?|grids?|camps?|hospitals?|schools?|radars?|headquarters|posts?"
    r"|windows?|rooms?|roofs?|rooftops?|structures?|dwellings?|launchers?|floors?|alleys?|barracks|neighbou?rhoods?|courtyards?|tunnels?|markets?|groups?|dismounts?|whom?|which|what|where)"
)
_CHOOSE = (
    r"(?<![a-z])(?:nominat|prioriti[sz]|rank|scor|select|choos|chose|pick|propos|suggest|recommend|decid|determin|sort|order"
    r"|list|queu|mark|flag|assign|match|pair|tell|nam(?:e|ing)|singl|shortlist|draw|drew|work|tag|designat|cue|predict|find"
    r"|spot|identif|point|put|mak|giv|hand|rat(?:e|ing)|filter|triag|sequenc|comput|calculat|show|feed|pass|advis|plan)\w*"
)
_SHOOTER = (
    r"(?:artillery|guns?|gunners?|gun line|howitzers?|mortars?|batter(?:y|ies)|bombers?|snipers?|shooters?|helicopters?"
    r"|gunships?|jets?|drones?|uavs?|missiles?|rockets?|launchers?|turrets?|cannons?|air force|pilots?|tanks?|warships?"
    r"|frigates?|destroyers?|crews?|strike \w+|fires? (?:cell|team|unit)s?|(?:kill|hit|raid|assault) (?:team|squad|cell)s?)"
)
_STRIKER = (
    r"(?:strike (?:cell|team|group|package|aircraft|element|squadron|unit|force|wing)s?|(?:kill|hit|raid) (?:team|squad|cell)s?"
    r"|snipers?|shooters?|bombers?|gunships?|air ?strikes?|bombing|bombardment|shelling|fire missions?|(?:rocket|mortar|artillery|missile) (?:batter(?:y|ies)|crews?|teams?)|destruction|demolition)"
    r"(?! (?:course|school|training|badge|competition|instructor|selection|class|maint|repair|crew|damage|victim|report)\w*)"
)
_HIT = (
    r"(?:hit(?:s|ting)?|strik(?:e|es|ing)|shell(?:s|ing)?|bomb(?:s|ing)?|bombard\w*|engag(?:e|es|ing)|attack(?:s|ing)?"
    r"|destroy\w*|fir(?:e|es|ing)(?: (?:at|on|upon))?|tak(?:e|es|ing) out|knock(?:s|ing)? out|blow(?:s|ing)? up|sink(?:s|ing)?"
    r"|shoot\w*|kill\w*|go(?:es|ing)? after|pound\w*|flatten\w*|raz(?:e|es|ing)|eliminat\w*|neutrali[sz]\w*|suppress\w*"
    r"|prosecut\w*|finish(?:es)? off|wip(?:e|es) out|drop(?:s|ping)?(?: on| its)?)"
)
_BEING_HIT = (
    r"(?:hit|shelled|bombed|struck|attacked|bombarded|fired (?:on|at|upon)|flattened|blown up|taken out|knocked out|engaged"
    r"|razed|levelled|serviced|prosecuted|targeted)(?![a-z])"
)
_STEER = (
    r"(?<![a-z])(?:steer|guid|fl(?:y|ies|ying|own)|navigat|direct|rout|vector|lead|send|sent|dispatch|pilot|driv|control|hom(?:e|es|ing)"
    r"|coordinat|bring|aim|crash|launch|land|mov|manoeuvr|maneuver|put|deliver|swarm)\w*"
)
_CRAFT = r"(?:drones?|uavs?|quadcopters?|multicopters?|copters?|boats?|usvs?|ugvs?|robots?|vehicles?|swarms?|planes?|gliders?|dogs?|cars?|trucks?)"
_CHARGE = (
    r"(?:explosives?(?![a-z])(?! detect)|bombs?|warheads?|grenades?|mines?|munitions?|charges?|ordnance|shells?)"
)
_LOADED = (
    rf"(?:(?:{_CHARGE}|exploding|armed|weaponi[sz]ed|fpv|one way|strike|attack|kamikaze)(?: (?:laden|carrying|loaded|bearing|filled|tipped|dropping))?"
    rf" (?:attack )?{_CRAFT}(?![a-z])|{_CRAFT} (?:\w+ ){{0,2}}(?:with|carrying|carry|carries|bearing|of|on) (?:\w+ ){{0,2}}{_CHARGE}(?![a-z]))"
)
_OPEN_FIRE = (
    r"(?:open(?:s|ed|ing)? fire|opens up (?:on|at)|(?<!camera )shoots?|pull(?:s|ing)? the trigger|let(?:s|ting)? (?:loose|rip)"
    r"|(?:it|gun|guns|turret|system|weapon|post|tower|station|mount|launcher|mine|robot|machine|battery|scope|rifle|sight|barrel|weapon)(?: that| which)? (?:\w+ly )?(?:fires?|engages?|detonates?)"
    r"|return(?:s|ing)? fire|is fired|are fired|rounds go|goes hot|(?:^|(?<=\. ))(?:fire|shoot|detonate|engage))"
)
_NOTICED = (
    r"(?:sensors?|cameras?|radars?|detectors?|motion|movements?|mov(?:es|ing)|cross(?:es|ing)|approach\w*|comes? (?:near|close|within)"
    r"|steps?|someone|somebody|anyone|anybody|heat signatures?|thermal|lidar|seismic|tripwire|fence|perimeter|silhouettes?|shadows?)"
)
_FIGHTER = (
    r"(?:combatants?|hostiles?|hostile|fighters?(?! (?:jet|aircraft|plane|squadron|pilot)s?)|militants?|insurgents?|enem(?:y|ies)"
    r"|(?:legitimate|lawful|valid) targets?|terrorists?|guerrillas?|belligerents?|foe|foes)(?![a-z])"
)
_OTHERS = r"(?:civilians?|non ?combatants?|bystanders?|friendl(?:y|ies)|innocents?|neutrals?|villagers?|farmers?|friends?)"
_TELLING = (
    r"(?<![a-z])(?:decid|determin|judg|tell|classif|label|identif|recogni[sz]|distinguish|separat|sort|flag|infer|guess|predict|estimat"
    r"|scor|find|spot|call|mark|divid|split|assess|read|learn|work)\w*"
)
_UPKEEP_EN = (
    r"(?<![a-z])(?:maint\w+|repair\w*|spares?|overhaul\w*|diagnos\w*|wear|resupply|suppl(?:y|ies)|ammunition|logistics|fuel\w*|translat\w*"
    r"|summar\w*|manuals?|law|laws|legal|treat(?:y|ies)|rights|conventions?|courses?|classroom|museums?|histor\w*|archiv\w*|safety"
    r"|drills?|reconstruct\w*|rebuild\w*|rescue\w*|evacuat\w*|shelters?|warn\w*|alarms?|dispos\w*|demin\w*|clearance|defus\w*|disarm\w*"
    r"|sniff\w*|counter(?!attack)\w*|jam\w*|protect\w*|victims?|aid|medic\w*|patients?|wounded|injur\w*|damage\w*|insurance|promot\w*"
    r"|awards?|medals?|complaints?|(?:on|sick|annual|parental|home|shore|unpaid) leave|leave (?:request|plan|schedul|roster|day|record|balance|application)\w*|recruit\w*|applicants?|phishing|malware|cyber|network|news|inspect\w*|paint\w*|firefighters?|fire ?fighters?"
    r"|deliver\w* (?:of )?(?:food|medicine|water|mail|blood)|flood\w*|disease\w*|infect\w*|heat(?! (?:signature|source|image)s?)|quake\w*|landslides?|simulat\w*|(?<!like a )(?<!like )games?|films?)(?![a-z])"
)

_ARMS = r"(?:howitzers?|mortars?|(?:rocket |missile )?launchers?|rockets?|missiles?|guns?|bombs?|bombers?|shells?|batter(?:y|ies)|torpedo(?:es)?|loitering \w+|gunships?)"
_PLACE = r"(?:villages?|towns?|houses?|homes?|buildings?|bridges?|convoys?|columns?|trucks?|cars?|ships?|boats?|crowds?|people|persons?|camps?|hospitals?)"
_DO_TO = r"(?:engage|shoot|hit|strike|kill|attack|bomb|shell|fire (?:on|at)|destroy|neutrali[sz]e|take out|blow up|finish)"

# -- Korean ----------------------------------------------------------------------------------------------------
_HIT_KO = (
    r"(?:(?:포격|폭격|타격|공격|사격|격파|격침|요격|저격|폭파|조준|포탄 ?세례)(?:할|될|하기|당할|받을|시킬)"
    r"|(?<![가-힣])(?:칠|때릴|쏠|쏴야 ?할|부술|날릴|날려 ?버릴|노릴|들이받을|덮칠|박살 ?낼|갈길|퍼부을|두들길|쓸어버릴)(?=[ ,])|잿더미로 ?만들)"
)
_THING_KO = (
    r"(?:집|건물|마을|차량|차(?=[를가와 ])|트럭|전차|배(?=[를가와 ])|선박|함정|어선|사람|주민|병사|병력|진지|참호|벙커|다리|교량|곳|지점|좌표"
    r"|대상|목표|표적|구역|지역|위치|인물|가옥|가구|시설|호송대|행렬|무리|방(?=[을이 ])|창문|남자|적|부대|초소|것|놈|자리)"
)
_CHOOSE_KO = (
    r"(?:순위|순서|순번|우선|목록|명단|리스트|점수|등수|선정|선별|선택|고르|고른|고를|골라|고릅|추천|정한|정하|정해|정합|정할|매기|매긴|매겨|매김|뽑|추려"
    r"|추린|추리|결정|지목|찍어|찍는|제안|꼽|찾아|찾는|찾기|산출|계산|생성|만든|만들|배정|할당|줄 ?세|줄세|알려|짚어|예측|표시|분류)"
)
_SHOOTER_KO = (
    r"(?:포대|포병|포반|자주포|박격포|곡사포|저격수|저격조|사수|폭격기|전투기|(?:타격|공격|사격|습격|기습) ?(?:조|팀|반|부대|대)|공격 ?헬기|무장 ?헬기|미사일|로켓|전차|드론|무인기|화포|함포"
    r"|화력 ?(?:부대|팀|반))"
)
_CHARGE_KO = r"(?:폭발물|폭탄|폭약|수류탄|탄두|포탄|작약|고폭탄|박격포탄|유탄|탄(?=[을를] ))"
_CRAFT_KO = r"(?:드론|무인기|보트|무인정|무인 ?차량|차량|로봇|멀티콥터|쿼드콥터|글라이더|배|비행체|fpv)"
_FIRES_KO = (
    r"(?:사격(?:을|이)? ?(?:한다|하는|하고|하게|합니다|시작|개시|실시|가해)|(?<![가-힣])(?:쏜다|쏩니다|쏘는|쏘게|쏘도록|쏴)|발포|발사(?:한다|하는|합니다|하도록|되)|불을 ?뿜"
    r"|방아쇠|격발|응사|총구가|갈긴다|갈기)"
)
_NOTICED_KO = r"(?:움직임|움직이|센서|카메라|레이더|감지|탐지|열상|접근하|다가오|다가온|넘어오|넘는|들어오|밟|지나가|그림자|인기척|울타리|철책|사람이|누가|누군가)"
_FIGHTER_KO = r"(?:전투원|(?<![가-힣])적(?:군|병|대자)?(?![가-힣]{2})|테러범|테러리스트|반군|게릴라|위협 ?인물|무장 ?세력|교전 ?대상)"
_PERSON_KO = r"(?:누가|누구|사람|인물|남자|남성|여자|주민|얼굴|행인|인원|보행자|무리|군중|마을 ?사람|피사체|민간인|사내)(?:들)?"
_TELLING_KO = r"(?:판별|판단|판정|구분|구별|분류|식별|가려|가리|가른|갈라|나눈|나누|나눠|결정|알아|맞힌|맞히|추정|찾아|라벨|표시|딱지|골라)"
_UPKEEP_KO = (
    r"만료|유효 ?기간|수명|노화|재고|정비|수리|점검|부품|재보급|보급|수송|복구|재건|구호|구조|대피|피난|경보|번역|요약|문서|조약|법(?:적|률|령|무)|판례|교범|역사"
    r"|홍수|화재|산사태|지진|감염|건강|온열|질병|환자|부상|치료|재해|재난|범람|안전|훈련|교육|연습|해체|처리반|탐지견|폭발물 ?탐지|탐지기|대응|방어|방호|차단|피해|보험|진급|표창|민원"
    r"|박물관|예산|회의|보험|급식|인사|휴가|채용|시뮬레이션|게임(?!처럼|같이| ?하듯)|영화(?!처럼|같이)"
)

# -- the widest: a word that is hardly ever anything but force, and one of deciding ------------------------------
_STRONG_EN = (
    r"(?<![a-z])(?:barrages?|salvos?|salvoes|volleys?|(?<!bird )(?<!lightning )(?<!air )strikes?|air ?strikes?|shell(?:s|ed|ing)(?! (?:expir|fuse|case|casing|stock|consumption|stor|crate|handling|shock|company|program|threat|shelter|disposal|squad|suit|body|bodies)\w*)|(?:the|a|each|next|first) shell(?! (?:expir|fuse|case|casing|stock|consumption|stor|crate|handling|shock|company|program|threat|shelter|disposal|squad|suit|body|bodies)\w*)|bomb(?:s|ed|ing)?(?! (?:expir|fuse|case|casing|stock|consumption|stor|crate|handling|shock|company|program|threat|shelter|disposal|squad|suit|body|bodies)\w*)|bombard\w*"
    r"|mortar fire|gunfire|artillery fire|crosshairs?|reticles?|shooters?|snipers?|ram|rams|ramming|impact points?"
    r"|missiles?(?! (?:frigates?|bases?|units?|systems?|battalions?|boats?|crews?|motors?|engines?|seals?|bodies|parts?))|warheads?|kamikaze|fire(?:d|s)? (?:up)?on|fires on|the trigger|a trigger|(?:for|by|with) the rockets|rounds? (?:\w+ ){0,4}(?:expended|spent|placed|put) (?:on|into)|want(?:ed)? dead|firing (?:until|at|on)|weapons? effects|demolition from|levelling|assassins?|carpet bomb\w*|lethal\w*)(?![a-z])"
)
_DECIDE_EN = (
    r"(?<![a-z])(?:nominat|prioriti[sz]|rank|scor|select|choos|chose|pick|propos|suggest|recommend|decid|determin|sort|order|queu|assign"
    r"|allocat|advis|compil|plan|output|next|approv|automat|autonom|whom|which|who|where|when|best|moment|optimi[sz]|maximi[sz]|target|guid"
    r"|steer|recognis|recogniz|detect|identif|find|hunt|track|coordinates|faster|request|intercepted|call|calls|runn|mov|man|men|people|persons?|anyone|anybody|everyone|whoever|cue|hand|solver?|tasking|grad|rate[sd]?|rating|plan|teach|train|software|planner)\w*"
)
_STRONG_KO = (
    r"(?:폭격(?!기)|포격|타격|사살|저격|살상|격침|격추|격파|살해|암살|처형|(?:포탄|미사일)(?=[을를에로이 ](?! ?기지))(?! ?(?:기지|부대|사령부|엔진|부품))|(?:어뢰|수류탄)[을를]|총(?:을|이) ?겨|총구|터뜨|터트|죽여|죽일|죽이|쏠 |쏘아(?! ?올)|사격 ?(?:명령|지시|요청|승인|개시|결정)"
    r"|자폭|충돌시|들이받|돌격|조준|공습|융단|섬멸|몰살|내리꽂|들이박|쏘기|기관총에|무장 ?투하)"
)
_DECIDE_KO = rf"(?:{_CHOOSE_KO}|승인|판단|판정|지시|명령|어디|어느|누구|누가|다음|먼저|차례|언제|알아내|알아낸|자동|스스로|인공지능|알고리즘|모델|드론|무인|로봇|좌표|목표|대상|사람|인물|선박|어선|함정|지붕|행인|시장|차량|다리|버스|지날 ?때|있을 ?때|적(?= )|마을|건물|집(?=[을에이 ]))"


# Somebody, and that they die; not of what.
_DYING_EN = (
    rf"(?<![a-z])(?:who|whom|how many|(?:which )?{_PEOPLE}) (?:\w+ ){{0,3}}(?:dies?|dead)"
    r"(?! (?:of|from|out|in|end|phone|batter|line|link|letter|zone|weight|reckoning|sea)\w*)(?![a-z])"
)


def _either(one: str, other: str, within: int) -> str:
    return rf"{one}[^.]{{0,{within}}}?{other}|{other}[^.]{{0,{within}}}?{one}"


ACTS = (
    Forbidden(
        "force-decision",
        (
            _either(_DECIDE_EN, _STRONG_EN, 60),
            _either(_DECIDE_KO, _STRONG_KO, 25),
            # Dying and bombs are no force by themselves: somebody is hit, or is chosen.
            _either(_DYING_EN, rf"(?<![a-z]){_HIT}(?![a-z])", 40),
            rf"{_DYING_EN}[^.]{{0,40}} (?:is|are|be) (?:set|chosen|decided|picked|settled|ranked)(?![a-z])",
            rf"(?<![a-z])kill(?:s|ed|ing)? (?:\w+ ){{0,2}}{_PEOPLE}(?![a-z])",
            rf"{_PERSON_KO}[^.]{{0,14}}폭탄(?:을|를) ?(?:아끼|아낀|아껴|나누|나눈|배분|쓴다|쓸|쓰는|던지|던진)",
        ),
        unless=rf"{UPKEEP}|{_UPKEEP_EN}|{_UPKEEP_KO}",
    ),
    Forbidden(
        "target-selection",
        (
            rf"{_CHOOSE}[^.]{{0,60}}(?<![a-z]){_THING}(?![a-z])[^.]{{0,35}}(?<![a-z]){_SHOOTER}(?![a-z])[^.]{{0,25}}(?<![a-z]){_HIT}(?![a-z])",
            rf"{_CHOOSE}[^.]{{0,60}}(?<![a-z]){_THING}(?![a-z])[^.]{{0,40}} (?:for|to|with|by|into|that) [^.]{{0,20}}(?<![a-z]){_STRIKER}",
            rf"{_CHOOSE}[^.]{{0,60}}(?<![a-z]){_THING}(?![a-z])[^.]{{0,40}} (?:to be|be|are|is|gets?|being) (?:\w+ ){{0,2}}{_BEING_HIT}",
            rf"{_THING}(?![a-z]) [^.]{{0,30}}(?:to be|be|are|is|gets?|being) (?:\w+ ){{0,2}}{_BEING_HIT}[^.]{{0,40}}{_CHOOSE}",
            rf"{_CHOOSE}[^.]{{0,50}}(?<![a-z]){_THING} (?:\w+ ){{0,3}}(?:to|should|shall|will|must|can|could) (?:\w+ )?(?:hit|strike|shell|bomb|engage|attack|destroy|fire (?:at|on)|take out|knock out|blow up|sink|go after|flatten|pound|eliminate|liquidate)(?![a-z])",
            r"(?:coordinates?|positions?|locations?|grids?|whereabouts)[^.]{0,50} (?:to|for|into) (?:the |our |an? |each )?(?:nearest |next |waiting )?(?:\w+ )?(?:guns?|mortars?|howitzers?|artillery|batter(?:y|ies)|launchers?|gunners?|shooters?|bombers?|snipers?|gun line)(?![a-z])",
            r"(?:deserv|merit|earn|worth|get|due)\w* (?:an? |the )?(?:\w+ )?(?:missiles?|bombs?|shells?|bullets?|warheads?|rockets?)(?![a-z])",
            rf"{_CHOOSE}[^.]{{0,50}}(?:shells?|missiles?|bombs?|rounds?|rockets?|warheads?) (?:\w+ )?(?:enters?|lands?|falls?|goes? in|comes? down|impacts?|drops?)(?![a-z])",
            r"(?<![a-z0-9])(?:f2t2ea|f3ead)(?![a-z0-9])|weapons (?:free|release|hot)(?![a-z])|cleared hot|warheads? on |kill ?box(?:es)?(?![a-z])|(?:hit|death) lists?(?![a-z])|engagement authority|time on target",
            r"(?<![a-z])(?:giv|tell|send|feed|pass|show|hand|stream|relay|cue)\w* (?:the |our |a |each )?(?:\w+ )?(?:mortars?|guns?|howitzers?|artillery|batter(?:y|ies)|gunners?|shooters?|snipers?|launchers?) (?:\w+ ){0,3}(?:grid|coordinates?|position|location|whereabouts|address|bearing)s?(?![a-z])",
            r"(?<![a-z])(?:which|who|whom|whose|whether)(?![a-z])[^.]{0,60} (?:may|can|should|must|to|ought to|will|could|has to|have to|needs? to) be (?:\w+ly )?(?:shot|killed|hit|shelled|bombed|struck|neutrali[sz]ed|eliminated|taken out|engaged|destroyed|liquidated|fired (?:on|at)|put down)(?![a-z])",
            rf"(?<![a-z])(?:match|assign|pair|allocat|link|map|distribut)\w* (?:\w+ ){{0,2}}{_ARMS} (?:with|to|and|against|over|among) (?:\w+ ){{0,2}}{_PLACE}(?![a-z])",
            rf"(?<![a-z])(?:match|assign|pair|allocat|link|map|distribut)\w* (?:\w+ ){{0,2}}{_PLACE} (?:with|to|and|among|over) (?:\w+ ){{0,2}}{_ARMS}(?![a-z])",
            r"(?<!search )(?<!cache )(?<![a-z])(?:hit|strike|kill|attack|shelling|bombing) (?:rank|order|priorit|sequenc|queue|schedul|scor|nominat)\w* (?:for|of|by|against|over|from)(?![a-z])",
            r"order of (?:attacks?|strikes?|fires?|bombing|shelling)(?: against| on| over| at|$| \.)",
            rf"(?<![a-z])(?:detect|find|hunt|spot|identif|track|see|locat|recogni|search|follow|guess|learn|watch|wait)\w*[^.]{{0,25}}(?<![a-z])(?:{_THING})(?![a-z])[^.]{{0,40}} (?:and|then|to) (?:then )?(?:\w+ly )?{_DO_TO} (?:them|it|him|her|these|those|each|all)(?![a-z])",
            r"(?<![a-z])(?:turn|convert|mak|creat|generat|draft|propos|suggest|comput|produc|issu|build|queue|into)\w* (?:\w+ ){0,4}fire missions?(?![a-z])(?! flown)|fire missions? (?:from|out of|for (?:each|every|all))(?![a-z])",
            r"(?:any|every|best|nearest) (?:sensor|shooter)s?(?![a-z])|sensor (?:and |to )?shooter|re ?(?:attack|strike) (?:recommend|decid|propos|suggest|order|nominat)\w*|troops in the open|(?:nine|9) ?line(?:r|s)?(?: for| request| generat|$)",
            r"(?<![a-z0-9])(?:tst|hptl|hvi|dmpi|jdpi|jpel|wta|dpi|f2t2|ffe|restrike|loiterer|himar)s?(?![a-z0-9])|weapon (?:to )?target|release (?:authority|approval|decision)|asks? to release",
            r"(?:treat|consider|count|regard|handl)\w* as (?:a )?(?:hostile|enem|threat|combatant)\w*|hostile intent|shoot (?:or )?no ?shoot|(?<![a-z])(?:hostile|enemy|combatant)s?만 ",
            r"(?<![a-z])(?:punish|reward|answer|visit|greet|welcom|treat|thank)\w*[^.]{0,40} with (?:\w+ )?(?:artillery|shells|mortars?|rockets?|bombs?|gunfire|missiles?|fire)(?![a-z])",
            rf"(?<![a-z])(?:have|has|let|lets|make|makes|making|letting) (?:an? |the |each )?(?:\w+ )?(?:{_ARMS}|grenades?|warheads?) (?:\w+ )?(?:follow|find|chase|go|fly|home|fall|land|drop|hit|reach|strike)(?![a-z])",
            r"(?:^|(?<=\. ))(?:shoot|bomb|shell|spray|strafe|blow|blast) (?:up )?(?:the|every|all|any) (?!video|film|photo|picture|scene|ball)",
            r"(?:do|should|shall|can|may|must|could|would) (?:we|i|they|it|you) (?:\w+ )?(?:hit|strike|shell|bomb|shoot|engage|kill|fire)(?![a-z])",
            r"(?<![a-z])(?:kill|hit) probabilit|probability of (?:kill|hit)|hard kill|no mitl|weapons? (?:is|are|gets?|be) released|be hunted|hunted by",
            r"light(?:s|ing)? (?:him|her|them|it|em|anyone|everyone) up|(?<![a-z])drop(?:s|ping)? (?:him|her|them|whoever|anyone|everyone|somebody)(?![a-z])|goes? (?:bang|boom)(?![a-z])|well placed (?:round|shot|bullet)|(?:through|into) the windshield",
            r"strike ?(?:후보|대상|목표|순위|명단)|(?<![a-z])(?:dive|neutrali[sz]e|strike|shoot|engage|kill|bomb|destroy)(?:하|할|한|해|시)",
            r"(?:strike|shoot|kill|engage|bomb|destroy|fire|attack) ?(?:할|하는|하도록|하게|하자|시킬|될) ",
            rf"(?<![a-z])targets?[가-힣]{{0,2}} ?[^.]{{0,8}}{_CHOOSE_KO}",
            rf"{_HIT_KO}[^.]{{0,14}}{_THING_KO}[^.]{{0,18}}{_CHOOSE_KO}",
            rf"{_HIT_KO} ?(?:순서|순위|차례|목록|명단|리스트|후보)|(?:포격|폭격|타격|공격|격침|저격|사살) ?(?:차례|순번|순서|순위|명부|후보지?|우선)",
            r"(?:사격|발포|사살|타격|포격|폭격|살상|격추|요격) ?여부|재 ?타격|재 ?공격|(?:즉각|즉시|조치) ?사격|화력 ?(?:유도|요청)|슈터",
            rf"(?:미사일|로켓|포탄|폭탄|어뢰|총|포)(?:을|를) ?(?:[가-힣]+ )?(?:보낼|날릴|떨어뜨릴|투하할|퍼부을|꽂을|선물할|겨눌|돌릴|먹일)[^.]{{0,6}}{_THING_KO}",
            r"(?:어느|어떤|누구|누굴|무엇|무얼|어디|뭘)[^.]{0,14}(?:(?:칠|때릴|쏠|부술|노릴|죽일|날릴)지|(?:포격|폭격|타격|공격|사격|저격)할지|맞힐지)|(?:을|를|부터) ?(?:칠|때릴|쏠|포격할|폭격할|타격할)지",
            rf"(?:포|총|로켓|미사일|기관총)(?:을|를) ?(?:[가-힣]+ )?(?:쏜|쏘|돌린|겨눈|겨누|퍼붓|갈긴)|{_CHARGE_KO}(?:이|가|을|를) ?(?:[가-힣]+ ){{0,2}}(?:떨어지|떨어뜨|터지|박히|꽂히)|(?:로켓|포탄|미사일|폭탄|총알|탄)(?:을|를)? ?맞을",
            r"사격(?:을|이) ?(?:받|가해)|(?:파괴|격멸|소탕|섬멸) ?(?:목록|순서|명단|순위)|표적 ?(?:전환|변경)|(?:무인|자동|자율) ?(?:반격|응사|응징)",
            r"missile ?(?:배분|할당|배정)|(?:되면|하면|이면|보이면) (?:\w+ )?(?:fire|shoot|strike|engage)(?![a-z])",
            rf"{_SHOOTER_KO}(?:들)?(?:가|이|에게|에|로|으로|들이|의)[^.]{{0,18}}(?:{_HIT_KO}|넘길|넘긴|넘겨|전달할|보낼|보낸|보내|알려 ?줄)[^.]{{0,20}}(?:{_THING_KO}|{_CHOOSE_KO})",
            rf"{_CHOOSE_KO}[^.]{{0,20}}(?:(?:타격|공격|사격|습격) ?(?:조|팀|반|대)|포대|포반|저격수|저격조|포병|사수)(?:들)?(?:에|에게|로|으로) ?(?:[가-힣]+ )?(?:넘|보내|보낸|전달|건네|준다|주는|주고|알려|일러|통보|찍어)",
            r"(?:포탄|미사일|폭탄|로켓|불벼락)(?:이|가|을|를|은)? ?(?:[가-힣]+ )?(?:떨어질|떨어뜨릴|박힐|꽂힐|맞을|맞힐|퍼부을|떨굴|투하할|날아갈)[^.]{0,6}(?:곳|지점|집|마을|사람|위치|자리|건물|때|시점|차례)",
        ),
        unless=rf"{_UPKEEP_EN}|{_UPKEEP_KO}",
    ),
    Forbidden(
        "autonomous-weapon",
        (
            rf"{_STEER}[^.]{{0,30}}(?<![a-z]){_LOADED}",
            rf"(?<![a-z]){_LOADED}[^.]{{0,40}}(?<![a-z])(?:to|onto|into|at|toward|towards|against|over) (?:\w+ ){{0,3}}{_THING}(?![a-z])",
            rf"{_CHARGE_KO}(?:을|를|이)? ?(?:[가-힣]+ )?(?:단(?= )|실은|매단|장착한|탑재한|품은|든(?= )|달린|실린|얹은|가득 ?한|묶은)[^.]{{0,8}}{_CRAFT_KO}",
        ),
        unless=rf"{_UPKEEP_EN}|{_UPKEEP_KO}",
    ),
    Forbidden(
        "force-by-machine",
        (
            rf"(?<![a-z]){_OPEN_FIRE}(?![a-z])[^.]{{0,40}} (?:when|if|as soon as|once|whenever|upon|on|at|after|the moment|every time|where|by)(?![a-z])[^.]{{0,40}}(?<![a-z])(?:{_NOTICED}|{_PEOPLE})(?![a-z])",
            r"(?:when|if|as soon as|once|whenever|upon|the moment|every time)(?![a-z])[^.]{0,50}"
            rf"(?<![a-z]){_NOTICED}(?![a-z])[^.]{{0,40}}(?<![a-z])(?:open(?:s|ed)? fire|opens up|shoots?|is shot|gets shot|are shot|is fired (?:at|on)|pulls? the trigger|(?:gun|turret|system|weapon|it) (?:\w+ )?fires?)(?![a-z])",
            r"(?<![a-z])(?:put|plac|drop|land|rain|lay|bring|pour)\w* (?:\w+ ){0,2}(?:rounds?|steel|ordnance|lead|shells?|hellfire|effects)(?: down)? (?:on|onto|into|upon)(?![a-z])",
            r"(?:anything|whatever|everything|anyone|whoever|everyone|whatever) (?:that |who )?(?:mov|cross|enter|approach|com|walk|breath)\w*[^.]{0,40}(?<![a-z])(?:shot|fired|engaged|hit|fire|shoot|engage|kill)(?![a-z])",
            rf"(?<![a-z])(?:cameras?|sensors?|radars?|models?|classifiers?|detectors?|software|algorithm|network|microphones?|lidar)(?![a-z])[^.]{{0,30}} (?:trigger|set|activat|releas|actuat|wake|switch|start)\w*(?: off| on)? (?:the |a |an )?(?:\w+ )?(?:{_ARMS}|mines?|charges?|turrets?|weapons?|warheads?|machine guns?)(?![a-z])",
            r"(?<![a-z])(?:put|bring|lay|pour)(?:s|ting|ing)? (?:\w+ )?fires? (?:down )?(?:on|onto|upon)(?![a-z])",
            r"(?:움직이는|다가오는|보이는|지나가는|넘어오는|살아 ?있는|걸어오는|도망치는)[^.]{0,8}(?:것|사람|차량|물체|건|자|놈|이들|병사)[^.]{0,12}(?:쏘|쏜|갈기|갈긴|사격|발포|맞히|맞춘)",
            rf"{_NOTICED_KO}[^.]{{0,25}}(?:면|자마자|순간|즉시|바로|때|곧장)[^.]{{0,16}}{_FIRES_KO}",
            rf"{_FIRES_KO}[^.]{{0,10}}{_NOTICED_KO}[^.]{{0,12}}(?:면|자마자|순간|때)",
        ),
        unless=rf"{_UPKEEP_EN}|{_UPKEEP_KO}",
    ),
    Forbidden(
        "force-on-people",
        (
            rf"{_TELLING}[^.]{{0,40}}(?<![a-z])(?:whom?|whether|if|which|{_PEOPLE})(?![a-z])[^.]{{0,40}}(?<![a-z]){_FIGHTER}",
            rf"{_TELLING}[^.]{{0,20}}(?<![a-z]){_FIGHTER}(?: \w+){{0,3}} (?:from|and|or|versus|vs|among|amongst|in) (?:\w+ ){{0,2}}(?:{_OTHERS}|crowds?|villages?|video|footage|images?)(?![a-z])",
            rf"(?<![a-z])(?:rank|scor|sort|order|rat(?:e|es|ing)|grad|list|prioriti[sz]|triag)\w* (?:\w+ ){{0,3}}{_PEOPLE}(?: \w+){{0,6}} (?:by|according to|on|for|in order of|as to)(?: \w+){{0,4}} (?:danger|threat|hostil|loyal|disloyal|enmity|menac|subvers)\w*",
            rf"(?:danger|threat|hostil|loyal|disloyal)\w* (?:scor|rank|rat|index|level)\w* (?:of|for|to|over) (?:\w+ ){{0,3}}{_PEOPLE}(?![a-z])",
            r"(?<![a-z])(?:explod|detonat|goes off|blows? up)\w* (?:\w+ ){0,2}(?:once|when|if|as soon as|upon)(?![a-z])[^.]{0,40}(?:recogni|detect|see|identif|reach|near|touch|find|sens)",
            rf"terminal guidance|(?<![a-z])(?:guidance|homing|seekers?) (?:on|onto|into|towards?|at) (?:\w+ ){{0,2}}{_THING}(?![a-z])",
            r"지도에서 (?:지우|지울|지운|지워|사라)|입을 (?:다시 ?)?(?:열지 ?못|다물게)|숨통|영원히 ?잠재|바다 ?밑으로 ?보내|바다 ?밑으로 ?보낼|황천|저세상|불귀의|뜨거운 ?맛|본때|제삿날",
            r"(?:사람|놈|적|무리|병력|보초)(?:들)?(?:을|를) ?(?:[가-힣]+ ){0,4}(?:정리(?:한|하|해)|처리(?:한|하|해)|치워|치운|쓸어)",
            r"(?:살려 ?둘|살릴|죽을|죽일) ?(?:사람|자|놈|포로)[^.]{0,20}(?:나눈|나누|정하|정한|고르|고른|가려|결정)|(?:놈|사람|누가|누구|자)(?:부터|를|을|가)? ?[^.]{0,6}(?:맞을지|맞히|맞힐)",
            r"(?:집|건물|마을|차량|기지|곳|적|놈|숙소|진지)(?:을|를)[^.]{0,14}(?<![가-힣])(?:친다|치게|때린다|때리|두들긴|부순다|쓸어버|날려 ?버|박살)",
            rf"(?:제거|처리|제압|처치|없앨|해치울|지울)(?:할)? ?(?:[가-힣]+ )?(?:인물|사람|놈|간부|지휘관|남자|지도자|자들)[^.]{{0,10}}{_CHOOSE_KO}",
            r"(?:nobody|no one|none|not one|nothing)[^.]{0,40} (?:alive|surviv\w*)(?![a-z])",
            rf"permanently (?:silenc|remov|stop|eliminat|disabl)\w* (?:\w+ ){{0,3}}{_PEOPLE}(?![a-z])",
            r"(?:tak(?:e|es|ing) care of|deal(?:s|ing)? with|clean(?:s|ing)? (?:up|out)|clear(?:s|ing)? out|thin(?:s|ning)? out|mop(?:s|ping)? up|put(?:s|ting)? down) (?:\w+ ){0,3}(?:enem(?:y|ies)|hostiles|insurgents|militants|fighters|rebels|guerrillas|opposing)(?![a-z])",
            r"(?:find|locat|choos|pick|identif|track)\w* (?:\w+ ){0,3}whose (?:death|killing|loss|removal) (?:\w+ )?(?:hurts?|weakens?|harms?|costs?|helps?)(?![a-z])",
            rf"{_PERSON_KO}[^.]{{0,22}}{_FIGHTER_KO}(?:인지|으로|로|과|와|인가|여부|일|이라|인)[^.]{{0,18}}{_TELLING_KO}",
            rf"{_FIGHTER_KO}(?:인지|과|와|이랑|하고|을|를)? ?(?:[가-힣]+ )?(?:민간인|아군|주민|비전투원|행인|군중|영상)(?:인지|을|를|에서|속에서)?[^.]{{0,12}}{_TELLING_KO}",
            r"(?:주민|사람|인물|남자|가족|세대|가구|시민|행인|용의자)(?:들)?(?:을|를|의|마다|별)? ?[^.]{0,12}(?:위협|위험|적대|충성|불온)(?:도|성|한)?[^.]{0,16}(?:순위|점수|등급|줄 ?세|순서|순으로|매기|매긴|매겨|정렬|나열)",
        ),
        unless=rf"{_UPKEEP_EN}|{_UPKEEP_KO}",
    ),
)
