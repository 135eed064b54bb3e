"""A real PostgreSQL server for MLflow's tables, on loopback, run by somebody who is not the superuser."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from mlflow_server import free_port

START_S = 60.0
_UNPRIVILEGED = ("postgres", "nobody")


def is_installed() -> bool:
    return shutil.which("initdb") is not None and shutil.which("postgres") is not None


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
