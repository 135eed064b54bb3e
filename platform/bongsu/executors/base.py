"""The executor: starts attempts somewhere and says what it sees of them.

Every implementation passes ``tests/support/executor_suite.py``. All methods are idempotent, because the
control plane may be killed before or after any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bongsu.domain.attempt import AttemptSpec, Observation
from bongsu.domain.capacity import Capacity
from bongsu.domain.events import StageEvent
from bongsu.domain.ids import AttemptId


@dataclass(frozen=True)
class EventPage:
    """Events behind a cursor, and the cursor for the next call."""

    events: Sequence[StageEvent]
    cursor: int


class Executor(Protocol):
    """See the module's docstring. That its backend does not answer, any method raises as OSError or BongsuError; all
    else that is raised counts as a mistake in the executor."""

    @property
    def name(self) -> str: ...

    def capacity(self) -> Capacity:
        """What it can run at once; asked before anything starts, by plans too."""
        ...

    def ensure(self, attempt: AttemptSpec) -> None:
        """Start the attempt unless it was started before, by whatever process. Returns at once. An attempt that
        was started once is never started again under the same id. Raises nothing for a stage that will fail."""
        ...

    def observe(self, attempts: Collection[AttemptId]) -> Mapping[AttemptId, Observation]:
        """Phase of each. SUCCEEDED is a hint: the caller looks for the result record in the artifact store."""
        ...

    def cancel(self, attempt: AttemptId) -> None:
        """Stop the attempt and every process it started. Returns at once; ``observe`` tells when it is done.
        Unknown or finished attempts are left alone."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have changed, at most ``timeout_s`` seconds."""
        ...

    def events(self, attempt: AttemptId, cursor: int = 0) -> EventPage:
        """Events behind ``cursor`` (0 for all)."""
        ...

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        """Lines of the attempt's standard output and error, as long as they are kept.

        Args:
            attempt: whose.
            follow: wait for more until it is over.
            goes_on: asked now and then while it waits, which ends once this is False.
        """
        ...

    def close(self) -> None:
        """Let go of what this process holds. Attempts of this process end, unless the backend outlives it."""
        ...
