"""``bongsu serve`` as a process of its own, on a database with much in it, for what is measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from engineer_everywhere import PERSON
from loopback_issuer import LoopbackIssuer
from ports import free_port

from bongsu.cli.commands.serve import HOST
from bongsu.machine.processes import die_with_parent

START_S = 120.0
READY = "/readyz"


@dataclass(frozen=True)
class Bench:
    """A server with much behind it, and who asks it.

    Attributes:
        database: URL of its database.
        http: address of the server.
        token: of somebody in every ministry, cleared for S.
        runs: how many there are.
        process: the server's.
        started_s: how long its start took.
        started_mb: memory of all its processes then.
    """

    database: str
    http: str
    token: str
    runs: int
    process: psutil.Process
    started_s: float
    started_mb: float

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@contextmanager
def started(home: Path, databases: tuple[str, str], provider: LoopbackIssuer, runs: int) -> Iterator[Bench]:
    """Args: databases: the control plane's and MLflow's; home: where its files and its log lie."""
    port = free_port()
    database, mlflow_database = databases
    command = [str(Path(sys.executable).with_name("bongsu")), "--home", str(home), "serve", "--port", str(port)]
    command += ["--issuer", f"mnd={provider.url}", "--database", database, "--mlflow-database", mlflow_database]
    began = time.perf_counter()
    said = home / f"server-{port}.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env={**os.environ, "BONGSU_LANG": "en"},
            preexec_fn=die_with_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
        )
    url = f"http://{HOST}:{port}"
    try:
        while not answers(url + READY):
            if process.poll() is not None or time.perf_counter() - began > START_S:
                raise RuntimeError(said.read_text())
            time.sleep(0.02)
        started = time.perf_counter() - began
        token = provider.token(PERSON)
        itself = psutil.Process(process.pid)
        yield Bench(database, url, token, runs, itself, started, memory_of(itself))
    finally:
        process.terminate()
        process.wait(60)


def memory_of(*processes: psutil.Process) -> float:
    """Of processes and of all that they started, in MB; what several of them share is counted once (PSS)."""
    found = [one for process in processes for one in (process, *process.children(recursive=True))]
    return sum(one.memory_full_info().pss for one in found) / 1e6


def answers(url: str) -> bool:
    """Whether somebody says 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
