"""What a stage costs the driver in a run of few and of many: ``python tests/bench/bench_many_stages.py``.

Nothing runs: attempts of a simulated executor succeed as soon as they are asked for, two at a time, on a database in
memory where there is such a place. What is counted is CPU time of the driver's steps alone, best of a few rounds. A
stage among 1,000 may take twice the time of one among 250.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from reconciler_world import World
from small_plans import plan_of, stage
from targets import settle

from bongsu.domain.capacity import Capacity
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit

BASELINE = 250
MOST = 2.0
CAPACITY = Capacity(cpus=2, gpus=0, memory=1_000_000_000_000)


def seconds_of(stages: int) -> float:
    """CPU seconds of all steps of a driver that takes a run of so many stages to its end."""
    world = World(CAPACITY)
    try:
        run = submit(world.platform, plan_of(*(stage(f"s{number}") for number in range(stages)))).run.id
        world.driver.want([run])
        took = 0.0
        while True:
            began = time.process_time()
            world.driver.step()
            took += time.process_time() - began
            if not world.cluster.live:
                break
            for attempt in world.cluster.live:
                world.cluster.succeed(attempt)
        if not show_run(world.platform, run).run.state.is_final:
            raise SystemExit(f"{run} is not over")
        return took
    finally:
        world.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", type=int, nargs="+", default=[500, 1000], help="sizes beside the baseline's")
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts")
    given = parser.parse_args()
    sizes = [BASELINE, *given.stages]
    # By turns, so that a machine that is busy for a while is so for all of them.
    rounds = [{size: seconds_of(size) / size for size in sizes} for _ in range(given.rounds)]
    best = {size: min(found[size] for found in rounds) for size in sizes}
    print(f"{'what':35} {'ms a stage':>10} {'ratio':>6} {'target':>7}")
    for size, took in best.items():
        title = f"a run of {size} stages" + (" (baseline)" if size == BASELINE else "")
        target = "" if size == BASELINE else f"<= {MOST:g}"
        print(f"{title:35} {took * 1e3:10.2f} {took / best[BASELINE]:6.2f} {target:>7}")
    settle([f"a run of {size} stages" for size in sizes if best[size] > MOST * best[BASELINE]])


if __name__ == "__main__":
    main()
