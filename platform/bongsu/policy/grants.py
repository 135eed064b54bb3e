"""May a grant pay for what is to run: its use, its type of GPU, its window, and what is left of it.

Whose the grant is comes first: one of another ministry is told from none by nobody (:func:`unknown`). Every rule is
asked, so that everything that is wrong is told at once. Amounts in facts are GPU-milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bongsu.domain.capacity import is_of
from bongsu.domain.codes import grants as codes
from bongsu.domain.grants import Balance, Grant, GrantState, hours_text
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.problems import Code, Problem
from bongsu.domain.quantities import duration
from bongsu.domain.uses import UseClass
from bongsu.policy.decision import Decision
from bongsu.policy.grant_needs import Need

OWNED, USE, TYPE, WINDOW, ESTIMATE, AMOUNT = (
    "grants.owned",
    "grants.use",
    "grants.accelerator",
    "grants.window",
    "grants.estimate",
    "grants.amount",
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
    return Decision(OWNED, codes.NOT_PAID.at(None, FIELD, grant=name, ministry=ministry), {"grant": name})


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
    facts = {"use class": asked.use_class.value, "allowed": allowed}
    if not grant.use_classes or asked.use_class in grant.use_classes:
        yield Decision(USE, None, facts)
        return
    yield _denied(USE, codes.OTHER_USE, facts, grant, allowed=allowed, asked=asked.use_class.value)


def _type(grant: Grant, asked: Asked) -> Iterator[Decision]:
    others = {kind: names for kind, names in asked.need.stages.items() if not is_of(kind, grant.accelerator)}
    for kind, names in sorted(others.items()):
        facts = {"accelerator": kind, "granted": grant.accelerator, "stages": ", ".join(names)}
        args = {
            "accelerator": grant.accelerator,
            "stages": ", ".join(names),
            "asked": kind,
            "assumed": asked.assumed,
        }
        yield _denied(TYPE, codes.OTHER_ACCELERATOR, facts, grant, **args)
    if not others:
        yield Decision(
            TYPE, None, {"accelerator": ", ".join(sorted(asked.need.stages)), "granted": grant.accelerator}
        )


def _window(grant: Grant, asked: Asked) -> Iterator[Decision]:
    until = asked.now + asked.need.seconds
    facts = {
        "begins": moment(grant.begins),
        "ends": moment(grant.ends),
        "now": moment(asked.now),
        "until": moment(until),
    }
    match grant.state(asked.now):
        case GrantState.CLOSED:
            yield _denied(WINDOW, codes.CLOSED, facts, grant, closed=moment(grant.closed_at or asked.now))
        case GrantState.NOT_BEGUN:
            yield _denied(WINDOW, codes.NOT_BEGUN, facts, grant, begins=facts["begins"], now=facts["now"])
        case GrantState.ENDED:
            yield _denied(WINDOW, codes.ENDED, facts, grant, ends=facts["ends"])
        case GrantState.OPEN if until > grant.ends:
            args = {"ends": facts["ends"], "until": facts["until"], "excess": duration(until - grant.ends)}
            yield _denied(WINDOW, codes.WINDOW_TOO_SHORT, facts, grant, **args)
        case _:
            yield Decision(WINDOW, None, facts)


def _amount(purse: Purse, asked: Asked) -> Iterator[Decision]:
    grant, has, need = purse.grant, purse.balance, asked.need
    if need.unknown:
        names = ", ".join(need.unknown)
        yield _denied(ESTIMATE, codes.NOT_ESTIMATED, {"stages": names}, grant, stages=names)
    else:
        yield Decision(ESTIMATE, None, {"seconds": f"{need.seconds:.0f}"})
    figures = {"needed": need.gpu_ms, "given": has.given, "used": has.used, "reserved": has.reserved}
    facts = {name: str(figure) for name, figure in (figures | {"available": has.available}).items()}
    lacking = need.gpu_ms - has.available
    if lacking <= 0:
        yield Decision(AMOUNT, None, facts)
        return
    args = {name: hours_text(figure) for name, figure in figures.items()}
    yield _denied(
        AMOUNT,
        codes.EXCEEDED,
        facts,
        grant,
        **args,
        available=hours_text(has.available),
        runs=len(has.reserved_by_run),
        lacking=hours_text(lacking, up=True),
        waiting=_waiting(purse, lacking),
    )


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


def _denied(rule: str, code: Code, facts: dict[str, str], grant: Grant, **args: object) -> Decision:
    named = {"grant": grant.id, "giver": grant.giver, "rule": rule}
    return Decision(rule, Problem(code, None, FIELD, named | args), {"grant": grant.id} | facts)


def moment(seconds: float) -> str:
    """``2026-07-01 09:00 UTC``: a time in a sentence, the same for whoever reads it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
