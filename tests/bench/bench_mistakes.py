"""How long files full of mistakes take, ten times as many beside each other: ``python tests/bench/bench_mistakes.py``.

Targets: ten times as many take at most twenty times as long; what compares all with all takes a hundred times.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from targets import settle

from bongsu.domain.problems import BongsuError
from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import loads

FEW, MANY, TARGET = 500, 5_000, 20.0
RUNS = 3
HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: bench, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Measure how long mistakes take}
  stages:
"""


def unknown_keys(count: int) -> str:
    keys = ", ".join(f"k{number}: 1" for number in range(count))
    return f"{HEAD}    - {{name: a, uses: probe, with: {{{keys}}}}}\n"


def tabs(count: int) -> str:
    return HEAD + "\t- x\n" * count


def unknown_aliases(count: int) -> str:
    return HEAD + "".join(f"    - &a{number} {{name: *b{number}}}\n" for number in range(count))


def seconds(text: str) -> float:
    """Of the processor, to find all that is wrong; the best of RUNS."""
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        try:
            loads(text, "f.yaml", InstalledStages())
        except BongsuError:
            times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    seconds(unknown_keys(10))  # what is imported on the way
    kinds: list[Callable[[int], str]] = [unknown_keys, tabs, unknown_aliases]
    print(f"{'mistakes':20} {f'{FEW:,} (baseline) s':>20} {f'{MANY:,} s':>10} {'ratio':>7} {'target':>7}")
    missed = []
    for kind in kinds:
        few, many = seconds(kind(FEW)), seconds(kind(MANY))
        missed += [kind.__name__] if many > TARGET * few else []
        print(f"{kind.__name__:20} {few:20.3f} {many:10.3f} {many / few:7.1f} {TARGET:7g}")
    settle(missed)


if __name__ == "__main__":
    main()
