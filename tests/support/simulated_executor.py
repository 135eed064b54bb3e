"""An executor whose attempts do what a test tells them: nothing runs, but records and trees are real.

:class:`SimulatedCluster` is where attempts live; like a cluster's own control plane it outlives the processes that
ask it. :class:`SimulatedExecutor` is what one such process holds. It implements ``bongsu.executors.base.Executor``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import (
    AttemptResult,
    AttemptSpec,
    Failure,
    Observation,
    Phase,
    failure_key,
    result_key,
)
from bongsu.domain.capacity import Capacity
from bongsu.domain.events import Progress, StageEvent
from bongsu.domain.ids import AttemptId, digest_of
from bongsu.domain.labels import Label
from bongsu.executors.base import EventPage


@dataclass
class Job:
    """An attempt that the cluster was asked for."""

    spec: AttemptSpec
    phase: Phase = Phase.QUEUED
    failure: Failure | None = None
    started_at: float | None = None
    asked_to_stop: bool = False
    has_record: bool = False
    events: list[StageEvent] = field(default_factory=list)


class SimulatedCluster:
    """Attempts, and the verbs by which a test moves them.

    Args:
        artifacts: where records and output trees go.
        capacity: what it says it has; it runs whatever it is asked for.
        clock: seconds since the epoch.
    """

    def __init__(self, artifacts: ArtifactStore, capacity: Capacity, clock: Callable[[], float]) -> None:
        self.artifacts = artifacts
        self.capacity = capacity
        self.jobs: dict[AttemptId, Job] = {}
        self.seen_specs: dict[AttemptId, AttemptSpec] = {}
        self._clock = clock

    @property
    def live(self) -> list[AttemptId]:
        """Attempts that are not over, in the order in which they were asked for."""
        return [attempt for attempt, job in self.jobs.items() if not job.phase.is_final]

    def accept(self, spec: AttemptSpec) -> None:
        """Start the attempt unless it was started before. Asking again has to be asking for the same."""
        known = self.seen_specs.setdefault(spec.id, spec)
        assert known == spec, f"{spec.id} was asked for twice, differently"
        if spec.id not in self.jobs:
            self.jobs[spec.id] = Job(spec)

    def start(self, attempt: AttemptId) -> None:
        """Its worker begins."""
        job = self.jobs[attempt]
        job.phase, job.started_at = Phase.RUNNING, self._clock()

    def report(self, attempt: AttemptId, step: int, total: int) -> None:
        """It says how far it is."""
        event = Progress(time=self._clock(), step=step, total=total, metrics={"loss": 1.0 / (step + 1)})
        self.jobs[attempt].events.append(event)

    def succeed(self, attempt: AttemptId, *, hang: bool = False, label: Label | None = None) -> None:
        """It writes its outputs and its result; with ``hang`` its worker stays there afterwards. A worker may say that
        its outputs are worth another ``label`` than it was told."""
        job = self.jobs[attempt]
        if job.started_at is None:
            self.start(attempt)
        now = datetime.fromtimestamp(self._clock(), UTC)
        result = AttemptResult(
            id=attempt,
            outputs={
                name: made if label is None else made.model_copy(update={"label": label})
                for name in job.spec.outputs
                if (made := write_output(self.artifacts, job.spec, name))
            },
            metrics={"loss": 1.0},
            started_at=min(now, datetime.fromtimestamp(job.started_at or 0.0, UTC)),
            finished_at=now,
        )
        self.artifacts.put_record(result_key(attempt), result.model_dump_json().encode())
        job.has_record = True
        if not hang:
            job.phase = Phase.SUCCEEDED

    def fail(
        self, attempt: AttemptId, *, retryable: bool = True, evidence: Mapping[str, ArtifactRef] | None = None
    ) -> None:
        """It writes why it failed."""
        job = self.jobs[attempt]
        failure = Failure(
            reason="StageError", message="It broke.", retryable=retryable, evidence=dict(evidence or {})
        )
        if not job.has_record:
            self.artifacts.put_record(failure_key(attempt), failure.model_dump_json().encode())
        job.phase, job.failure = Phase.FAILED, failure

    def lose(self, attempt: AttemptId) -> None:
        """Its worker is gone. What it wrote before stays."""
        self.jobs[attempt].phase = Phase.LOST

    def obey(self, attempt: AttemptId) -> None:
        """It was asked to stop, and has stopped."""
        self.jobs[attempt].phase = Phase.CANCELLED

    def restart(self, *, forget: bool) -> None:
        """All workers end; with ``forget``, every trace of every attempt is gone, records excepted."""
        for attempt in self.live:
            self.lose(attempt)
        if forget:
            self.jobs.clear()


class SimulatedExecutor:
    """What one process holds of a cluster.

    Args:
        cluster: where attempts live.
        interrupt: called before and after every call with its name; it may raise.
    """

    name = "simulated"

    def __init__(self, cluster: SimulatedCluster, interrupt: Callable[[str], None] = lambda _point: None) -> None:
        self._cluster = cluster
        self._interrupt = interrupt

    def capacity(self) -> Capacity:
        self._interrupt("executor: capacity")
        return self._cluster.capacity

    def ensure(self, attempt: AttemptSpec) -> None:
        self._interrupt("executor: before ensure")
        self._cluster.accept(attempt)
        self._interrupt("executor: after ensure")

    def observe(self, attempts: Collection[AttemptId]) -> Mapping[AttemptId, Observation]:
        self._interrupt("executor: observe")
        return {attempt: self._observe(attempt) for attempt in attempts}

    def _observe(self, attempt: AttemptId) -> Observation:
        job = self._cluster.jobs.get(attempt)
        if job is None:
            return Observation(phase=Phase.ABSENT)
        started = None if job.started_at is None else datetime.fromtimestamp(job.started_at, UTC)
        return Observation(phase=job.phase, failure=job.failure, started_at=started)

    def cancel(self, attempt: AttemptId) -> None:
        self._interrupt("executor: before cancel")
        job = self._cluster.jobs.get(attempt)
        if job is not None and not job.phase.is_final:
            job.asked_to_stop = True
        self._interrupt("executor: after cancel")

    def wait(self, timeout_s: float) -> None:
        self._interrupt("executor: wait")

    def events(self, attempt: AttemptId, cursor: int = 0) -> EventPage:
        self._interrupt("executor: events")
        job = self._cluster.jobs.get(attempt)
        found = job.events if job else []
        return EventPage(tuple(found[cursor:]), max(cursor, len(found)))

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        return iter(())

    def close(self) -> None:
        pass


def write_output(artifacts: ArtifactStore, spec: AttemptSpec, name: str) -> ArtifactRef:
    """The output ``name``, the same for equal work. A registration speaks for the first model it is given."""
    given = {port: [ref.digest for ref in refs] for port, refs in spec.inputs.items()}
    content = {"uses": spec.uses, "params": spec.params, "inputs": given, "name": name}
    path = "content.json"
    if spec.outputs[name] is ArtifactType.REGISTRATION:
        path = "registration.json"
        content = {
            "name": spec.params["name"],
            "modelDigest": spec.inputs["model"][0].digest,
            "verifications": given["verifications"],
        }
    data = json.dumps(content, sort_keys=True).encode()
    writer = artifacts.writer(f"simulated/{digest_of(data + spec.id.key.encode())}")
    with writer.create(path) as file:
        file.write(data)
    manifest = writer.commit()
    return ArtifactRef(digest=manifest.digest, type=spec.outputs[name], label=spec.label, size=manifest.size)
