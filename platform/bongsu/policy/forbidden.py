"""The rules: which concepts may not come together, by name.

Each is a small grammar over the concepts of ``vocabulary``: something that acts by itself, an act of force, its object,
a target and the choosing of it, and nobody who is asked. Distances are in characters and end with the sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from bongsu.policy import vocabulary as v
from bongsu.policy.vocabulary import en


@dataclass(frozen=True)
class Forbidden:
    """A rule.

    Attributes:
        name: stable; shown with a refusal.
        patterns: any of them refuses.
        unless: what is found beside one of these words, or around it, is passed over; for patterns that are wide.
    """

    name: str
    patterns: tuple[str, ...]
    unless: str = ""

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{pattern})" for pattern in self.patterns))

    @cached_property
    def _excusing(self) -> re.Pattern[str]:
        return re.compile(self.unless)

    def search(self, text: str) -> str | None:
        """The words that the rule refuses, or None."""
        if not self.unless:
            match = self._compiled.search(text)
            return match[0].strip() if match else None
        found = (self._not_excused(sentence) for sentence in _sentences(text))
        return next((words for words in found if words), None)

    def _not_excused(self, sentence: str) -> str | None:
        start = 0
        while match := self._compiled.search(sentence, start):
            if not self._excusing.search(_with_its_neighbours(sentence, match)):
                return match[0].strip()
            start = match.start() + 1
        return None


def _sentences(text: str) -> list[str]:
    return re.split(r" \.(?: |$)", text)


# Words at each side of what a rule found in which its excuse may stand.
_NEIGHBOURS = 4
_AFTER = re.compile(rf"\S*(?: +\S+){{0,{_NEIGHBOURS}}}")


def _with_its_neighbours(sentence: str, match: re.Match[str]) -> str:
    before = " ".join(sentence[: match.start()].rsplit(" ", _NEIGHBOURS + 1)[-_NEIGHBOURS - 1 :])
    after = _AFTER.match(sentence, match.end())
    return before + match[0] + (after[0] if after else "")


_FORCE_OR_MEANS = (
    rf"(?:{v.FORCE}|{en('fire missions?')}|사격 ?(?:제원|임무)"
    rf"|{v.WEAPON_EN}|{v.WEAPON_KO}|{v.TARGET_EN}|{v.TARGET_KO})"
)
_FORCE_NAME_EN = r"(?:weapons?|fire|firing|missiles?|strike|kill|engagement|attack|shooting)"
_ORDERING_EN = (
    r"(?:(?:decid|determin|choos|select|pick|rank|sort|order|scor|prioriti[sz]|tell|say|comput|calculat)\w*|(?:work"
    r"|figur|find)\w* out)"
)
_WHOM_EN = r"(?:who|whom|which|when|whether|where)"
_DYING_EN = r"(?:dies?|lives?|dead|killed|shot|shelled|bombed|eliminated|taken out)(?![a-z])"
_BODY_EN = (
    rf"(?:{v.ENEMY_EN}|{v.PEOPLE_EN}|{en('infantry', 'fighters?', 'gunners?', 'crews?', 'squads?', 'patrols?')})"
)
_RAM_EN = (
    r"(?:div(?:e|es|ing) (?:in)?to|ram(?:s|ming)?(?![a-z])|crash(?:es|ing)? into|slam(?:s|ming)? into|plung(?:e|es"
    r"|ing) into)"
)
_RAM_KO = r"(?:들이받|돌진|덮치|덮쳐|충돌시키|몸체로 부딪)"
_CHOOSING_KO = r"(?:[가-힣]+ )?(?:선정|선별|선택|지정|결정|추천|고르|골라|고른|고를|정(?:하|한|할|해))"
_FORCE_NAME_KO = r"(?:발사|교전|사격|타격|공격|포격|폭격|살상)"

FORBIDDEN = (
    Forbidden(
        "autonomous-weapon",
        (
            r"lethal autonom",
            r"autonomous(?:ly)? (?:\w+ )?(?:lethal|weapon|kill)",
            r"(?:weapon|lethal|drone|robot)\w* laws(?![a-z])",
            r"kill ?bots?(?![a-z])",
            r"(?<![a-z])auto ?(?:kill|fire|strike)s?(?![a-z])",
            r"killer ?(?:robot|drone|ai|bot)",
            r"slaughter ?bot",
            r"hunter ?killer",
            r"terminator (?:robot|drone)",
            r"(?:seek|search|find|hunt) (?:and|n|then|to) (?:destroy|kill)|find,? fix|(?:shoot|kill) on sight",
            r"deadly (?:ai|autonom\w*|drones?|robots?)",
            r"(?:robot(?:ic)?|ai|machine|drone) (?:infantry|soldiers?|warriors?|snipers?|assassins?)(?![a-z])",
            r"targeted (?:kill|strik|assassin|eliminat|attack|shoot)\w*",
            r"licen[cs]e to kill",
            r"sensor to shooter",
            r"kill (?:chain|web|list|box|order)",
            rf"{v.AUTONOMOUS_EN} (?:\w+ ){{0,2}}{v.WEAPON_EN}|{v.WEAPON_EN} (?:\w+ ){{0,3}}{v.AUTONOMOUS_EN}",
            rf"{v.WEAPON_EN} (?:that|which) (?:\w+ ){{0,3}}(?:select|choos|pick|engag|decid|think|act)\w*",
            r"(?:robot|drone|uav|dog)\w* (?:\w+ )?(?:with|carrying) (?:an? )?(?:\w+ )?(?:rifles?|guns?|grenades?"
            r"|bombs?|missiles?)(?![a-z])",
            r"guid(?:e|es|ing) (?:the |a |an |each )?(?:\w+ )?(?:shells?|missiles?|bombs?|rockets?|torpedo(?:es)?"
            r"|munitions?)(?![a-z])",
            r"loitering munitions?",
            r"(?:suicide|kamikaze) (?:drone|uav|robot)s?",
            r"weaponi[sz]ed (?:ai|drone|robot|uav|swarm)",
            r"(?:살인|킬러) ?(?:로봇|드론|기계|병기|ai)",
            r"(?:자폭|살상)(?:할|하는|용|형)? ?(?:드론|무인기|로봇|ai|인공지능)",
            r"킬 ?(?:체인|리스트|웹)",
            r"살생부",
            r"(?:인간|사람) ?사냥",
            r"로봇 ?(?:병사|저격)",
            r"치명적(?:인)? ?(?:자율|무력|무기|드론|로봇|인공지능|ai)",
            r"자율(?:형)? ?(?:살상|무기|공격|교전|타격|사격)",
            rf"{v.AUTONOMOUS_KO}[가-힣]{{0,2}} ?(?:[가-힣]+ )?{v.WEAPON_KO}",
            rf"{v.WEAPON_KO}(?:를|을|의|가)? ?{v.AUTONOMOUS_KO}(?:으로)? ?(?:운용|제어|발사|사용|조종|비행)",
        ),
    ),
    Forbidden(
        "target-selection",
        (
            rf"{v.CHOOSE_EN} (?:\w+ ){{0,4}}{v.TARGET_EN}",
            rf"{v.TARGET_EN} (?:\w+ ){{0,2}}{v.CHOICE_EN}",
            rf"{v.TARGET_EN} (?:\w+ ){{0,3}}(?:be|are|is|get|gets|being) (?:\w+ ){{0,2}}{v.CHOOSE_EN}",
            rf"{v.TARGET_KO}[^.]{{0,14}}?{v.CHOOSE_KO}",
            rf"(?:선정|선별|선택|지정|획득|결정)(?:된|한|할|하는) ?{v.TARGET_KO}",
            rf"{v.MACHINE}[^.]{{0,30}}(?:{v.TARGET_EN} (?:\w+ ){{0,2}}(?:recogni|identif)"
            rf"|{v.TARGET_KO}[가-힣]{{0,2}} ?(?:식별|인식))",
            rf"{v.TARGET_KO}[^.,]{{0,10}}{v.MACHINE}[^.,]{{0,6}}(?:식별|인식)",
            rf"{v.TARGET_KO}[^.,]{{0,25}}(?:포대|포병|포|화포|무장|화력|사수|미사일)(?:에|로|에게|으로) ",
            rf"targeting[^.]{{0,40}}(?:strike|artillery|weapon|missile|bomb|{v.FIRE_EN})",
            rf"{v.WEAPON_EN} (?:\w+ ){{0,3}}(?:find|seek|reach|track|chas)\w* (?:\w+ ){{0,2}}{v.TARGET_EN}",
            rf"homing (?:\w+ ){{0,3}}(?:{v.TARGET_EN}|{v.ENEMY_EN}|{v.PEOPLE_EN})",
            rf"(?:{v.TARGET_KO}|{v.TARGET_EN})[^.,]{{0,25}}(?:selection|acquisition|선정|획득|engag)",
        ),
    ),
    Forbidden(
        "force-without-human",
        (
            rf"{v.NOBODY}[^.]{{0,100}}{_FORCE_OR_MEANS}",
            rf"{_FORCE_OR_MEANS}[^.]{{0,100}}{v.NOBODY}",
            rf"{v.FORCE}[^.]{{0,60}} \. .{{0,20}}{v.NOBODY}",
        ),
    ),
    Forbidden(
        "force-on-people",
        (
            rf"{v.FORCE_EN}(?: (?!by |from )\w+){{0,3}} (?:{v.ENEMY_EN}|{v.PEOPLE_EN})",
            rf"{v.ENEMY_EN} (?:eliminat|neutrali[sz]|destruct|kill)\w*",
            rf"{v.WEAK_EN}(?: (?!by |from )\w+){{0,2}} {v.ENEMY_EN}",
            rf"{_BODY_EN}[^.]{{0,40}} (?:be|been|get|gets|are|is) taken out(?! of)",
            rf"{_BODY_EN} (?:\w+ ){{0,2}}(?:and|then) (?:\w+ly )?{_RAM_EN}",
            rf"{_RAM_EN} (?:the |a |any |every )?{_BODY_EN}",
            rf"(?:{v.ENEMY_KO}|{v.PEOPLE_KO}|보병|차량|전차)[^.]{{0,20}}{_RAM_KO}",
            rf"(?:eliminat|neutrali[sz]|terminat)\w* (?:of |the |all |any )*{v.PEOPLE_EN}",
            rf"(?:{v.ENEMY_EN}|{v.PEOPLE_EN})[^.]{{0,40}} for (?:elimination|neutrali[sz]ation|destruction"
            r"|execution)(?![a-z])",
            rf"(?:{v.ENEMY_EN}|{v.PEOPLE_EN}) (?:\w+ ){{0,3}}(?:and|then) (?:\w+ )?(?:explod|detonat)",
            rf"trigger\w* on (?:{v.ENEMY_EN}|{v.PEOPLE_EN}|fighters)",
            rf"(?:explod|detonat)\w* (?:\w+ ){{0,2}}(?:when|if|near|as soon)[^.]{{0,30}}(?:{v.ENEMY_EN}|{v.PEOPLE_EN})",
            rf"(?:{v.ENEMY_KO}|{v.PEOPLE_KO})(?:을|를|에게|에 대한|에 대해|을 향해)[^.,]{{0,15}}{v.FORCE_KO}",
            rf"{v.PEOPLE_KO}(?:을|를) ?(?:[가-힣]+ )?해치",
            rf"(?:{v.PEOPLE_KO}|인파)(?:이|가|을|를) ?(?:[가-힣]+ ){{0,3}}노리",
            rf"{v.ENEMY_KO} ?(?:지휘[가-힣]* |거점 |진영 |본부 )?{v.WEAK_KO}",
            rf"{v.ENEMY_KO}(?:을|를)[^.,]{{0,10}}{v.WEAK_KO}",
            rf"(?:{v.ENEMY_KO}|{v.PEOPLE_KO}) ?(?:{v.KILL_KO}|타격)",
        ),
    ),
    Forbidden(
        "force-decision",
        (
            rf"{_ORDERING_EN} (?:\w+ ){{0,4}}{_WHOM_EN} (?:\w+ ){{0,5}}"
            r"(?:(?:die|live|kill|shoot|strike|attack|fire|engage|bomb|sink|destroy|hit|shell)s?(?![a-z])"
            rf"|{v.FIRE_EN})",
            rf"(?:who|whom|which (?:\w+ )?) ?(?:\w+ ){{0,4}}{_DYING_EN} (?:first|next|last)(?![a-z])",
            r"(?:누구|누가|누굴|어느 ?(?:집|건물|마을|사람)|어떤 ?(?:집|건물|마을|사람))[^.]{0,12}(?:죽|쏠|쏘|칠지"
            rf"|칠까|{v.KILL_KO}|공격|타격)",
            r"assassinat\w* (?:plan|mission|operation|target|list|order)\w*|(?:plan|prepar|order|schedul"
            r"|organi[sz])\w* "
            r"(?:\w+ ){0,3}assassinat\w*|암살 ?(?:계획|작전|임무|명령)",
            r"(?:choos|pick|select|decid)\w* (?:\w+ ){0,5}(?:missiles?|drones?|bombs?|shells?"
            r"|rockets?) (?:\w+ )?hits?(?![a-z])",
            rf"(?:{v.KILL_KO}|타격|사격) ?좌표(?:를|을)? ?(?:생성|만[들드든]|산출|계산|추출|뽑)",
            rf"(?:제압|처치|무력화)할 ?(?:[가-힣]+ )?(?:사람|인원|요인|참가자|시위대|인물)(?:을|를)? ?{_CHOOSING_KO}",
            r"(?<![가-힣])(?:칠|쏠|때릴|폭격할|타격할|공격할) ?(?:집|건물|곳|마을|사람|차량)(?:을|를"
            rf"|부터)? ?{_CHOOSING_KO}",
            r"(?:decid|determin|choos|select)\w* (?:who|whom) (?:\w+ ){0,3}(?:dies|lives|die|live)(?![a-z])",
            r"(?:pick|choos|select|find|rank)\w* (?:\w+ ){0,4}to (?:kill|bomb|strike|attack|shoot|destroy"
            r"|sink)(?![a-z])",
            rf"{_FORCE_NAME_EN} (?:or \w+ )?(?:release|control|authori[sz]ation|decision|order|command)s?(?![a-z])",
            rf"(?:decisions?|orders?|authority) to (?:\w+ )?(?:{v.KILL_EN}|fire|attack|strike|engage|launch)(?![a-z])",
            rf"{v.KILL_KO}(?:할|될) (?:[가-힣]+ ){{0,2}}[가-힣]+(?:을|를)? ?{_CHOOSING_KO}",
            rf"{v.KILL_KO} ?(?:명단|대상자)",
            rf"{_FORCE_NAME_KO}(?:을|를)? ?(?:여부(?:를|의)? ?)?(?:[가-힣]+으로 )?(?:결정|결심|판단|승인 ?자동"
            r"|명령 ?(?:생성|자동)|개시|통제|허가)",
        ),
    ),
    Forbidden(
        "force-by-machine",
        (
            rf"{v.MACHINE}[^.]{{0,60}}{v.FORCE}",
            rf"{v.FORCE}[^.]{{0,60}}{v.MACHINE}",
            r"(?:turrets?|guns?|howitzers?|mortars?|cannons?|weapons?|rifles?) (?:\w+ )?(?:opens? up|fires?"
            r"|shoots?) (?:as soon|when|if)",
            r"(?:threat|classif|detect|model|output|scor)\w*[^.]{0,40} (?:to|into) (?:the|a) (?:launcher|gun|cannon"
            r"|turret|shooter|trigger|mortar)(?![a-z])",
            rf"{v.MACHINE}[^.]{{0,30}}{v.ENEMY_KO}[^.]{{0,12}}{v.WEAK_KO}",
        ),
    ),
)
