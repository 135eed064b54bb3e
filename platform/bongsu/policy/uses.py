"""Is this purpose permitted in this ministry at this time: by a positive entry of its register, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bongsu.domain.codes import governance as codes
from bongsu.domain.messages import N_
from bongsu.domain.periods import EARLIEST_DAY_S, OLDEST_EVIDENCE_YEARS, YEAR_S
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.use_register import APPROVERS, FEWEST_APPROVERS, PermittedUse
from bongsu.domain.uses import UseClass
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule

PERMITTED = Rule(
    "use.permitted",
    N_("A ministry lets models be made and used for a use class only while an entry of its register permits it."),
    (N_("use class of the plan"), N_("register of the ministry"), N_("time")),
    "JSP 936 Part 1 (accountable owner, AI risk), NATO Principles of Responsible Use: lawfulness, responsibility",
    N_("when a run is planned and submitted, before each attempt, when a model is proposed and promoted"),
)
EVIDENCE = Rule(
    "use.evidence",
    N_(
        "A use is registered on evidence of a day that has come, and that is at most five years old; what goes on for"
        " longer is assessed anew."
    ),
    (N_("day of the evidence"), N_("time")),
    "JSP 936 Part 1 (assurance), US DoD Responsible AI Toolkit",
    N_("when a use is registered"),
)
PERIOD = Rule(
    "permits.period",
    N_("Nothing is permitted, shared or given for more than ten years at once: somebody has to look at it again."),
    (N_("begin and end"), N_("time")),
    "JSP 936 Part 1 (assurance), NIST SP 800-53 AC-2",
    N_("when a use is registered, and when a permit or a grant is given"),
)


def evidenced(dated_at: float, now: float) -> Decision:
    """Whether evidence of this day speaks for a use that is registered now; seconds since the epoch."""
    facts = {"dated": day(dated_at), "now": day(now)}
    oldest = now - OLDEST_EVIDENCE_YEARS * YEAR_S
    if oldest <= dated_at <= now + EARLIEST_DAY_S:
        return EVIDENCE.allow(**facts)
    problem = codes.EVIDENCE_DATE.at(None, "evidenceAt", oldest=day(oldest), years=OLDEST_EVIDENCE_YEARS, **facts)
    return EVIDENCE.deny(problem, **facts)


def permitted(use_class: UseClass, ministry: str, register: Iterable[PermittedUse], now: float) -> Decision:
    """Whether the ministry permits the use class at this time.

    Args:
        use_class: what for.
        ministry: who asks.
        register: entries; those of other ministries and classes count for nothing.
        now: seconds since the epoch.
    """
    entries = _of(register, ministry, use_class)
    holding = [entry for entry in entries if entry.holds(now)]
    facts = {"ministry": ministry, "use class": use_class.value}
    if holding:
        return PERMITTED.allow(**facts, entry=holding[0].id)
    args = {"ministry": ministry, "use_class": use_class.value, "fact": _why_not(entries, now)}
    return PERMITTED.deny(codes.USE_NOT_PERMITTED.at(None, "spec.purpose.useClass", **args), **facts)


def approvers_needed(use_class: UseClass, ministry: str, register: Iterable[PermittedUse], now: float) -> int:
    """How many people have to approve a promotion for this use: as the highest tier says under which it is permitted
    now; the fewest that there may be if it is not permitted, which another rule refuses."""
    holding = [entry for entry in _of(register, ministry, use_class) if entry.holds(now)]
    return max([FEWEST_APPROVERS, *(APPROVERS[entry.tier] for entry in holding)])


def day(seconds: float) -> str:
    """The day in UTC, as facts name it."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _of(register: Iterable[PermittedUse], ministry: str, use_class: UseClass) -> list[PermittedUse]:
    return [entry for entry in register if (entry.ministry, entry.use_class) == (ministry, use_class)]


def _why_not(entries: Sequence[PermittedUse], now: float) -> Words:
    over = [entry for entry in entries if entry.until <= now]
    if over:
        last = max(over, key=lambda entry: entry.until)
        if last.withdrawn_at is not None and last.withdrawn_at <= now:
            return phrase(N_("the entry {entry} was withdrawn on {day}"), entry=last.id, day=day(last.withdrawn_at))
        if last.until < last.ends_at:
            return phrase(
                N_("the evidence of the entry {entry} ended on {day}"), entry=last.id, day=day(last.until)
            )
        return phrase(N_("the entry {entry} ended on {day}"), entry=last.id, day=day(last.ends_at))
    if entries:
        first = min(entries, key=lambda entry: entry.begins_at)
        return phrase(N_("the entry {entry} begins on {day}"), entry=first.id, day=day(first.begins_at))
    return phrase(N_("none was registered"))
