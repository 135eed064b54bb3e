"""What ten stages that do nothing cost, one behind the other: ``python tests/bench/bench_noop_chain.py``.

(a) ``bongsu run`` as a whole process in a new home: at most 10 s, beside ``ray.init()`` as a whole process.
(b) submitted again and again in one process with Ray up: at most 1.2 s, beside ten plain Ray tasks in a Ray like it.
Every run has another text, so that nothing comes out of the cache. Medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "support"))

from targets import settle

from bongsu.domain.run import RunState
from bongsu.executors.local_ray.session import RaySettings, connect, ray_environment
from bongsu.service.driving import open_driver
from bongsu.service.embedded import open_home
from bongsu.service.planning import prepare
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit

STAGES = 10
BONGSU = Path(sys.executable).with_name("bongsu")
HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: noop-chain, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Measure what a chain of stages costs}
  stages:
"""


def write_chain(path: Path, text: str) -> Path:
    """A pipeline file of ``STAGES`` probes, each behind the other."""
    rows = []
    for number in range(STAGES):
        rows.append(f"    - name: s{number}\n      uses: probe\n      with: {{text: {text} {number}}}\n")
        if number:
            rows.append(f"      inputs: {{after: s{number - 1}.files}}\n")
    path.write_text(HEAD + "".join(rows))
    return path


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def call(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout}{done.stderr}")


def cold(folder: Path, runs: int) -> tuple[float, float]:
    """Medians of ``bongsu run`` and of ``ray.init()``, each as a whole process, by turns."""
    ours, baseline = [], []
    for number in range(runs):
        file = write_chain(folder / f"cold-{number}.yaml", f"cold {number}")
        home = folder / f"home-{number}"
        ours.append(
            timed(lambda file=file, home=home: call([str(BONGSU), "--home", str(home), "run", str(file)], folder))
        )
        baseline.append(timed(lambda: call([sys.executable, "-c", "import ray; ray.init()"], folder)))
    return statistics.median(ours), statistics.median(baseline)


def warm(folder: Path, runs: int) -> tuple[float, float, float]:
    """Medians of a run from its file to SUCCEEDED, of ten plain Ray tasks, and of the delivery to MLflow."""
    platform = open_home(folder / "warm", os.environ)
    ours, delivered = [], []
    try:
        with open_driver(platform) as driving:
            driver, delivery = driving.driver, driving.delivery
            for number in range(runs + 1):
                file = write_chain(folder / "warm.yaml", f"warm {number}")

                def run(file: Path = file) -> None:
                    submitted = submit(platform, prepare(platform, file, {}).plan).run.id
                    driver.run([submitted])
                    if show_run(platform, submitted).run.state is not RunState.SUCCEEDED:
                        raise SystemExit(f"{submitted} did not succeed")

                ours.append(timed(run))
                delivered.append(timed(lambda: delivery.drain(120)))
    finally:
        platform.close()
    baseline = plain_chains(runs + 1)
    return statistics.median(ours[1:]), statistics.median(baseline[1:]), statistics.median(delivered[1:])


def plain_chains(count: int) -> list[float]:
    """How long each of so many plain chains takes, in a Ray as the executor starts it."""
    settings = RaySettings()
    os.environ.update(ray_environment(os.environ, settings))
    ray = connect(settings, os.environ)
    try:
        return [timed(lambda: plain_chain(ray)) for _ in range(count)]
    finally:
        ray.shutdown()


def plain_chain(ray: Any) -> None:
    """Ten Ray tasks, each with the result of the one before."""
    task = ray.remote(lambda before: before + 1)
    value = 0
    for _ in range(STAGES):
        value = ray.get(task.remote(value))
    assert value == STAGES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", type=int, default=3, help="whole processes to start")
    parser.add_argument("--warm", type=int, default=7, help="runs with Ray up")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: list[tuple[str, float, float | None]] = []
        if given.warm:
            ours, plain, delivered = warm(folder, given.warm)
            rows.append(("10 plain Ray tasks, Ray up (baseline)", plain, None))
            rows.append(("10 stages, Ray up: file to SUCCEEDED", ours, 1.2))
            rows.append(("  its delivery to MLflow afterwards", delivered, None))
        if given.cold:
            ours, plain = cold(folder, given.cold)
            rows.append(('python -c "import ray; ray.init()" (baseline)', plain, None))
            rows.append(("bongsu run, 10 stages, new home", ours, 10.0))
    print(f"{'what':50} {'median s':>9} {'target s':>9}")
    for title, took, target in rows:
        print(f"{title:50} {took:9.3f} {target if target else '':>9}")
    settle([title for title, took, target in rows if target and took > target])


if __name__ == "__main__":
    main()
