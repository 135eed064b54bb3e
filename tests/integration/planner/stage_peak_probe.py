"""Runs one real stage in this process and prints what memory it took: ``stage_peak_probe.py JSON``.

The argument is ``{"store": directory, "uses": ..., "params": ..., "inputs": ..., "warm": ...}``, inputs as
``{port: [[title, type, digest], ...]}``. ``warm`` are inputs of the same kinds on a model of almost no size: the stage
runs on them first, so that what it imports and sets up is there. The answer is ``{"before": bytes, "peak": bytes,
"after": bytes}``: resident size before the stage, its highest during it (VmHWM, reset in between), and what is left.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from stage_runner import StageRunner

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult
from bongsu_stages.runtime.memory import give_back
from bongsu_stages.runtime.worker import use_threads

THREADS = 2


def resident() -> int:
    rows = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(row.split()[1]) for row in rows if row.startswith("VmRSS:"))


def named(inputs: dict[str, list[list[str]]]) -> dict[str, list[Any]]:
    return {
        port: [(title, ArtifactType(kind), digest) for title, kind, digest in given]
        for port, given in inputs.items()
    }


def run(runner: StageRunner, task: dict[str, Any], which: str) -> int:
    """Peak of the attempt. No run of that id was there before, and no checkpoint of it."""
    outcome = runner.run(task["uses"], task["params"], named(task[which]), f"r-{which}-{uuid4().hex[:8]}")
    assert isinstance(outcome, AttemptResult), f"{outcome.message}\n{outcome.detail}"
    assert outcome.peak_memory_bytes is not None
    return outcome.peak_memory_bytes


def main() -> None:
    task = json.loads(sys.argv[1])
    use_threads(THREADS)
    runner = StageRunner(LocalStore(Path(task["store"])), cpus=THREADS)
    run(runner, task, "warm")
    give_back()
    before = resident()
    peak = run(runner, task, "inputs")
    give_back()
    print(json.dumps({"before": before, "peak": peak, "after": resident()}))


if __name__ == "__main__":
    main()
