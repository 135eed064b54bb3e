"""Builds the programs of a cluster into the user's cache folder, each once for what it is built from.

Several processes may ask at once: each program has a lock, and appears whole or not at all. ``python3 -m
local_kube.building`` builds all of them with nothing but Python's standard library and Go.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_kube.components import GO, INSTALLATIONS, MODULES, Installation, Level, Program, up_to

BUILD_S = 3600
GO_ON = (
    "Programs that are built stay; once the cause is gone, python -m local_kube build in tests/cluster goes on from "
    "there. Modules come from GOPROXY (go env GOPROXY)."
)


class CannotBuild(Exception):
    """A program is not there, and cannot be built here; the text says why, and what helps."""


def cache() -> Path:
    """Where programs lie, for as long as nobody deletes them."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "bongsu" / "kube"


def program(one: Program) -> Path:
    """Where a program is or will be: its name has a digest of all that decides what is built."""
    facts = [one.package, *map("=".join, one.linked), str(one.cgo), _pins(one.module)]
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
    return cache() / "bin" / digest / one.name


def build(programs: Sequence[Program]) -> None:
    """Build what is missing of them.

    Raises:
        CannotBuild: there is no Go, one that is too old, or it failed.
    """
    missing = [one for one in programs if not program(one).exists()]
    if missing:
        _refuse_old_go(missing)
    for one in missing:
        target = program(one)
        with _turn(target):
            if not target.exists():
                _build(one, target)


def manifest(one: Installation, kubectl: Path) -> Path:
    """A file with all that ``one`` installs, made from the module that its program is built from.

    Raises:
        CannotBuild: as :func:`build`.
    """
    digest = hashlib.sha256(f"{one.path} {one.folder}\n{_pins(one.module)}".encode()).hexdigest()[:12]
    target = cache() / "manifests" / digest / f"{one.name}.yaml"
    with _turn(target):
        if not target.exists():
            _refuse_old_go([one.name])
            _go(one.module, "mod", "download", one.path)
            folder = _go(one.module, "list", "-m", "-f", "{{.Dir}}", one.path).strip()
            made = _run([str(kubectl), "kustomize", f"{folder}/{one.folder}"], Path.cwd(), {})
            part = target.with_suffix(".part")
            part.write_text(made)
            part.rename(target)
    return target


def manifests(kubectl: Path) -> dict[str, Path]:
    """By the name of what each installs."""
    return {one.name: manifest(one, kubectl) for one in INSTALLATIONS}


def build_all(level: Level) -> None:
    """Everything that a cluster of a level needs; a line for each program says how long it took."""
    for one in up_to(level):
        began, was_there = time.monotonic(), program(one).exists()
        build([one])
        print(f"{one.name}: {'was there' if was_there else f'{time.monotonic() - began:.0f} s'}", flush=True)
    manifests(next(program(one) for one in up_to(level) if one.name == "kubectl"))


def _build(one: Program, target: Path) -> None:
    linked = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in one.linked)])
    part = target.with_suffix(".part")
    settings = {"CGO_ENABLED": "1" if one.cgo else "0"}
    try:
        _go(one.module, "build", "-trimpath", "-ldflags", linked, "-o", str(part), one.package, **settings)
    except CannotBuild as error:
        raise CannotBuild(f"{one.name} was not built. {error}\n{GO_ON}") from None
    part.rename(target)


def _go(module: str, *arguments: str, **settings: str) -> str:
    """Its standard output. The files of a module's hashes are never written: what is not in them is refused."""
    return _run(["go", *arguments], MODULES / module, {"GOFLAGS": "-mod=readonly", "GOWORK": "off", **settings})


def _run(command: Sequence[str], folder: Path, settings: dict[str, str]) -> str:
    environment = {**os.environ, **settings}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_S
        )
    except subprocess.TimeoutExpired:
        raise CannotBuild(f"{' '.join(command)} in {folder} was not done after {BUILD_S} s.") from None
    if done.returncode:
        raise CannotBuild(f"{' '.join(command)} in {folder} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def _refuse_old_go(missing: Sequence[object]) -> None:
    wanted = ".".join(map(str, GO))
    names = ", ".join(one.name if isinstance(one, Program) else str(one) for one in missing)
    if shutil.which("go") is None:
        raise CannotBuild(f"{names}: not built yet, and there is no Go. Install Go {wanted} or newer.")
    found = re.search(r"go(\d+)\.(\d+)", _run(["go", "version"], Path.cwd(), {}))
    if found is None or (int(found[1]), int(found[2])) < GO:
        there = found[0] if found else "a Go that does not say its version"
        raise CannotBuild(f"{names}: not built yet, and there is {there}. Install Go {wanted} or newer.")


def _pins(module: str) -> str:
    """Everything that the folder of a module says."""
    return "\n".join(path.read_text() for path in sorted((MODULES / module).iterdir()))


@contextmanager
def _turn(target: Path) -> Iterator[None]:
    """Whoever makes this file, one at a time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        build_all(Level.NODE)
    except CannotBuild as error:
        sys.exit(str(error))
