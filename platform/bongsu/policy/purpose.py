"""Purposes that are outside: lethal autonomy, and selecting or engaging targets.

The use class is a closed list that has no such entry; this rule reads the words around it. It is a tripwire, not a
judge (``docs/adr/0006-purpose-screen.md``): it refuses what names the thing, in Korean or English, and says which words
of which rule did. The principle is that of the US DoD Directive 3000.09 and of NATO's Principles of Responsible Use: a
human exercises judgement over the use of force; Bongsu serves no system that takes it over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bongsu.domain.codes import policy as codes
from bongsu.domain.fieldpath import Finding, unique
from bongsu.domain.messages import N_
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.policy.acts import ACTS
from bongsu.policy.class_names import CLASS_OF_FORCE
from bongsu.policy.decision import Decision
from bongsu.policy.forbidden import FORBIDDEN
from bongsu.policy.harmless import without_harmless
from bongsu.policy.pairs import PAIRS
from bongsu.policy.reading import readings
from bongsu.policy.rule import Rule
from bongsu.policy.written import Written, in_plan, in_spec

LETHAL_AUTONOMY = Rule(
    "purpose.lethal-autonomy",
    N_(
        "No text of a pipeline, of the register of uses or of a proposal, no name, title or card of a grant, a data set"
        " or an upload, and no name or description in MLflow names lethal autonomy, or the selection or engagement of"
        " targets; that is no use class, and nobody can permit it."
    ),
    (N_("every free text, as written and as filled in"),),
    "US DoD Directive 3000.09, NATO Principles of Responsible Use",
    N_("when a pipeline is checked, planned and submitted, and when anything is registered, proposed or logged"),
)


@dataclass(frozen=True)
class Refused:
    """Which pattern of the rule refuses a text, by its name, and the words it refuses, as they are read."""

    pattern: str
    words: str


# Patterns look within a sentence. What it takes to read a text grows faster than the text, so a long one is read in
# parts; whatever is shorter than the overlap stands in one of them as a whole.
MOST_TEXT = 100_000
"""Characters that a pipeline's free texts have at most, together."""
_PART = 2_000
_OVERLAP = 500


def screen(text: str) -> Refused | None:
    """The first rule that refuses ``text`` in one of its readings, or None; a long text is read part by part."""
    parts = (text[at : at + _PART] for at in range(0, max(1, len(text) - _OVERLAP), _PART - _OVERLAP))
    return next((found for found in map(_screen, parts) if found), None)


def screen_class(name: str) -> Refused | None:
    """As :func:`screen`, of what somebody gives for the name of a use class; read no further than its first words."""
    return _screen(name[:_PART], is_class=True)


@lru_cache(maxsize=4096)
def _screen(text: str, is_class: bool = False) -> Refused | None:
    for reading in readings(text):
        left = without_harmless(reading)
        for forbidden in (*FORBIDDEN, *PAIRS, *ACTS, *([CLASS_OF_FORCE] if is_class else [])):
            words = forbidden.search(left)
            if words:
                return Refused(forbidden.name, words)
    return None


def findings(texts: Iterable[Written]) -> list[Finding]:
    """One finding for each text that is refused, at its field; nothing is read behind :data:`MOST_TEXT`."""
    found = []
    left = MOST_TEXT
    for written in texts:
        left -= len(written.text)
        if left < 0:
            found.append(Finding(codes.TOO_MUCH_TEXT, written.path, {"limit": f"{MOST_TEXT:,}"}))
            break
        refused = screen_class(written.text) if written.is_class else screen(written.text)
        if refused:
            args = {"pattern": refused.pattern, "words": refused.words}
            found.append(Finding(codes.FORBIDDEN_USE, written.path, args, at_key=written.at_key))
    return list(unique(found))


def problems(texts: Mapping[str, str], screened: Callable[[str], Refused | None] = screen) -> list[Problem]:
    """One problem for each text that is refused, by the names of their fields; names of use classes are screened with
    :func:`screen_class`."""
    found = [(name, screened(text)) for name, text in texts.items()]
    return [codes.FORBIDDEN_USE.at(None, name, pattern=one.pattern, words=one.words) for name, one in found if one]


def check_spec(spec: PipelineSpec) -> list[Finding]:
    """What the screen refuses of a pipeline as it is written."""
    return findings(in_spec(spec))


def decide(plan: RunPlan) -> list[Decision]:
    """One decision for each text of the plan that is refused, or one that allows."""
    refused = findings(in_plan(plan))
    if refused:
        return [LETHAL_AUTONOMY.deny(one.problem(), pattern=str(one.args.get("pattern", ""))) for one in refused]
    return [LETHAL_AUTONOMY.allow(**{"use class": plan.purpose.use_class.value})]
