"""Starting the workers of a training stage with Ray Train's TorchTrainer, and taking what they made.

One worker computes in the process of the attempt (``ScalingConfig(num_workers=0)``, Ray Train's local mode): the
same trainer, loop and checkpoints without the start of a controller and worker process, see
docs/adr/0005-one-worker-trains-in-process.md.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.fs as pafs

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.machine.environment import overlaid
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.faults import full_disk, is_out_of_memory
from bongsu_stages.runtime.scratch import Scratch
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.folder import MODEL, Checkpoint, CheckpointFolder
from bongsu_stages.train.params import INCIDENTAL
from bongsu_stages.train.recipe import Recipe
from bongsu_stages.train.sink import RemoteSink, Sink
from bongsu_stages.train.sink_server import SinkServer
from bongsu_stages.train.worker import KEPT, Task, group_name, train_worker

# By their names: the first is private to Ray Train.
_GONE = frozenset({"WorkerHealthCheckFailedError", "RayActorError"})
_LINE_BROKEN = re.compile(r"connection (?:closed|reset) by peer", re.IGNORECASE)
_RAY_TRAIN = {
    # Each look after the workers takes a moment of all of them: no more often than Ray Train does by itself.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "2",
    # A preempted attempt is started again by the control plane.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    # The controller runs in a process of ours, whose log is the stage's.
    "RAY_TRAIN_ENABLE_CONTROLLER_STRUCTURED_LOGGING": "0",
}


def train(ctx: StageContext, recipe: Recipe) -> StageOutputs:
    """Run ``recipe`` on the workers that the attempt asks for; its model tree becomes the output ``model``.

    Raises:
        StageError: what a worker raised, or that workers were lost (retryable).
    """
    folder, fingerprint = CheckpointFolder(ctx.checkpoint_uri), fingerprint_of(ctx, recipe)
    made = folder.latest(fingerprint, MODEL)
    if made is None:
        if ctx.spec.resources.workers == 1:
            return StageOutputs(metrics=_in_process(ctx, recipe, fingerprint))
        train_on_gang(ctx, recipe, fingerprint)
        made = folder.latest(fingerprint, MODEL)
    if made is None:
        raise StageError(
            N_("The workers ended and left no model."), N_("Look at the log of the stage."), retryable=True
        )
    _take_model(ctx, folder, made)
    return StageOutputs(metrics=made.facts.metrics)


def fingerprint_of(ctx: StageContext, recipe: Recipe) -> str:
    """Digest of all that decides what comes out: stage, its code, inputs, and parameters but for those that are
    declared as incidental; the others decide the place of the checkpoints as well (they are in the cache key)."""
    params = recipe.params.model_dump(mode="json", by_alias=True)
    facts = {
        "uses": ctx.spec.uses,
        "code": ctx.spec.code,
        "inputs": {port: [ref.digest for ref in refs] for port, refs in ctx.spec.inputs.items()},
        "params": {name: value for name, value in params.items() if name not in INCIDENTAL},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def task_of(ctx: StageContext, recipe: Recipe, fingerprint: str, sink: Sink, output: Path | None) -> Task:
    return Task(
        recipe=recipe,
        store_uri=ctx.store.uri,
        cache=ctx.spec.cache,
        checkpoint_uri=ctx.checkpoint_uri,
        scratch=Scratch.of(ctx),
        fingerprint=fingerprint,
        threads=max(1, int(ctx.spec.resources.cpus_per_worker)),
        sink=sink,
        output=output,
    )


def _in_process(ctx: StageContext, recipe: Recipe, fingerprint: str) -> dict[str, float]:
    task = task_of(ctx, recipe, fingerprint, ctx, ctx.output("model").directory)
    return fit(ctx, task, 0)


def train_on_gang(ctx: StageContext, recipe: Recipe, fingerprint: str) -> None:
    import ray

    with SinkServer(ray.util.get_node_ip_address(), ctx) as server:
        task = task_of(ctx, recipe, fingerprint, RemoteSink(server.ear, time.monotonic), None)
        fit(ctx, task, ctx.spec.resources.workers)


def fit(ctx: StageContext, task: Task, num_workers: int) -> dict[str, float]:
    """Run the workers to their end; the figures that the first of them returns."""
    from ray.train import CheckpointConfig, RunConfig, ScalingConfig, TrainingFailedError

    from bongsu_stages.train.lean_trainer import LeanTorchTrainer
    from bongsu_stages.train.meeting import GangConfig

    resources = ctx.spec.resources
    per_worker: dict[str, float] = {"CPU": resources.cpus_per_worker}
    if resources.gpus_per_worker:
        per_worker["GPU"] = resources.gpus_per_worker
    if resources.memory:
        per_worker["memory"] = resources.memory
    with _settings():
        trainer = LeanTorchTrainer(
            ctx.spec.id.key,
            train_loop_per_worker=train_worker,
            train_loop_config={"task": task},
            scaling_config=ScalingConfig(
                num_workers=num_workers, use_gpu=resources.gpus_per_worker > 0, resources_per_worker=per_worker
            ),
            torch_config=GangConfig(backend="nccl" if resources.gpus_per_worker else "gloo"),
            run_config=RunConfig(
                name=group_name(max(1, num_workers)),
                storage_path=task.checkpoint_uri,
                checkpoint_config=CheckpointConfig(num_to_keep=KEPT),
            ),
        )
        try:
            result = trainer.fit()
        except TrainingFailedError as error:
            raise cause_of(error) from error
    figures: dict[str, float] = result.return_value
    return figures


def cause_of(error: Exception) -> Exception:
    """What a worker raised itself, if its kind says whose fault that is, rather than Ray Train's report of it."""
    failures = getattr(error, "worker_failures", {})
    raised: list[Exception] = [getattr(failure, "_base_exc", failure) for _, failure in sorted(failures.items())]
    for exception in raised:
        if isinstance(exception, StageError | BongsuError) or full_disk(exception) or is_out_of_memory(exception):
            return exception
    if any(map(_is_of_a_lost_worker, raised)):
        return StageError(
            N_("A training worker ended in the middle of the work, and the others cannot go on without it."),
            N_("Look who ends processes on this machine, and whether its memory ran out; the log has last words."),
            retryable=True,
        )
    told = "; ".join(f"{type(exception).__name__}: {exception}" for exception in raised) or str(error)
    return StageError(
        phrase(N_("A training worker failed: {told}"), told=told[:2000]),
        N_("Look at the log of the stage."),
        retryable=True,
    )


def _is_of_a_lost_worker(exception: Exception) -> bool:
    """What Ray says of a worker that is gone, and gloo on the others of their connection to it."""
    kinds = {kind.__name__ for kind in type(exception).__mro__}
    return bool(kinds & _GONE) or _LINE_BROKEN.search(str(exception)) is not None


def _take_model(ctx: StageContext, folder: CheckpointFolder, made: Checkpoint) -> None:
    files, _ = pafs.FileSystem.from_uri(folder.uri)
    writer = ctx.output("model")
    for name in made.facts.files:
        with files.open_input_stream(f"{made.path}/{name}") as source, writer.create(name) as target:
            shutil.copyfileobj(source, target, 8 * 1024 * 1024)


@contextmanager
def _settings() -> Iterator[None]:
    """Ray Train's environment, and no line in the log for every report, while a trainer runs."""
    logger = logging.getLogger("ray.train")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with overlaid(_RAY_TRAIN):
            yield
    finally:
        logger.setLevel(level)
