"""A real PostgreSQL server for MLflow's tables, on loopback, run by somebody who is not the superuser."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mlflow_server import free_port

START_S = 60.0
_UNPRIVILEGED = ("postgres", "nobody")


@contextmanager
def database_of(kind: str, home: Path) -> Iterator[str]:
    """The address of an empty database for MLflow, of ``sqlite`` or ``postgresql``; for a fixture, which is skipped
    where the server is not installed, as CI never is."""
    if kind == "sqlite":
        yield f"sqlite:///{home / 'mlflow.db'}"
        return
    if shutil.which("initdb") is None or shutil.which("postgres") is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres() as address:
        yield address


def told_by(script: str, kind: str, home: Path) -> dict[str, Any]:
    """What a module of this folder says in a process of its own, as JSON in its last line: MLflow's stores are one for
    each process."""
    with database_of(kind, home) as database:
        command = [sys.executable, str(Path(__file__).with_name(script)), str(home), database]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database; everything is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-pg-"))
    user = _somebody()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    as_user = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data, port = folder / "data", free_port()
    subprocess.run(
        ["initdb", "-D", str(data), "-U", "bongsu", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
        cwd=folder,
        check=True,
        capture_output=True,
        **as_user,  # type: ignore[call-overload]
    )
    command = ["postgres", "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-F"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **as_user)  # type: ignore[call-overload]
    try:
        _await(port)
        yield f"postgresql+psycopg://bongsu@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _somebody() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as the superuser."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("nobody is there to run PostgreSQL as")


def _await(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="bongsu", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.1)
