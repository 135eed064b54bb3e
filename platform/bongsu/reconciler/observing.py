"""What a driver tells whoever watches it: how long steps take, what was decided, what the executor was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from bongsu.domain.ids import AttemptId, RunId
from bongsu.reconciler.actions import Action
from bongsu.reconciler.facts import RunFacts


class Observer(Protocol):
    """Told by the thread that drives. It changes nothing, takes no time worth mentioning, and raises nothing."""

    def leading(self, known: Mapping[RunId, RunFacts]) -> AbstractContextManager[None]:
        """This process drives until the end of the block; ``known`` always has the runs that it drives."""

    def step(self) -> AbstractContextManager[None]:
        """One step of the driver."""

    def decided(self, before: RunFacts, actions: Sequence[Action], now: float) -> None:
        """These actions on a run were carried out in the store; ``now`` in seconds since the epoch."""

    def launched(self, facts: RunFacts, attempt: AttemptId) -> None:
        """The executor was asked to run an attempt; it may be asked again."""

    def passed_over(self, run: RunId) -> None:
        """A run is left where it stands: nobody can deal with it until somebody changes it."""

    def failed(self) -> None:
        """A fault of Bongsu was met, told in the log, and got over; called from any thread."""


class Unobserved:
    """Implements :class:`Observer`: nobody watches."""

    def leading(self, known: Mapping[RunId, RunFacts]) -> AbstractContextManager[None]:
        return nullcontext()

    def step(self) -> AbstractContextManager[None]:
        return nullcontext()

    def decided(self, before: RunFacts, actions: Sequence[Action], now: float) -> None:
        pass

    def launched(self, facts: RunFacts, attempt: AttemptId) -> None:
        pass

    def passed_over(self, run: RunId) -> None:
        pass

    def failed(self) -> None:
        pass
