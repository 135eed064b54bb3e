"""What driving a thousand runs costs: ``python tests/bench/bench_reconciler.py [--runs 1000] [--seconds 60] [--earlier
100000]``.

The loop of a server that leads, on a real PostgreSQL that holds 100,000 earlier runs with ten events each, over a
simulated cluster in the same process: every run has a stage under way; each second a tenth of them report progress and
ten of them succeed, so that their next stages begin. Beside it, in the same process: the same loop with one run, in a
database that holds nothing else. Processor time of the whole process over wall time, the simulation and the thread of
the submission included. Target: less than one core.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from database_places import fresh_database
from many_runs import fill
from postgres_server import running_server
from service_places import Place
from simulated_executor import SimulatedExecutor
from small_plans import plan_of, stage
from sqlalchemy import func, select
from targets import settle

from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import AttemptId
from bongsu.domain.run import AttemptState
from bongsu.reconciler.leadership import Leadership
from bongsu.service.leading import lead
from bongsu.service.platform import Platform
from bongsu.service.submitting import submit
from bongsu.store.database import Database
from bongsu.store.schema import attempts
from bongsu.store.scope import EVERYTHING

TARGET_CORES = 1.0
STAGES = 40
SUCCEED_A_SECOND = 10
EVENTS_EACH = 10
"""Of an earlier run."""
BEGIN_S = 300.0


class Resting(SimulatedExecutor):
    """Wakes nobody: the loop looks when it would with a cluster that says nothing."""

    def wait(self, timeout_s: float) -> None:
        time.sleep(timeout_s)


class Bench:
    """A platform whose attempts begin at once and go on until they are told otherwise."""

    def __init__(self, folder: Path, database: Database) -> None:
        folder.mkdir()
        self.place = Place(folder)
        self.place.cluster.capacity = Capacity(cpus=1e6, gpus=0, memory=2**60)
        self.place.cluster._clock = time.time
        executor = Resting(self.place.cluster)
        self.platform: Platform = replace(
            self.place.platform,
            database=database,
            executor=lambda: executor,
            lock=Leadership(database),
            clock=time.time,
            scope=EVERYTHING,
        )

    def submit(self, runs: int, name: str) -> None:
        platform = replace(self.platform, scope=self.place.platform.scope)
        for number in range(runs):
            # Of equal work one does it, and the others wait.
            first = stage("s0", params={"text": f"{name} {number}"})
            stages = [first, *(stage(f"s{n}", f"s{n - 1}") for n in range(1, STAGES))]
            submit(platform, plan_of(*stages, name=f"{name}-{number}"))

    def running(self) -> int:
        query = select(func.count()).where(attempts.c.state == AttemptState.RUNNING.value)
        with self.platform.database.read(EVERYTHING) as connection:
            return int(connection.execute(query).scalar_one())

    def live(self) -> list[AttemptId]:
        return self.place.cluster.live

    @contextmanager
    def led(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=lead, args=(self.platform, stop, print))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)

    def begin(self) -> None:
        """What was asked for starts."""
        for attempt in self.live():
            if self.place.cluster.jobs[attempt].started_at is None:
                self.place.cluster.start(attempt)

    def measure(self, seconds: float, moves: bool) -> tuple[float, float]:
        """Cores, and events that were moved on a second."""
        chance = random.Random(1)
        numbers = itertools.count(1)
        begun, spent = time.monotonic(), time.process_time()
        moved = 0
        while time.monotonic() - begun < seconds:
            tick = time.monotonic()
            live = self.live()
            for attempt in chance.sample(live, len(live) // 10):
                self.place.cluster.report(attempt, next(numbers) % 1000, 1000)
            if moves:
                for attempt in chance.sample(live, min(SUCCEED_A_SECOND, len(live))):
                    self.place.cluster.succeed(attempt)
                    moved += 1
            self.begin()
            time.sleep(max(0.0, 1.0 - (time.monotonic() - tick)))
        elapsed = time.monotonic() - begun
        return (time.process_time() - spent) / elapsed, moved / elapsed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--earlier", type=int, default=100_000)
    given = parser.parse_args()
    with running_server(careless=False) as server, tempfile.TemporaryDirectory() as folder:
        with fresh_database(server) as database:
            bench = Bench(Path(folder) / "one", database)
            bench.submit(1, "one")
            with bench.led():
                _await(bench, 1)
                idle, _ = bench.measure(given.seconds / 4, moves=False)
        with fresh_database(server) as database:
            fill(database.engine.url.render_as_string(hide_password=False), given.earlier, EVENTS_EACH)
            bench = Bench(Path(folder) / "many", database)
            begun = time.monotonic()
            bench.submit(given.runs, "many")
            submitted = time.monotonic() - begun
            with bench.led():
                begun = time.monotonic()
                _await(bench, given.runs)
                print(
                    f"{given.runs} runs of {STAGES} stages beside {given.earlier:,} earlier ones: "
                    f"submitted in {submitted:.0f} s, all under way {time.monotonic() - begun:.0f} s after that"
                )
                rounds = [bench.measure(given.seconds / 3, moves=True) for _ in range(3)]
    cores = statistics.median(cores for cores, _moved in rounds)
    moved = statistics.median(moved for _cores, moved in rounds)
    told = ", ".join(f"{one:.2f}" for one, _moved in rounds)
    print(f"driving them: {cores:.2f} cores (median of {told}) with {moved:.1f} stages ending a second;")
    print(f"driving one: {idle:.2f} cores")
    settle([f"{cores:.2f} cores"] if cores >= TARGET_CORES else [])


def _await(bench: Bench, runs: int) -> None:
    deadline = time.monotonic() + BEGIN_S
    while bench.running() < runs:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{bench.running()} of {runs} runs have begun")
        bench.begin()
        time.sleep(0.2)


if __name__ == "__main__":
    main()
