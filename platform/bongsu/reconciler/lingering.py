"""Workers that are still there although their attempt is over: they are told to go until they are gone, and what they
take is not free before."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bongsu.domain.attempt import Observation
from bongsu.domain.ids import AttemptId
from bongsu.domain.resources import Resources


class Lingering:
    """Losing it loses no more than the patience: what it takes seems free then."""

    def __init__(self) -> None:
        self._needs: dict[AttemptId, Resources] = {}

    @property
    def attempts(self) -> Collection[AttemptId]:
        return self._needs.keys()

    @property
    def needs(self) -> Collection[Resources]:
        """What each of them takes."""
        return self._needs.values()

    def note(self, attempt: AttemptId, needs: Resources, seen: Observation | None) -> None:
        """The attempt is over; ``seen`` is what the executor said of it then, None if it was silent."""
        if is_there(seen):
            self._needs[attempt] = needs

    def look(self, observations: Mapping[AttemptId, Observation]) -> None:
        """What the executor sees now; of whom it says nothing, nothing is known."""
        self._needs = {one: needs for one, needs in self._needs.items() if is_there(observations.get(one))}


def is_there(seen: Observation | None) -> bool:
    """True unless the executor says that the worker is gone."""
    return seen is None or seen.phase.is_under_way
