"""What a stage sees: its inputs, its outputs, and a way to say how far it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bongsu.artifacts.base import ArtifactStore, TreeReader, TreeWriter
from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.events import Checkpointed, Message, PhaseEntered, Progress, StageEvent
from bongsu.domain.metrics import not_finite
from bongsu.domain.phrases import Words
from bongsu_stages.runtime.leave import UNASKED, Leave


@dataclass(frozen=True)
class StageOutputs:
    """Final figures of a stage, and short facts worth showing. Trees go through ``StageContext.output``."""

    metrics: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NamedTree:
    """An input tree with its reference and a readable title, e.g. ``prune (keepFraction=0.5)``."""

    title: str
    ref: ArtifactRef
    reader: TreeReader


class StageContext:
    """Handed to a stage function. Everything a stage needs from outside comes through here.

    Attributes:
        spec: the attempt as the control plane described it.
        store: the artifact store, for stages that stream.
        scratch: an empty local directory, deleted after the attempt.

    Events carry the seconds since the epoch of ``clock``.
    """

    def __init__(
        self,
        spec: AttemptSpec,
        store: ArtifactStore,
        scratch: Path,
        emit: Callable[[StageEvent], None],
        clock: Callable[[], float],
        leave: Leave = UNASKED,
    ) -> None:
        self.spec = spec
        self.store = store
        self.scratch = scratch
        self._emit = emit
        self._clock = clock
        self._leave = leave
        self._writers: dict[str, TreeWriter] = {}
        self._told: set[str] = set()

    @property
    def is_shared(self) -> bool:
        """Whether a server of several ministries gave this attempt, so that what the worker could read is not only its
        submitter's."""
        return self._leave.is_asked

    def has_input(self, port: str) -> bool:
        return bool(self.spec.inputs.get(port))

    def input(self, port: str) -> TreeReader:
        """The single tree at ``port``."""
        (ref,) = self.spec.inputs[port]
        return self._reader(ref)

    def inputs(self, port: str) -> list[NamedTree]:
        """All trees at ``port``, in the order of the pipeline file; empty if it was left out."""
        refs = self.spec.inputs.get(port, ())
        titles = self.spec.input_titles.get(port) or tuple(ref.digest[:19] for ref in refs)
        return [NamedTree(t, r, self._reader(r)) for t, r in zip(titles, refs, strict=True)]

    def _reader(self, ref: ArtifactRef) -> TreeReader:
        self._leave.ask(ref.digest)
        return self.store.reader(ref.digest)

    def output(self, port: str) -> TreeWriter:
        """The writer of the tree at ``port``; the runtime commits it after the stage returned."""
        if port not in self.spec.outputs:
            raise KeyError(f"stage {self.spec.uses} declares no output {port!r}")
        if port not in self._writers:
            self._writers[port] = self.store.writer(f"{self.spec.id.key}/{port}")
        return self._writers[port]

    @property
    def writers(self) -> dict[str, TreeWriter]:
        return dict(self._writers)

    @property
    def checkpoint_uri(self) -> str:
        """Where checkpoints of this stage lie; the same for every attempt of it."""
        return self.store.checkpoint_uri(self.spec.checkpoint_key)

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        """``step`` of ``total`` are done. Figures that are no finite number are not sent, but told once each."""
        for name, value in not_finite(metrics).items():
            if name not in self._told:
                self._told.add(name)
                self.message(f"{name} is {value} at step {step} and cannot be shown.")
        self._emit(Progress(time=self._clock(), step=step, total=total, metrics=metrics))

    def earlier(self, seconds: float) -> StageContext:
        """The same context, for events that happened so long ago."""
        found = copy.copy(self)
        clock = self._clock
        found._clock = lambda: clock() - max(0.0, seconds)
        return found

    def message(self, text: str) -> None:
        self._emit(Message(time=self._clock(), text=text))

    def phase(self, name: Words) -> None:
        self._emit(PhaseEntered(time=self._clock(), name=name))

    def checkpointed(self, step: int) -> None:
        self._emit(Checkpointed(time=self._clock(), step=step))
