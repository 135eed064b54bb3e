"""A gang takes all of the machine, and gives it back however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import tiny_training as tiny
from executor_suite import Watcher, probe_spec
from local_ray_harness import CPUS, LocalRayHarness, ray_processes

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import AttemptSpec, Phase
from bongsu.domain.events import Progress
from bongsu.domain.resources import Resources

# A gang starts with several processes that import torch; on a busy machine that takes minutes.
PATIENCE_S = 600.0


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LocalRayHarness]:
    harness = LocalRayHarness(tmp_path)
    harness.patience_s = PATIENCE_S
    yield harness
    harness.close()


def gang(harness: LocalRayHarness, folder: Path, steps: int) -> AttemptSpec:
    """As many workers as there are cores."""
    if not folder.exists():
        tiny.write_tokenizer(folder / "tokenizer")
        tiny.write_model(folder / "model", folder / "tokenizer")
        tiny.write_tokens(folder / "tokens", folder / "tokenizer")
    return probe_spec(
        harness,
        {"steps": steps, "microBatch": 4, "learningRate": 1e-3, "evaluateSequences": 0},
        uses="train.continue",
        inputs={
            "model": (
                ArtifactRef(digest=tiny.commit(harness.store, "model", folder / "model"), type=ArtifactType.MODEL),
            ),
            "tokens": (
                ArtifactRef(
                    digest=tiny.commit(harness.store, "tokens", folder / "tokens"), type=ArtifactType.TOKENS
                ),
            ),
        },
        input_titles={"model": ("model",), "tokens": ("tokens",)},
        outputs={"model": ArtifactType.MODEL},
        resources=Resources(workers=CPUS, cpus_per_worker=1),
        distributed=True,
    )


def processes_of(words: str) -> list[psutil.Process]:
    return [process for process in ray_processes() if words in " ".join(process.cmdline())]


def test_the_place_of_a_gang_whose_attempt_was_killed_is_free_for_the_next(
    harness: LocalRayHarness, tmp_path: Path
) -> None:
    watch, executor = Watcher(harness), harness.executor()
    first = gang(harness, tmp_path / "made", steps=1_000_000)
    executor.ensure(first)
    watch.until(
        lambda: any(isinstance(event, Progress) for event in executor.events(first.id).events), "the gang trains"
    )
    assert not processes_of("TrainController"), "the attempt controls its gang itself"
    workers = processes_of("RayTrainWorker")
    assert len(workers) == CPUS
    open_at = {line.laddr.ip for worker in workers for line in worker.net_connections() if line.status == "LISTEN"}
    assert {address.removeprefix("::ffff:") for address in open_at} == {"127.0.0.1"}, (
        "nothing of a gang on one machine listens to others"
    )
    (attempt,) = processes_of(f"ray::{first.id.key}")
    attempt.kill()
    assert watch.end(executor, first.id).phase is Phase.LOST
    psutil.wait_procs(workers, timeout=PATIENCE_S)
    assert not any(worker.is_running() for worker in workers)
    second = gang(harness, tmp_path / "made", steps=2)
    executor.ensure(second)
    seen = watch.end(executor, second.id)
    assert seen.phase is Phase.SUCCEEDED, seen
