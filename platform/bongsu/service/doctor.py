"""Checks of the machine and the installation, each with a way to mend what is wrong."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from bongsu.domain.codes import run as codes
from bongsu.domain.messages import N_
from bongsu.domain.problems import BongsuError, Problem
from bongsu.service.artifact_place import place_of, reached
from bongsu.service.home import (
    DATABASE,
    TRACKING_DATABASE,
    close_to_others,
    holds_work,
    local_home,
    prepare_home,
)

MIN_FREE_BYTES = 5_000_000_000
MIN_MEMORY_BYTES = 4_000_000_000


@dataclass(frozen=True)
class Finding:
    """One check: ``ok``, ``warning`` (works, but) or ``problem`` (will not work)."""

    level: Literal["ok", "warning", "problem"]
    subject: str
    fact: str
    fix: str = ""


def examine(home: Path) -> list[Finding]:
    """Look at everything that a run on this machine depends on. Changes nothing but a probe file in ``home``, and
    takes from others the right to look into it.

    Raises ``run.home-not-local``.
    """
    home = local_home(home)
    return [
        _python(),
        *_packages(),
        _cpus(),
        _memory(),
        _writable(home),
        _private(home),
        *_artifacts(home),
        _database(home, DATABASE, N_("Database of runs")),
        _database(home, TRACKING_DATABASE, N_("Database of MLflow")),
        _disk(home),
        _shared_memory(),
        _gpus(),
        _temporary(),
    ]


def _python() -> Finding:
    fact = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("problem", N_("Python"), fact, N_("Use Python 3.11, 3.12 or 3.13."))
    return Finding("ok", N_("Python"), fact)


def _packages() -> list[Finding]:
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


def _cpus() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if usable < 2:
        return Finding("warning", N_("CPU cores"), str(usable), N_("Stages will run one after another."))
    return Finding("ok", N_("CPU cores"), str(usable))


def _memory() -> Finding:
    import psutil

    free = psutil.virtual_memory().available
    fact = f"{free / 1e9:.1f} GB"
    if free < MIN_MEMORY_BYTES:
        return Finding("warning", N_("Free memory"), fact, N_("Close other programs; the demo needs about 4 GB."))
    return Finding("ok", N_("Free memory"), fact)


def _writable(home: Path) -> Finding:
    try:
        prepare_home(home)
        with tempfile.NamedTemporaryFile(dir=home):
            pass
    except OSError as error:
        return Finding(
            "problem", N_("State directory"), str(error), N_("Set BONGSU_HOME to a directory you may write to.")
        )
    return Finding("ok", N_("State directory"), str(home))


def _private(home: Path) -> Finding:
    found = close_to_others(home)
    subject = N_("Files that others could read")
    if found.refused:
        fix = N_("They belong to somebody else: have their owner close them, or use a directory of your own.")
        return Finding("problem", subject, str(found.refused), fix)
    if found.closed:
        fix = N_("They are closed now; think of who may have read them before.")
        return Finding("warning", subject, str(found.closed), fix)
    return Finding("ok", subject, "0")


def _artifacts(home: Path) -> list[Finding]:
    """The bucket, if the artifacts lie in one: it is reached, and an object is written, read and taken away."""
    subject = N_("Artifact store")
    try:
        place = place_of(home, os.environ)
    except BongsuError as error:
        return [_told(subject, error.problems[0])]
    if not place.is_remote:
        return []
    from bongsu.artifacts.s3.probe import examine as examine_bucket
    from bongsu.artifacts.s3.store import S3Store

    with reached(place):
        fitness = examine_bucket(S3Store.from_uri(place.uri, place.cache))
    if fitness.problems:
        return [_told(subject, problem) for problem in fitness.problems]
    skew = "–" if fitness.skew_s is None else f"{fitness.skew_s:+.0f} s"
    return [
        Finding("ok", subject, f"{place.uri} ({place.endpoint})" if place.endpoint else place.uri),
        Finding("ok", N_("Clock of the artifact store"), skew),
    ]


def _told(subject: str, problem: Problem) -> Finding:
    facts = ", ".join(str(value) for value in problem.args.values())
    return Finding("problem", subject, f"{problem.code.name}: {facts}", problem.code.fix)


def _database(home: Path, name: str, subject: str) -> Finding:
    """Every page of it is read. It is there once something was run."""
    from bongsu.store.database import check_database

    path = home / name
    if not path.exists():
        if name == DATABASE and holds_work(home):
            return Finding("problem", subject, "–", codes.DATABASE_LOST.fix)
        return Finding("ok", subject, "–")
    try:
        check_database(f"sqlite:///{path}", may_be_new=lambda: not holds_work(home))
    except BongsuError as error:
        problem = error.problems[0]
        return Finding("problem", subject, f"{path}: {problem.args['detail']}", problem.code.fix)
    return Finding("ok", subject, str(path))


def _disk(home: Path) -> Finding:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    fact = f"{free / 1e9:.1f} GB"
    if free < MIN_FREE_BYTES:
        return Finding(
            "warning", N_("Free disk"), fact, N_("Free some space, or set BONGSU_HOME to a larger disk.")
        )
    return Finding("ok", N_("Free disk"), fact)


def _shared_memory() -> Finding:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return Finding("warning", N_("Shared memory"), "–", N_("Ray will use files instead, which is slower."))
    return Finding("ok", N_("Shared memory"), f"{shutil.disk_usage(folder).free / 1e9:.1f} GB")


def _gpus() -> Finding:
    nodes = sorted(Path("/dev").glob("nvidia[0-9]*"))
    return Finding("ok", N_("GPUs"), str(len(nodes)) if nodes else "0 (CPU)")


def _temporary() -> Finding:
    folder = tempfile.gettempdir()
    # Ray puts unix sockets below the temporary directory; their paths may have at most 107 bytes.
    if len(folder.encode()) > 40:
        return Finding(
            "warning", N_("Temporary directory"), folder, N_("Set TMPDIR to a shorter path, such as /tmp.")
        )
    return Finding("ok", N_("Temporary directory"), folder)
