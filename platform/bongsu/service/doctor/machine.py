"""Is the machine fit, and is everything installed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from bongsu.domain.messages import N_
from bongsu.machine.memory import available_memory
from bongsu.service.doctor.finding import Finding

MIN_FREE_BYTES = 5_000_000_000
MIN_MEMORY_BYTES = 4_000_000_000


def python() -> Finding:
    fact = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("problem", N_("Python"), fact, N_("Use Python 3.11, 3.12 or 3.13."))
    return Finding("ok", N_("Python"), fact)


def packages() -> list[Finding]:
    found = []
    for name in ("ray", "torch", "transformers", "mlflow", "compressed-tensors"):
        try:
            found.append(Finding("ok", name, version(name)))
        except PackageNotFoundError:
            level: Literal["warning", "problem"] = "problem" if name == "mlflow" else "warning"
            found.append(
                Finding(level, name, "–", N_("Install the workers' packages: pip install 'bongsu[stages]'."))
            )
    return found


def cpus() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if usable < 2:
        return Finding("warning", N_("CPU cores"), str(usable), N_("Stages will run one after another."))
    return Finding("ok", N_("CPU cores"), str(usable))


def memory() -> Finding:
    free = available_memory()
    fact = f"{free / 1e9:.1f} GB"
    if free < MIN_MEMORY_BYTES:
        return Finding("warning", N_("Free memory"), fact, N_("Close other programs; the demo needs about 4 GB."))
    return Finding("ok", N_("Free memory"), fact)


def disk(home: Path) -> Finding:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    fact = f"{free / 1e9:.1f} GB"
    if free < MIN_FREE_BYTES:
        return Finding(
            "warning", N_("Free disk"), fact, N_("Free some space, or set BONGSU_HOME to a larger disk.")
        )
    return Finding("ok", N_("Free disk"), fact)


def shared_memory() -> Finding:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return Finding("warning", N_("Shared memory"), "–", N_("Ray will use files instead, which is slower."))
    return Finding("ok", N_("Shared memory"), f"{shutil.disk_usage(folder).free / 1e9:.1f} GB")


def gpus() -> Finding:
    nodes = sorted(Path("/dev").glob("nvidia[0-9]*"))
    return Finding("ok", N_("GPUs"), str(len(nodes)) if nodes else "0 (CPU)")


def temporary() -> Finding:
    folder = tempfile.gettempdir()
    # Ray puts Unix sockets below it, whose paths may have 107 bytes; where there is no room, they go below /tmp.
    if not os.access(folder, os.W_OK):
        return Finding(
            "warning",
            N_("Temporary directory"),
            folder,
            N_("Set TMPDIR to a directory that may be written, such as /tmp."),
        )
    return Finding("ok", N_("Temporary directory"), folder)
