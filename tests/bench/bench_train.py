"""What Ray Train and our loop cost over plain torch: ``python tests/bench/bench_train.py``.

The same model, rows, optimizer and number of processes three times: through the stage ``train.continue``
(TorchTrainer, our loop, events), as a loop of twenty lines in bare processes (gloo, DistributedDataParallel), and our
loop in bare processes, without Ray. Target: the stage reaches at least 0.97 of the plain loop's tokens per second after
the warm-up.

A machine that others share changes its pace by a tenth from one minute to the next. So all three are alive at once and
take turns of a few seconds: while one computes, the processes of the others are stopped (SIGSTOP), Ray's own among
them. Figures are those of each side's median step, and each round starts new processes, which differ by a percent or
two among themselves; the median of the rounds counts.

Where the gang takes every core, Ray's own processes (barriers, raylet, GCS server, agents) take their share from
it, and workers that exchange gradients wait for the one that was interrupted. The column of the loop without Ray tells
that share from the cost of the loop, and ``--spare-core`` too: it holds the workers on the first core and everything
else on the others.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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
# More than the turns have time for, and no more than have an event each.
STEPS = 490
PORT_OF_PLAIN, PORT_OF_LOOP = 29587, 29588
TURN_S = 4.0
PATIENCE_S = 300.0
# Of the command lines of Ray's own processes and its workers.
RAY_PARTS = re.compile(r"/ray/|ray::|TrainWorker|SynchronizationActor|Agent\b")
CORES = sorted(os.sched_getaffinity(0))


def hold_on_first_core(process: psutil.Process) -> None:
    """A worker gets the first core, any other process of this benchmark the others."""
    with contextlib.suppress(psutil.Error):
        is_worker = "TrainWorker" in " ".join(process.cmdline())
        process.cpu_affinity(CORES[:1] if is_worker else CORES[1:])
        for thread in process.threads():
            os.sched_setaffinity(thread.id, set(CORES[:1] if is_worker else CORES[1:]))


def training_params() -> TokenTrainingParams:
    params = {"microBatch": BATCH, "learningRate": 1e-3, "evaluateSequences": 0, "balanceRate": 0}
    return TokenTrainingParams.model_validate({"steps": STEPS} | params)


@dataclass(frozen=True)
class StepTimes(SilentSink):
    """Keeps the seconds of every step in an array that another process reads."""

    times: Any
    tokens: int

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        if "learning_rate" in metrics:
            self.times[step - 1] = self.tokens / metrics["tokens_per_second"]


def stage_process(
    ray_address: str,
    store: LocalStore,
    inputs: dict[str, Any],
    scratch: Path,
    given: argparse.Namespace,
    workers: int,
    times: Any,
) -> None:
    """The stage in a process that is connected to Ray, as Bongsu's workers are."""
    connect(RaySettings(address=ray_address), os.environ)
    sink = StepTimes(times, workers * BATCH * LENGTH)
    is_held = not given.spare_core

    def emit(event: StageEvent) -> None:
        nonlocal is_held
        if not isinstance(event, Progress):
            return
        if not is_held:
            for process in psutil.Process(os.getppid()).children(recursive=True):
                if process.pid != os.getpid():
                    hold_on_first_core(process)
            is_held = True
        sink.progress(event.step, event.total, **event.metrics)

    ctx = tiny.context(store, scratch, "train.continue", inputs, workers=workers, emit=emit)
    ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": scratch.name})
    continued.function(ctx, training_params())


def plain_worker(
    rank: int, workers: int, model: Path, rows: torch.Tensor, given: argparse.Namespace, times: Any
) -> None:
    """The plain loop. Every worker has one thread, as Ray gives it."""
    torch.set_num_threads(1)
    if given.spare_core:
        psutil.Process().cpu_affinity(CORES[:1])
    distributed = workers > 1
    if distributed:
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://127.0.0.1:{PORT_OF_PLAIN}", rank=rank, world_size=workers
        )
    network: nn.Module = load_model(model, dtype=torch.float32, experts_implementation="grouped_mm")
    network.train()
    wrapped = (
        nn.parallel.DistributedDataParallel(network, forward_sync_buffers=False, gradient_as_bucket_view=True)
        if distributed
        else network
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    for step in range(STEPS):
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
        if rank == 0:
            times[step] = time.perf_counter() - began


def loop_worker(
    rank: int,
    workers: int,
    store: LocalStore,
    inputs: dict[str, Any],
    scratch: Path,
    given: argparse.Namespace,
    times: Any,
) -> None:
    """The loop of the stage in a bare process, as a worker of Ray Train runs it, without checkpoints."""
    torch.set_num_threads(1)
    if given.spare_core:
        psutil.Process().cpu_affinity(CORES[:1])
    if workers > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://127.0.0.1:{PORT_OF_LOOP}", rank=rank, world_size=workers
        )
    ctx = tiny.context(store, scratch / str(rank), "train.continue", inputs, workers=workers)
    params = training_params()
    (ref,) = ctx.spec.inputs["model"]
    recipe = PackedRecipe(
        params, named_tokens(ctx, params), read_config(ctx.input("model")), ref.digest, ref.digest
    )
    gang = WorkerGroup(rank, workers, pick_device())
    model = replicate(recipe.build(store, gang), gang)
    sink = StepTimes(times, workers * BATCH * LENGTH) if rank == 0 else SilentSink()
    loop = TrainingLoop(model, recipe.open_data(store), params, gang, sink, recipe.objective(store, gang))
    loop.run(0, lambda _step: None)


class Side:
    """Processes that train, and whatever serves them, which compute only in their turns.

    Args:
        target: what each process runs.
        calls: its arguments, for one process each; the array for the seconds of steps comes after them.
        has_ray: Ray's processes belong to it.
    """

    def __init__(self, target: Callable[..., None], *calls: tuple[Any, ...], has_ray: bool = False) -> None:
        context = torch.multiprocessing.get_context("spawn")
        self._has_ray = has_ray
        self._times = context.Array("d", STEPS, lock=False)
        self._processes = [context.Process(target=target, args=(*call, self._times)) for call in calls]
        for process in self._processes:
            process.start()

    def warm_up(self) -> None:
        """Compute until the warm-up is over, and stop."""
        deadline = time.monotonic() + PATIENCE_S
        while not self._times[WARM_UP]:
            if time.monotonic() > deadline or not all(process.is_alive() for process in self._processes):
                raise RuntimeError("A side of the benchmark ended before its turn; see above.")
            time.sleep(0.1)
        self._send(signal.SIGSTOP)

    def take_turn(self) -> None:
        self._send(signal.SIGCONT)
        time.sleep(TURN_S)
        self._send(signal.SIGSTOP)

    def end(self) -> None:
        self._send(signal.SIGCONT)
        for process in self._processes:
            process.kill()
            process.join()

    @property
    def median(self) -> float:
        """Seconds of the median step after the warm-up. The first is not whole, nor those between two turns."""
        return statistics.median(seconds for seconds in self._times[WARM_UP + 1 :] if seconds)

    def _send(self, number: int) -> None:
        own = {process.pid for process in self._processes}
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.pid in own or (self._has_ray and RAY_PARTS.search(" ".join(process.cmdline()))):
                    process.send_signal(number)


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

    Every other turn they go in the opposite order.
    """
    scratch = folder / f"{workers}-{number}"
    ranks = range(workers)
    starts: list[Callable[[], Side]] = [
        lambda: Side(plain_worker, *((rank, workers, folder / "model", rows, given) for rank in ranks)),
        lambda: Side(loop_worker, *((rank, workers, store, inputs, scratch / "loop", given) for rank in ranks)),
        lambda: Side(stage_process, (address, store, inputs, scratch, given, workers), has_ray=True),
    ]
    sides: list[Side] = []
    try:
        for start in starts:
            sides.append(start())
            sides[-1].warm_up()
        for turn in range(given.turns):
            for side in sides[:: -1 if turn % 2 else 1]:
                side.take_turn()
        plain, loop, stage = (side.median for side in sides)
    finally:
        for side in sides:
            side.end()
    return plain, loop, stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=8, help="of each side in a round")
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
