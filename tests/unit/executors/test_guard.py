"""The guard keeps one hold on each worker, for as long as it needs it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bongsu.executors.local_ray.guard import LOOK_S, RayGuard


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_worker_that_is_over_is_held_once_and_tells_how_it_ended(tmp_path: Path) -> None:
    # A process that is named as the raylet is, and a child of it that nobody asks how it ended.
    code = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    (tmp_path / "raylet").symlink_to(Path(sys.executable).resolve())
    raylet = subprocess.Popen([tmp_path / "raylet", "-c", code])
    looks = itertools.count(0.0, 2 * LOOK_S)
    try:
        while not psutil.Process(raylet.pid).children():
            time.sleep(0.01)
        (worker,) = psutil.Process(raylet.pid).children()
        watching = RayGuard(os.getpid(), lambda: next(looks))
        assert watching.death() == ""
        held = watching.worker(worker.pid)
        assert held is not None
        worker.kill()
        while worker.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        before = descriptors()
        for _look in range(20):
            assert watching.death() == ""
        assert descriptors() == before
        assert watching.worker(worker.pid) is held
        assert held.ending().is_from_outside
        assert watching.worker(None) is None
        watching.close()
    finally:
        raylet.kill()
        raylet.wait()
