"""Purposes that are outside: lethal autonomy, and selecting or engaging targets without a human.

The use class is a closed list that has no such entry; this rule reads the words around it. It is a screen, not a
judge: it refuses what names the thing, in Korean or English, and a person decides about the rest. The principle
is that of the US DoD Directive 3000.09 and of NATO's Principles of Responsible Use: a human exercises judgement over
the use of force; Bongsu serves no system that takes it over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bongsu.domain.codes import policy as codes
from bongsu.domain.plan import RunPlan
from bongsu.policy.decision import Decision
from bongsu.policy.normalise import readings


@dataclass(frozen=True)
class Forbidden:
    """A subject, and the patterns that name it. Patterns are matched in every reading of a text."""

    subject: str
    patterns: tuple[str, ...]


_AUTONOMOUS_EN = r"(?:autonomous(?:ly)?|autonomy|unmanned|automatic(?:ally)?|automated|self[- ]?directed|self[- ]?governing|independent(?:ly)?|without (?:a |any )?(?:human|operator|person|people|man|soldier|supervision|oversight|approval|authori[sz]ation|confirmation)[\w ]{0,40}|no human[\w ]{0,30}|human[- ]out[- ]of[- ]the[- ]loop|on its own|by itself|unsupervised|ai[- ]?(?:driven|controlled|led|decided|powered)?|robot(?:s|ic)?|machine[- ]?(?:driven|led|decided)|drones?|swarms?|fire[- ]and[- ]forget)"
_FORCE_EN = r"(?:kill(?:s|ing|er)?|lethal(?:ity|ly)?|strik(?:e|es|ing)|attack(?:s|ing)?|engag(?:e|es|ing|ement)|destroy(?:s|ing)?|neutrali[sz](?:e|es|ing|ation)|eliminat(?:e|es|ing|ion)|assassinat(?:e|es|ing|ion)|fir(?:e|es|ing)(?! safety| drill| prevention)|shoot(?:s|ing)?|weapons?|warheads?|munitions? release|bomb(?:s|ing)?|execut(?:e|es|ing) (?:enem|combatant|people|persons|human)\w*)"
_AUTONOMOUS_KO = r"(?:자율|무인|자동|스스로|독자적|인간\s?(?:의)?\s?(?:개입|통제|승인|감독|판단|확인|결정)\s?(?:이|을|를|은)?\s?(?:없|배제|생략)|사람\s?(?:의)?\s?(?:개입|통제|승인|감독|판단|확인|결정)?\s?(?:이|을|를|은)?\s?(?:없|배제|생략)|운용자\s?(?:의)?\s?(?:개입|승인)?\s?없|승인\s?없|인공지능\s?(?:이|가)|ai\s?(?:가|이)|로봇|드론|군집|무감독|기계\s?(?:가|이))"
_FORCE_KO = r"(?:살상|사살|살해|제거|처단|암살|격멸|섬멸|타격|공격|교전|발사|사격|격추|폭격|포격|무력화|파괴|처형|저격|무기)"

FORBIDDEN = (
    Forbidden(
        "lethal autonomy",
        (
            r"\blaws?\b[^.]{0,20}(?:weapon|lethal)",
            r"killer\s?(?:robot|drone|ai)",
            r"slaughterbot",
            r"lethal\s?autonom|autonomous(?:ly)?\s?(?:lethal|weapon|kill)",
            rf"{_AUTONOMOUS_EN}[^.]{{0,60}}\b{_FORCE_EN}",
            rf"\b{_FORCE_EN}\b[^.]{{0,60}}\b{_AUTONOMOUS_EN}",
            rf"{_AUTONOMOUS_KO}[^.]{{0,40}}{_FORCE_KO}",
            rf"{_FORCE_KO}[^.]{{0,30}}{_AUTONOMOUS_KO}",
            r"(?:살인|킬러)\s?(?:로봇|드론|기계|병기)",
            r"(?:자폭|살상)\s?(?:드론|무인기|로봇)",
        ),
    ),
    Forbidden(
        "selecting or engaging targets",
        (
            r"target(?:s|ing)?\s?(?:selection|engagement|acquisition|nomination|prioriti[sz]ation|designation|assignment|elimination|list)",
            r"(?:select|choos|pick|engag|nominat|prioriti[sz]|designat|acquir|track and (?:kill|engag)|hunt)\w*\s(?:\w+\s){0,4}targets?\b",
            r"(?:kill|strike|hit)\s?(?:list|chain|decision|box|order)s?\b",
            r"(?:decide|determin|choos|select)\w*\s(?:\w+\s){0,3}(?:who|whom|which (?:person|people|combatant|enemy|human)\w*)\s(?:\w+\s){0,4}(?:die|live|kill|shoot|strike|attack|eliminat)\w*",
            r"(?:weapon|fire|firing|missile)\s?(?:release|control|authori[sz]ation|decision)s?\b",
            r"sensor[- ]to[- ]shooter",
            r"fire[- ]control",
            r"표적\s?(?:을|를|의)?\s?(?:선정|선별|선택|식별\s?(?:및|후|과)\s?(?:타격|교전|공격)|지정|할당|결정|교전|타격|제거|추적\s?(?:및|후)\s?(?:타격|공격)|우선순위)",
            r"(?:공격|타격|사살|제거|교전|살상)\s?(?:대상|목표|표적)",
            r"(?:발사|교전|사격|타격|공격)\s?(?:을|를)?\s?(?:결정|승인\s?자동|판단|명령\s?(?:생성|자동)|개시|통제)",
            r"킬\s?(?:체인|리스트|웹)|살생부",
            r"(?:누구|적군?|사람|인원|요인)\s?(?:을|를)\s?(?:죽|사살|제거|살해|처단|암살)",
        ),
    ),
)

# Phrases in which such words mean something else. They are taken out before the patterns are tried.
HARMLESS = (
    r"target\s?(?:market|date|group|audience|language|price|value|level|domain|user|hardware|machine|perplexity|loss)s?",
    r"표적\s?(?:시장|집단|고객|치료|항암|단백질|광고|언어)",
    r"(?:phishing|cyber|network|malware|ddos|ransomware|injection|adversarial|computer|hacking|brute[- ]force|supply[- ]chain)\s?attacks?",
    r"(?:사이버|해킹|피싱|악성코드|랜섬웨어|네트워크|디도스|ddos|침투|적대적)\s?공격",
    r"(?:살상|사격|폭발|무기|총기|탄약)\s?(?:사고|안전)\s?(?:예방|교육|관리|보고|조사|점검)?",
    r"(?:무기|탄약|장비)\s?(?:체계)?\s?(?:정비|재고|보급|획득|조달|수리|점검|유지|관리|목록|도입|예산|계약|설명서|교범)",
    r"weapons?\s?(?:system\s?)?(?:maintenance|inventory|inventories|procurement|safety|repair|storage|logistics|manuals?|catalog(?:ue)?s?|budget)",
    r"(?:ammunition|munitions?)\s?(?:inventory|stock|storage|safety|logistics|resupply)",
    r"(?:사격|교전)\s?(?:훈련|규칙|장|대회)\s?(?:일정|기록|예약|문서|번역|교육|통계)?",
    r"(?:engag(?:e|es|ing|ement))\s(?:with\s)?(?:stakeholder|citizen|user|customer|staff|public|employee|communit|supplier)\w*",
    r"(?:public|stakeholder|citizen|employee|user|community|customer)\s?engagement",
    r"fire\s?(?:safety|drill|prevention|alarm|extinguisher|department|station|insurance)s?",
    r"(?:strike|striking)\s(?:a\s)?(?:balance|agreement|deal)",
    r"오류\s?(?:를|을)?\s?제거|중복\s?(?:을|를|문서|자료)?\s?(?:을|를)?\s?제거|잡음\s?(?:을|를)?\s?제거|노이즈\s?(?:를|을)?\s?제거|불필요[^.]{0,12}제거|개인정보[^.]{0,12}제거|제거\s?(?:된|하는)?\s?(?:중복|잡음|노이즈)",
    r"(?:eliminat|remov|neutrali[sz])\w*\s(?:of\s)?(?:the\s)?(?:duplicate|noise|error|waste|redundan|bias|delay|paper|bottleneck|outlier|defect)\w*",
    r"kill(?:s|ed|ing)?\s(?:the\s)?(?:process|job|task|switch)\w*|kill[- ]?switch(?:es)?",
    r"execut(?:e|es|ing|ion)\s(?:of\s)?(?:the\s)?(?:plan|budget|query|program|task|job|contract|script)\w*",
)


def screen(text: str) -> tuple[str, str] | None:
    """The subject and the words that name it, or None. Both languages, every reading of the text."""
    for reading in readings(text):
        cleaned = reading
        for phrase in HARMLESS:
            cleaned = re.sub(phrase, " … ", cleaned)
        for forbidden in FORBIDDEN:
            for pattern in forbidden.patterns:
                match = re.search(pattern, cleaned)
                if match:
                    return forbidden.subject, match.group(0).strip()
    return None


def decide(plan: RunPlan) -> Decision:
    """The statement of purpose, and the names that a pipeline gives itself."""
    texts = {
        "spec.purpose.statement": plan.purpose.statement,
        "metadata.name": plan.metadata.name.replace("-", " "),
        "metadata.labels": " ".join([*plan.metadata.labels.keys(), *plan.metadata.labels.values()]),
    }
    for field, text in texts.items():
        found = screen(text)
        if found:
            problem = codes.FORBIDDEN_USE.at(None, field, subject=found[0], words=found[1])
            return Decision("purpose.lethal-autonomy", problem, {"text": text})
    return Decision("purpose.lethal-autonomy", None, {"use class": plan.purpose.use_class.value})
