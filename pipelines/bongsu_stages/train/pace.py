"""How often training writes checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bongsu_stages.train.params import TrainingParams

# Of a run's time, checkpoints that go by the clock take one part in so many at the most.
_CHECKPOINT_SHARE = 20


class CheckpointPace:
    """When a checkpoint is due: at every so many steps, or else by the clock.

    By the clock, a model that takes long to write is written more rarely.
    """

    def __init__(self, params: TrainingParams, clock: Callable[[], float] = time.monotonic) -> None:
        self._steps = params.checkpoint_every
        self._seconds = params.checkpoint_minutes * 60
        self._clock = clock
        self._took = 0.0
        self.begin()

    def begin(self) -> None:
        """The state of this moment is safe."""
        self._safe_at = self._clock()

    def is_due(self, done: int) -> bool:
        """Whether a checkpoint is due when ``done`` steps are finished."""
        if self._steps:
            return done % self._steps == 0
        wait = max(self._seconds, _CHECKPOINT_SHARE * self._took)
        return self._seconds > 0 and self._clock() - self._safe_at >= wait

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Around the writing of a checkpoint."""
        began = self._clock()
        yield
        self._took = self._clock() - began
        self.begin()
