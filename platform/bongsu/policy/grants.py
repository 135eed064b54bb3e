"""May a grant pay for what is to run: its use, its type of GPU, its window, and what is left of it.

Whose the grant is comes first: one of another ministry is told from none by nobody (:func:`unknown`). Every rule is
asked, so that everything that is wrong is told at once. Amounts in facts are GPU-milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bongsu.domain.capacity import may_be_same
from bongsu.domain.codes import grants as codes
from bongsu.domain.grants import Balance, Grant, GrantState, hours_text
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.problems import Code, Problem
from bongsu.domain.quantities import duration
from bongsu.domain.uses import UseClass
from bongsu.policy.decision import Decision
from bongsu.policy.grant_needs import Need
from bongsu.policy.rule import Rule

_RUN = N_("when a run is planned, submitted and resumed")
_SOURCE = "National AI Project: allocation of GPUs by grant"
OWNED = Rule(
    "grants.owned",
    N_("A stage that asks for GPUs is paid by a grant that was given to the ministry of the run."),
    (N_("grant of the plan"), N_("ministry of the plan")),
    _SOURCE,
    _RUN,
)
USE = Rule(
    "grants.use",
    N_("A grant pays for the use classes that it was given for."),
    (N_("use class of the plan"), N_("use classes of the grant")),
    _SOURCE,
    _RUN,
)
TYPE = Rule(
    "grants.accelerator",
    N_("A grant pays for GPUs of its type."),
    (N_("type of GPU that each stage asks for"), N_("type of GPU of the grant")),
    _SOURCE,
    _RUN,
)
WINDOW = Rule(
    "grants.window",
    N_("A run is paid within the time of its grant, from its begin to its estimated end."),
    (N_("begin and end of the grant"), N_("time"), N_("estimated duration of the plan")),
    _SOURCE,
    _RUN,
)
ESTIMATE = Rule(
    "grants.estimate",
    N_("How long a stage holds GPUs is known beforehand, by an estimate or by its timeout."),
    (N_("estimate and timeout of each stage"),),
    _SOURCE,
    _RUN,
)
AMOUNT = Rule(
    "grants.amount",
    N_("A run takes no more than is left of its grant: given, less used, less what runs under way have set aside."),
    (N_("GPU-hours of the plan"), N_("ledger of the grant")),
    _SOURCE,
    _RUN,
)
GIVER = Rule(
    "grants.giver",
    N_("GPUs are given by a ministry that owns some; who installed the server says which do."),
    (N_("ministries that own GPUs"), N_("giver of the grant")),
    _SOURCE,
    N_("when a grant is given, and when GPU-hours are added to one"),
)
RECLAIM = Rule(
    "grants.reclaim",
    N_(
        "Nothing is taken back that is used or set aside. What a receiver does not use is taken back after a notice of"
        " at least seven days; of a grant that is closed, or whose window is over, at once."
    ),
    (N_("ledger of the grant"), N_("time of the notice"), N_("state of the grant")),
    _SOURCE,
    N_("when a grant is made smaller, and when a reclaim is announced and carried out"),
)
FIELD = "spec.grant"


@dataclass(frozen=True)
class Asked:
    """What is to be paid.

    Attributes:
        use_class: of the plan.
        need: what it takes.
        assumed: as of :func:`bongsu.policy.grant_needs.need_of`.
        now: seconds since the epoch.
    """

    use_class: UseClass
    need: Need
    assumed: str
    now: float


@dataclass(frozen=True)
class Purse:
    """A grant, what is in it, and when the last of the runs under way is estimated to give back what it does not use
    (seconds since the epoch; None if none is)."""

    grant: Grant
    balance: Balance
    returns_by: float | None = None


def unknown(grant: str | None, ministry: str) -> Decision:
    """There is no such grant, or it is not this ministry's."""
    name = grant or "–"
    return OWNED.deny(codes.NOT_PAID.at(None, FIELD, grant=name, ministry=ministry), grant=name)


def decide(purse: Purse, asked: Asked) -> list[Decision]:
    """What each rule says of a grant that is the asking ministry's."""
    return [
        *_use(purse.grant, asked),
        *_type(purse.grant, asked),
        *_window(purse.grant, asked),
        *_amount(purse, asked),
    ]


def _use(grant: Grant, asked: Asked) -> Iterator[Decision]:
    allowed = ", ".join(sorted(grant.use_classes))
    facts = {"grant": grant.id, "use class": asked.use_class.value, "allowed": allowed}
    if not grant.use_classes or asked.use_class in grant.use_classes:
        yield USE.allow(**facts)
        return
    problem = _problem(codes.OTHER_USE, grant, allowed=allowed, asked=asked.use_class.value)
    yield USE.deny(problem, **facts)


def _type(grant: Grant, asked: Asked) -> Iterator[Decision]:
    others = {kind: names for kind, names in asked.need.stages.items() if not may_be_same(kind, grant.accelerator)}
    granted = {"grant": grant.id, "granted": grant.accelerator}
    for kind, names in sorted(others.items()):
        stages = ", ".join(names)
        told = {"accelerator": grant.accelerator, "stages": stages, "asked": kind, "assumed": asked.assumed}
        problem = _problem(codes.OTHER_ACCELERATOR, grant, **told)
        yield TYPE.deny(problem, accelerator=kind, stages=stages, **granted)
    if not others:
        yield TYPE.allow(accelerator=", ".join(sorted(asked.need.stages)), **granted)


def _window(grant: Grant, asked: Asked) -> Iterator[Decision]:
    until = asked.now + asked.need.seconds
    times = {"begins": grant.begins, "ends": grant.ends, "now": asked.now, "until": until}
    facts = {name: moment(at) for name, at in times.items()}
    begins, ends, now = facts["begins"], facts["ends"], facts["now"]
    problem: Problem | None = None
    match grant.state(asked.now):
        case GrantState.CLOSED:
            closed = moment(grant.closed_at or asked.now)
            problem = _problem(codes.CLOSED, grant, closed=closed)
        case GrantState.NOT_BEGUN:
            problem = _problem(codes.NOT_BEGUN, grant, begins=begins, now=now)
        case GrantState.ENDED:
            problem = _problem(codes.ENDED, grant, ends=ends)
        case GrantState.OPEN if until > grant.ends:
            told = {"ends": ends, "until": facts["until"], "excess": duration(until - grant.ends)}
            problem = _problem(codes.WINDOW_TOO_SHORT, grant, **told)
    facts["grant"] = grant.id
    yield WINDOW.deny(problem, **facts) if problem else WINDOW.allow(**facts)


def _amount(purse: Purse, asked: Asked) -> Iterator[Decision]:
    grant, has, need = purse.grant, purse.balance, asked.need
    if need.unknown:
        names = ", ".join(need.unknown)
        problem = _problem(codes.NOT_ESTIMATED, grant, stages=names)
        yield ESTIMATE.deny(problem, grant=grant.id, stages=names)
    else:
        yield ESTIMATE.allow(grant=grant.id, seconds=f"{need.seconds:.0f}")
    figures = {"needed": need.gpu_ms, "given": has.given, "used": has.used, "reserved": has.reserved}
    facts = {name: str(figure) for name, figure in (figures | {"available": has.available}).items()}
    facts["grant"] = grant.id
    lacking = need.gpu_ms - has.available
    if lacking <= 0:
        yield AMOUNT.allow(**facts)
        return
    problem = _problem(
        codes.EXCEEDED,
        grant,
        **{name: hours_text(figure) for name, figure in figures.items()},
        available=hours_text(has.available),
        runs=len(has.reserved_by_run),
        lacking=hours_text(lacking, up=True),
        waiting=_waiting(purse, lacking),
    )
    yield AMOUNT.deny(problem, **facts)


def _waiting(purse: Purse, lacking: int) -> Phrase:
    """When and how much may come back."""
    reserved = purse.balance.reserved
    if reserved == 0:
        return phrase(N_("nothing is set aside that could come back"))
    back = hours_text(reserved)
    if purse.returns_by is None:
        return phrase(N_("up to {back} GPU-hours come back of what runs under way do not use"), back=back)
    words = (
        N_("up to {back} GPU-hours come back of what runs under way do not use, the last of them about {by}")
        if reserved >= lacking
        else N_(
            "up to {back} GPU-hours come back of what runs under way do not use, the last of them about {by}, which"
            " alone is not enough"
        )
    )
    return phrase(words, back=back, by=moment(purse.returns_by))


def _problem(code: Code, grant: Grant, **args: object) -> Problem:
    named = {"grant": grant.id, "giver": grant.giver}
    return Problem(code, None, FIELD, named | args)


def moment(seconds: float) -> str:
    """``2026-07-01 09:00 UTC``: a time in a sentence, the same for whoever reads it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
