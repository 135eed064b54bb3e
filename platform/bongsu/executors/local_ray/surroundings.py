"""What the executor of one machine takes from outside: places, environment, clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bongsu.domain.ids import AttemptId
from bongsu.domain.worker_leave import WorkerPass


@dataclass(frozen=True)
class LocalSurroundings:
    """Attributes:
    logs: directory of attempts' traces.
    environments: directory of virtual environments made for stages.
    ray_log: file for what Ray prints, stack traces of its crashes among it.
    environment: of Ray's processes, and so of workers.
    clock: seconds since the epoch; it may jump.
    monotonic: seconds that only grow.
    variables: environment variables that stages get besides, such as the masking key; a Ray that ran before has not
        inherited them.
    cache: directory for copies of trees of an artifact store that is not local; None for the system's own.
    passes: gives what the worker of an attempt asks the control plane with; None where there is nobody to ask. What it
        raises is raised to whoever wants the attempt started, and nothing is.
    """

    logs: Path
    environments: Path
    ray_log: Path
    environment: Mapping[str, str]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    variables: Mapping[str, str] = field(default_factory=dict)
    cache: Path | None = None
    passes: Callable[[AttemptId], WorkerPass | None] = lambda _attempt: None

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)
