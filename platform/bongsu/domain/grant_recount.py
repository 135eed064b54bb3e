"""What was used of a grant, counted again from what was recorded of attempts, without a look at the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bongsu.domain.grants import Held


@dataclass(frozen=True)
class UseEvent:
    """What a run's log says of GPUs: an attempt was admitted, or is over.

    Attributes:
        attempt: key of the attempt, e.g. ``r-0123/adapt/2``.
        gpus: that it held, all workers together.
        admitted_at: since when, in seconds since the epoch.
        released_at: until when; None for one that is admitted.
    """

    run_id: str
    attempt: str
    gpus: int
    admitted_at: float
    released_at: float | None = None

    def until(self, now: float) -> Held:
        """What is held since then, up to now."""
        return Held(self.gpus, self.admitted_at, now)


@dataclass(frozen=True)
class Recount:
    """By attempt: what was held and released, and what is held now (GPUs, since when)."""

    released: Mapping[str, Held] = field(default_factory=dict)
    held: Mapping[str, UseEvent] = field(default_factory=dict)

    @property
    def gpu_ms(self) -> int:
        """Of what was released."""
        return sum(held.gpu_ms for held in self.released.values())

    def open_use(self, now: float) -> dict[str, int]:
        """By run, what is held now has used since it was admitted."""
        use: dict[str, int] = {}
        for event in self.held.values():
            use[event.run_id] = use.get(event.run_id, 0) + event.until(now).gpu_ms
        return use


def recount(events: Iterable[UseEvent]) -> Recount:
    """Args: in the order in which they were recorded."""
    released: dict[str, Held] = {}
    held: dict[str, UseEvent] = {}
    for event in events:
        if event.released_at is None:
            held[event.attempt] = event
            continue
        held.pop(event.attempt, None)
        released[event.attempt] = Held(event.gpus, event.admitted_at, event.released_at)
    return Recount(released, held)
