"""What Ray Train and our loop cost over plain torch: ``python tests/bench/bench_train.py``.

The same model, rows, optimizer and number of processes twice: through the stage ``train.continue`` (TorchTrainer, our
loop, events), and as a loop of twenty lines in bare processes (gloo, DistributedDataParallel). Every round starts new
processes for both: a process that has done other work before is slower by 1 to 2%, whichever loop it runs. Figures are
tokens per second of the median step after the warm-up. Target: at least 0.97 of the plain loop. The two take turns, and
so does which of them goes first. Each round has its ratio, and the median of the rounds counts: a machine that others
share changes its pace from one minute to the next.

Where the gang takes every core, Ray's own processes (controller, barriers, raylet, GCS server) take their share from it,
and workers that exchange gradients wait for the one that was interrupted. Two figures tell that share from the cost of
the loop: the third column is our loop in bare processes, without Ray; and with ``--spare-core`` each kind of worker is
held on the first core and everything else on the others.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import nn

sys.path.append(str(Path(__file__).parents[1] / "support"))
import tiny_training as tiny
from targets import settle

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.events import Progress, StageEvent
from bongsu.executors.local_ray.session import RaySettings, connect, ray_environment
from bongsu_stages.data.tokens import TokenTree
from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.device import pick_device
from bongsu_stages.models.loading import load_model
from bongsu_stages.train.continued import continued
from bongsu_stages.train.loop import TrainingLoop
from bongsu_stages.train.packed import PackedRecipe, named_tokens
from bongsu_stages.train.parallel import replicate
from bongsu_stages.train.params import TokenTrainingParams
from bongsu_stages.train.shape import ModelShape
from bongsu_stages.train.sink import SilentSink
from bongsu_stages.train.workers import WorkerGroup

# Of the plain loop's tokens per second.
TARGET = 0.97
SHAPE = ModelShape(
    hidden_size=192,
    layers=4,
    intermediate_size=384,
    expert_size=96,
    experts=16,
    expert_groups=4,
    groups_per_token=2,
    heads=4,
    key_value_rank=48,
    query_rank=96,
    positions=256,
)
LENGTH, ROWS, BATCH = 128, 512, 8
WARM_UP = 40
PORT = 29587
CORES = sorted(os.sched_getaffinity(0))


def hold_on_first_core(process: psutil.Process) -> None:
    """A worker gets the first core, any other process of this benchmark the others."""
    with contextlib.suppress(psutil.Error):
        is_worker = "TrainWorker" in " ".join(process.cmdline())
        process.cpu_affinity(CORES[:1] if is_worker else CORES[1:])
        for thread in process.threads():
            os.sched_setaffinity(thread.id, set(CORES[:1] if is_worker else CORES[1:]))


def training_params(given: argparse.Namespace) -> TokenTrainingParams:
    params = {"microBatch": BATCH, "learningRate": 1e-3, "evaluateSequences": 0, "balanceRate": 0}
    return TokenTrainingParams.model_validate({"steps": given.steps} | params)


@dataclass(frozen=True)
class StepTimes(SilentSink):
    """Keeps the tokens per second of every step."""

    rates: list[float] = field(default_factory=list)

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        if "learning_rate" in metrics:
            self.rates.append(metrics["tokens_per_second"])


def step_times_of_the_stage(
    store: LocalStore, inputs: dict[str, Any], scratch: Path, given: argparse.Namespace, workers: int
) -> list[float]:
    """Seconds per step, from the events of the stage."""
    events: list[StageEvent] = []

    def emit(event: StageEvent) -> None:
        if given.spare_core and not any(isinstance(one, Progress) for one in events):
            for process in psutil.Process(os.getppid()).children(recursive=True):
                if process.pid != os.getpid():
                    hold_on_first_core(process)
        events.append(event)

    ctx = tiny.context(store, scratch, "train.continue", inputs, workers=workers, emit=emit)
    ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": scratch.name})
    continued.function(ctx, training_params(given))
    rates = [
        e.metrics["tokens_per_second"] for e in events if isinstance(e, Progress) and "learning_rate" in e.metrics
    ]
    return [workers * BATCH * LENGTH / rate for rate in rates[WARM_UP:]]


def stage_process(
    ray_address: str,
    store: LocalStore,
    inputs: dict[str, Any],
    scratch: Path,
    given: argparse.Namespace,
    workers: int,
    results: Any,
) -> None:
    """The stage in a process that is connected to Ray, as Bongsu's workers are."""
    connect(RaySettings(address=ray_address), os.environ)
    results.put(step_times_of_the_stage(store, inputs, scratch, given, workers))


def plain_worker(
    rank: int, workers: int, model: Path, rows: torch.Tensor, given: argparse.Namespace, results: Any
) -> None:
    """The plain loop. Every worker has one thread, as Ray gives it."""
    torch.set_num_threads(1)
    if given.spare_core:
        psutil.Process().cpu_affinity(CORES[:1])
    distributed = workers > 1
    if distributed:
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://127.0.0.1:{PORT}", rank=rank, world_size=workers
        )
    network: nn.Module = load_model(model, dtype=torch.float32, experts_implementation="grouped_mm")
    network.train()
    wrapped = (
        nn.parallel.DistributedDataParallel(network, forward_sync_buffers=False, gradient_as_bucket_view=True)
        if distributed
        else network
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    times = []
    for step in range(given.steps):
        began = time.perf_counter()
        first = (step * workers + rank) * BATCH % (len(rows) - BATCH)
        ids = rows[first : first + BATCH]
        logits = wrapped(input_ids=ids, use_cache=False).logits
        loss = nn.functional.cross_entropy(
            logits[:, :-1].reshape(-1, logits.size(-1)).float(), ids[:, 1:].reshape(-1)
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        times.append(time.perf_counter() - began)
    if rank == 0:
        results.put(times[WARM_UP:])
    if distributed:
        torch.distributed.destroy_process_group()


def loop_worker(
    rank: int,
    workers: int,
    store: LocalStore,
    inputs: dict[str, Any],
    scratch: Path,
    given: argparse.Namespace,
    results: Any,
) -> None:
    """The loop of the stage in a bare process, as a worker of Ray Train runs it, without checkpoints."""
    torch.set_num_threads(1)
    if given.spare_core:
        psutil.Process().cpu_affinity(CORES[:1])
    if workers > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://127.0.0.1:{PORT}", rank=rank, world_size=workers
        )
    ctx = tiny.context(store, scratch / str(rank), "train.continue", inputs, workers=workers)
    params = training_params(given)
    (ref,) = ctx.spec.inputs["model"]
    recipe = PackedRecipe(
        params, named_tokens(ctx, params), read_config(ctx.input("model")), ref.digest, ref.digest
    )
    gang = WorkerGroup(rank, workers, pick_device())
    model = replicate(recipe.build(store, gang), gang)
    steps = StepTimes()
    loop = TrainingLoop(model, recipe.open_data(store), params, gang, steps, recipe.objective(store, gang))
    loop.run(0, lambda _step: None)
    if rank == 0:
        results.put([workers * BATCH * LENGTH / rate for rate in steps.rates[WARM_UP:]])
    if workers > 1:
        torch.distributed.destroy_process_group()


def in_new_processes(target: Callable[..., None], *calls: tuple[Any, ...]) -> list[float]:
    """Seconds per step, as one of the processes puts them into the queue that is the last argument of each."""
    context = torch.multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=target, args=(*call, results)) for call in calls]
    for process in processes:
        process.start()
    times: list[float] = results.get(timeout=600)
    for process in processes:
        process.join()
    return times


def one_round(
    number: int,
    address: str,
    store: LocalStore,
    inputs: dict[str, Any],
    rows: torch.Tensor,
    folder: Path,
    given: argparse.Namespace,
    workers: int,
) -> tuple[float, float, float]:
    """Median seconds per step of the plain loop, of our loop without Ray and of the stage.

    Every other round they go in the opposite order.
    """
    scratch = folder / f"{workers}-{number}"
    sides = {
        "plain": lambda: in_new_processes(
            plain_worker, *((rank, workers, folder / "model", rows, given) for rank in range(workers))
        ),
        "loop": lambda: in_new_processes(
            loop_worker, *((rank, workers, store, inputs, scratch / "loop", given) for rank in range(workers))
        ),
        "stage": lambda: in_new_processes(stage_process, (address, store, inputs, scratch, given, workers)),
    }
    order = list(sides)[:: -1 if number % 2 else 1]
    medians = {side: statistics.median(sides[side]()) for side in order}
    return medians["plain"], medians["loop"], medians["stage"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--spare-core", action="store_true", help="workers on the first core, Ray on the others")
    given = parser.parse_args()
    settings = RaySettings(cpus=4)
    os.environ.update(ray_environment(os.environ, settings))
    ray = connect(settings, os.environ)
    address = ray.get_runtime_context().gcs_address
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = LocalStore(folder / "store")
        tiny.write_tokenizer(folder / "tokenizer")
        tiny.write_model(folder / "model", folder / "tokenizer", SHAPE)
        tiny.write_tokens(folder / "tokens", folder / "tokenizer", length=LENGTH, rows=ROWS)
        model, tokens = (tiny.commit(store, part, folder / part) for part in ("model", "tokens"))
        inputs = {"model": [(ArtifactType.MODEL, model)], "tokens": [(ArtifactType.TOKENS, tokens)]}
        tree = TokenTree(store.reader(tokens), "tokens")
        rows = torch.from_numpy(tree.take("train", np.arange(ROWS)).astype("int64"))
        print(
            f"{'workers':>7} {'plain torch, tokens/s':>22} {'loop without Ray: ratio':>24}"
            f" {'train.continue, tokens/s':>25} {'median ratio':>13} {'rounds':>14}"
        )
        missed: list[str] = []
        for workers in given.workers:
            rounds = [
                one_round(number, address, store, inputs, rows, folder, given, workers)
                for number in range(given.rounds)
            ]
            plain, _, ours = zip(*rounds, strict=True)
            tokens_per_step = workers * BATCH * LENGTH
            fast, slow = (tokens_per_step / statistics.median(medians) for medians in (plain, ours))
            loop = statistics.median(bare / without_ray for bare, without_ray, _ in rounds)
            ratios = [bare / stage for bare, _, stage in rounds]
            ratio, spread = statistics.median(ratios), f"{min(ratios):.3f} - {max(ratios):.3f}"
            print(f"{workers:7} {fast:22.0f} {loop:24.3f} {slow:25.0f} {ratio:13.3f} {spread:>14}", flush=True)
            missed += [f"{workers} workers"] if ratio < TARGET else []
    ray.shutdown()
    settle(missed)


if __name__ == "__main__":
    main()
