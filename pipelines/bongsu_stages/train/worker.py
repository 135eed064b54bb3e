"""What every worker of a training stage runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.open import open_store
from bongsu_stages.runtime.memory import keep_pages
from bongsu_stages.runtime.scratch import Scratch
from bongsu_stages.train.folder import (
    MARKER,
    MODEL,
    STATE,
    CheckpointFacts,
    CheckpointFolder,
    changed_files,
    digest_of_file,
    files_below,
)
from bongsu_stages.train.loop import TrainingLoop
from bongsu_stages.train.optimizer import freeze
from bongsu_stages.train.parallel import replicate
from bongsu_stages.train.recipe import Recipe
from bongsu_stages.train.sink import SilentSink, Sink
from bongsu_stages.train.state import load_state, save_state
from bongsu_stages.train.workers import WorkerGroup

KEPT = 2
"""Checkpoints that stay; the older of the two is there in case the newer one cannot be read."""


@dataclass(frozen=True)
class Task:
    """All that a worker needs to know; it is pickled, except with one worker, which runs in this process.

    Attributes:
        store_uri: the artifact store.
        cache: directory for copies of its trees, see :class:`bongsu.domain.attempt.AttemptSpec`.
        checkpoint_uri: where checkpoints lie, for this and later attempts.
        scratch: where checkpoints and models lie until they are handed on.
        fingerprint: of what decides the result, see :class:`CheckpointFacts`.
        threads: CPU threads of each worker.
        output: directory for the model tree, if the worker shares it with the attempt; else the tree goes out as
            the last checkpoint.
    """

    recipe: Recipe
    store_uri: str
    cache: Path | None
    checkpoint_uri: str
    scratch: Scratch
    fingerprint: str
    threads: int
    sink: Sink
    output: Path | None


def train_worker(config: dict[str, Any]) -> dict[str, float]:
    """Entry point of a Ray Train worker: ``config`` is ``{"task": Task}``. Returns the final figures."""
    task: Task = config["task"]
    workers = WorkerGroup.of_ray(task.threads)
    if workers.device.type == "cpu":
        keep_pages()
    return _Worker(task, workers, open_store(task.store_uri, task.cache)).run()


class _Worker:
    """One worker's way through a task."""

    def __init__(self, task: Task, workers: WorkerGroup, store: ArtifactStore) -> None:
        self._task = task
        self._workers = workers
        self._store = store
        self._sink = task.sink if workers.is_first else SilentSink()
        self._folder = CheckpointFolder(task.checkpoint_uri)

    def run(self) -> dict[str, float]:
        recipe, params = self._task.recipe, self._task.recipe.params
        self._sink.phase("loading")
        model = recipe.build(self._store, self._workers)
        freeze(model, params.freeze)
        if params.recompute_activations:
            settings = {"use_reentrant": False}
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=settings)  # type: ignore[operator]
        data = recipe.open_data(self._store)
        objective = recipe.objective(self._store, self._workers)
        wrapped = replicate(model, self._workers)
        loop = TrainingLoop(wrapped, data, params, self._workers, self._sink, objective)
        start = self._resume(loop)
        self._sink.phase("training")
        figures = loop.run(start, lambda step: self._save(loop, step))
        self._sink.phase("saving")
        self._finish(loop, figures)
        return figures

    def _resume(self, loop: TrainingLoop) -> int:
        """Finished steps of the checkpoint that was loaded; 0 if there is none."""
        for checkpoint in self._folder.newest(self._task.fingerprint, STATE):
            facts = checkpoint.facts
            with self._folder.local(checkpoint, self._task.scratch) as directory:
                if self._is_changed(directory, facts):
                    self._sink.message(f"The checkpoint of step {facts.step} is damaged and is passed over.")
                    continue
                load_state(directory, loop.model, loop.optimizer, loop.scaler)
            note = "" if facts.workers == self._workers.size else f", written by {facts.workers} workers"
            self._sink.message(f"Resumed after step {facts.step}{note}.")
            return facts.step
        return 0

    def _is_changed(self, directory: Path, facts: CheckpointFacts) -> bool:
        """Every worker answers the same."""
        changed = changed_files(directory, facts.digests, self._workers.rank, self._workers.size)
        return any(self._workers.gather(changed))

    def _save(self, loop: TrainingLoop, step: int) -> None:
        with self._task.scratch.folder("checkpoint") as directory:
            save_state(directory, loop.model, loop.optimizer, loop.scaler)
            self._report(directory, f"step-{step:08d}", step)

    def _finish(self, loop: TrainingLoop, figures: dict[str, float]) -> None:
        if self._task.output is not None:
            self._write(loop.model, self._task.output)
            return
        with self._task.scratch.folder("model") as directory:
            self._write(loop.model, directory)
            steps = self._task.recipe.params.steps
            self._report(directory, MODEL, steps, figures, MODEL)

    def _write(self, model: nn.Module, directory: Path) -> None:
        """The first worker writes; where the model is sharded, the others hand it their shares."""
        parts = self._task.recipe.parts(model)
        if self._workers.is_first:
            self._task.recipe.write(model, parts, self._store, directory)
        for _ in parts or ():
            pass

    def _report(
        self,
        directory: Path,
        name: str,
        step: int,
        metrics: Mapping[str, float] = MappingProxyType({}),
        kind: str = STATE,
    ) -> None:
        """Hand a checkpoint to Ray Train, which copies every worker's files; a single worker copies its own."""
        import ray.train

        files: dict[str, int] = {}
        digests: dict[str, str] = {}
        own = files_below(directory)
        hashed = {path: digest_of_file(directory / path) for path in own}
        for sizes, sums in self._workers.gather((own, hashed)):
            files |= sizes
            digests |= sums
        if self._workers.is_first:
            facts = CheckpointFacts(
                step, self._task.fingerprint, self._workers.size, files, dict(metrics), kind, digests
            )
            (directory / MARKER).write_text(facts.to_json())
        checkpoint = ray.train.Checkpoint.from_directory(directory)
        ray.train.report({"step": step}, checkpoint=checkpoint, checkpoint_dir_name=name)
        if self._workers.size == 1:
            self._folder.put(group_name(1), name, directory)
            self._folder.keep_newest(group_name(1), KEPT)


def group_name(workers: int) -> str:
    """Directory of the checkpoints of gangs of this size. Ray Train keeps its own list in each."""
    return f"workers-{workers}"
