"""GPU grants: who gave whom how many GPU-hours of what, and what has become of them. Pure arithmetic on a ledger.

Amounts are GPU-milliseconds, whole numbers: a recount from raw events gives the same figure to the last digit, however
it is grouped. People read GPU-hours (:func:`hours`). A ledger only grows; what was wrong is set right by an adjustment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bongsu.domain.uses import UseClass

MS_PER_HOUR = 3_600_000


class EntryKind(StrEnum):
    """What an entry of the ledger says. ``METERED`` is a time that GPUs were held, from admission to release."""

    GIVEN = "given"
    ADJUSTED = "adjusted"
    RECLAIMED = "reclaimed"
    RESERVED = "reserved"
    RETURNED = "returned"
    METERED = "metered"


class GrantState(StrEnum):
    """Where a grant stands in its window."""

    NOT_BEGUN = "not-begun"
    OPEN = "open"
    ENDED = "ended"
    CLOSED = "closed"


class Dimension(StrEnum):
    """By what a showback tells rows apart. ``MINISTRY`` is who received the grant."""

    MINISTRY = "ministry"
    PROGRAMME = "programme"
    GRANT = "grant"
    MODEL = "model"


@dataclass(frozen=True)
class Grant:
    """What was given, and for what.

    Attributes:
        id: e.g. ``nap-2026-mnd-01``.
        giver, receiver: ministries.
        use_classes: what it may be spent on; empty for anything that is permitted.
        accelerator: type of GPU, e.g. ``H100-80GB``; ``H100`` is any of that name.
        begins, ends: seconds since the epoch; the end is exclusive.
        programme: under which it was given, e.g. ``nap``.
        given_by: id of the person who gave it.
        closed_at: since when nothing more is set aside of it; None while it is open.
    """

    id: str
    giver: str
    receiver: str
    use_classes: frozenset[UseClass]
    accelerator: str
    begins: float
    ends: float
    programme: str = ""
    given_by: str = ""
    closed_at: float | None = None

    def is_open(self, now: float) -> bool:
        return self.closed_at is None and self.begins <= now < self.ends

    def state(self, now: float) -> GrantState:
        if self.closed_at is not None:
            return GrantState.CLOSED
        if now < self.begins:
            return GrantState.NOT_BEGUN
        return GrantState.OPEN if now < self.ends else GrantState.ENDED


@dataclass(frozen=True)
class Entry:
    """One line of a grant's ledger.

    Attributes:
        gpu_ms: how much. An adjustment may be negative; so may a return, which settles the reservation of a run that
            used more than it had set aside.
        run_id: whose reservation or use it is; empty for what is nobody's.
        at: seconds since the epoch.
    """

    kind: EntryKind
    gpu_ms: int
    run_id: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Balance:
    """What a ledger comes to, in GPU-milliseconds.

    Attributes:
        given: what was given, adjustments included, less what was taken back.
        used: what was metered.
        reserved: what runs that are not over may still use of what was set aside for them.
    """

    given: int
    used: int
    reserved: int
    reserved_by_run: Mapping[str, int] = field(default_factory=dict)

    @property
    def available(self) -> int:
        """What a new run may take; below 0 if more was used than given."""
        return self.given - self.used - self.reserved


def balance(entries: Iterable[Entry], open_use: Mapping[str, int] | None = None) -> Balance:
    """What the entries come to, in whatever order.

    Args:
        entries: of one grant.
        open_use: by run, what GPUs that are held at this moment have used since they were admitted.
    """
    given = used = 0
    set_aside: dict[str, int] = {}
    metered: dict[str, int] = dict(open_use or {})
    used += sum(metered.values())
    for entry in entries:
        match entry.kind:
            case EntryKind.GIVEN | EntryKind.ADJUSTED:
                given += entry.gpu_ms
            case EntryKind.RECLAIMED:
                given -= entry.gpu_ms
            case EntryKind.RESERVED:
                set_aside[entry.run_id] = set_aside.get(entry.run_id, 0) + entry.gpu_ms
            case EntryKind.RETURNED:
                set_aside[entry.run_id] = set_aside.get(entry.run_id, 0) - entry.gpu_ms
            case EntryKind.METERED:
                used += entry.gpu_ms
                metered[entry.run_id] = metered.get(entry.run_id, 0) + entry.gpu_ms
    # What a run has used of what was set aside for it is counted once; what it used beyond that is counted too.
    left = {run: max(0, amount - metered.get(run, 0)) for run, amount in set_aside.items()}
    return Balance(given, used, sum(left.values()), {run: amount for run, amount in left.items() if amount})


def metered(gpus: int, admitted_at: float, released_at: float) -> int:
    """GPU-milliseconds of ``gpus`` that were held between two times (seconds since the epoch), idle or not. A clock
    that went back makes it 0, not less."""
    return gpus * max(0, round(released_at * 1000) - round(admitted_at * 1000))


@dataclass(frozen=True)
class Held:
    """GPUs that were held from admission to release (seconds since the epoch)."""

    gpus: int
    admitted_at: float
    released_at: float

    @property
    def gpu_ms(self) -> int:
        return metered(self.gpus, self.admitted_at, self.released_at)

    def within(self, since: float, until: float) -> int:
        """The part of :attr:`gpu_ms` that lies in a period. Periods that follow one another give the whole, to the
        last digit."""
        return metered(self.gpus, max(self.admitted_at, since), min(self.released_at, until))


def hours(gpu_ms: int) -> float:
    """GPU-hours, as people read them."""
    return gpu_ms / MS_PER_HOUR


def gpu_ms_of(gpu_hours: float) -> int:
    """GPU-milliseconds of GPU-hours that a person wrote: the nearest whole number."""
    return round(gpu_hours * MS_PER_HOUR)


def hours_text(gpu_ms: int, *, up: bool = False) -> str:
    """``1,234.50``: GPU-hours in a sentence, in hundredths, and below one hour to the millionth where hundredths would
    lose something (``0.000278``); ``up`` rounds up, for what is lacking."""
    places = 2 if abs(gpu_ms) >= MS_PER_HOUR else 6
    parts, rest = divmod(abs(gpu_ms) * 10**places, MS_PER_HOUR)
    parts += rest > 0 if up else 2 * rest >= MS_PER_HOUR
    sign = "-" if gpu_ms < 0 and parts else ""
    whole, part = divmod(parts, 10**places)
    return f"{sign}{whole:,}.{f'{part:0{places}d}'.rstrip('0'):0<2}"
