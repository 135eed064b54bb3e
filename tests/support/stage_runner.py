"""Running real stages on a real local store, as a worker does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import AttemptResult, AttemptSpec, Failure
from bongsu.domain.events import StageEvent
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.resources import Resources
from bongsu_stages.runtime.attempt import run_attempt
from bongsu_stages.runtime.catalogue import load_stage
from bongsu_stages.runtime.leave import UNASKED, Leave

_numbers = itertools.count(1)
Named = tuple[str, ArtifactType, str]


class StageRunner:
    """Runs one stage after another and hands on what they made."""

    def __init__(self, store: LocalStore, cpus: float = 2, leave: Leave = UNASKED) -> None:
        self.store = store
        self._leave = leave
        self._cpus = cpus
        self.memory: int | None = None
        """Bytes that attempts ask for."""
        self.events: list[StageEvent] = []
        """What attempts said."""

    def run(
        self, uses: str, params: Mapping[str, Any], inputs: Mapping[str, Sequence[Named]], run_id: str | None = None
    ) -> AttemptResult | Failure:
        """The outcome; ``inputs`` maps ports to (title, type, digest)."""
        signature = load_stage(uses).signature
        spec = AttemptSpec(
            id=AttemptId(run_id=RunId(run_id or f"r-{next(_numbers)}"), stage_id=StageId("stage"), number=1),
            uses=uses,
            code=signature.code,
            params=dict(params),
            inputs={
                port: tuple(ArtifactRef(digest=Digest(digest), type=type_) for _, type_, digest in given)
                for port, given in inputs.items()
            },
            input_titles={port: tuple(title for title, _, _ in given) for port, given in inputs.items()},
            outputs={name: port.type for name, port in signature.outputs.items()},
            label=Label(),
            resources=Resources(cpus_per_worker=self._cpus, memory=self.memory),
            artifact_store=self.store.uri,
            checkpoint_key=f"{run_id or 'r'}/{next(_numbers)}",
            pipeline="tests",
            ministry="mnd",
            distributed=signature.distributed,
        )
        return run_attempt(spec, self.events.append, time.time, self._leave)

    def made(self, uses: str, params: Mapping[str, Any], inputs: Mapping[str, Sequence[Named]]) -> AttemptResult:
        """As :meth:`run`, of a stage that has to succeed."""
        outcome = self.run(uses, params, inputs)
        assert isinstance(outcome, AttemptResult), f"{outcome.message}\n{outcome.detail}"
        return outcome
