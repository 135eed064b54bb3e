"""A small training loop beside other programs, with the wait of OpenMP's threads that Bongsu sets and without.

Each row is a process of its own with as many threads as there are cores; beside it run no or as many busy processes.
``python tests/bench/bench_busy_machine.py``
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from statistics import median

from bongsu.executors.local_ray.session import SHARING_THREADS

SECONDS, REPEATS = 4, 3
CORES = len(os.sched_getaffinity(0))
LOOP = f"""
import time, torch
torch.set_num_threads({CORES})
x = torch.randn(512, 128)
weights = [torch.randn(128, 128, requires_grad=True) for _ in range(12)]
def step():
    y = x
    for weight in weights:
        y = torch.tanh(y @ weight)
    y.sum().backward()
step()
began, count = time.monotonic(), 0
while time.monotonic() < began + {SECONDS}:
    step()
    count += 1
print(count / (time.monotonic() - began))
"""


def steps_per_second(settings: dict[str, str], busy: int) -> float:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    with ExitStack() as others:
        for _ in range(busy):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            others.callback(process.wait)
            others.callback(process.kill)
        done = subprocess.run(
            [sys.executable, "-c", LOOP], env=plain | settings, check=True, capture_output=True, text=True
        )
    return float(done.stdout)


def main() -> None:
    print(f"{'beside':24}{'OpenMP as it is':>18}{'as Bongsu sets it':>20}{'ratio':>8}")
    for busy in (0, CORES):
        measured = [(steps_per_second({}, busy), steps_per_second(SHARING_THREADS, busy)) for _ in range(REPEATS)]
        default, ours = (median(column) for column in zip(*measured, strict=True))
        print(f"{f'{busy} busy processes':24}{default:>14.1f} /s{ours:>16.1f} /s{ours / default:>8.2f}")


if __name__ == "__main__":
    main()
