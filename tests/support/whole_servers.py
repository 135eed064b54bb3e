"""Replicas that are ``bongsu serve`` itself, in processes of their own: with Ray and MLflow, as they are installed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import far_cluster
import psutil
from governed_places import GovernedPlace
from loopback_issuer import running_issuer
from ports import free_port
from replicas import CAPACITY, SITE, Replica, Site, enter
from simulated_executor import SimulatedCluster

from bongsu.artifacts.local import LocalStore
from bongsu.service.audit.keys import draw_site_key
from bongsu.service.home import SITE_KEY
from bongsu.service.issuing.issuer import ATTEMPT_KEYS
from bongsu.service.signing_keys import KeyUse, signing_keys
from bongsu.store.database import open_database

# What replicas share besides the databases: a volume that each of them mounts into its home.
SHARED = ("artifacts", "logs", "mlflow-files")


class Commands:
    """Starts what is ordered as a program of its own, and lets go of it when it has ended."""

    def __init__(self, folder: Path) -> None:
        self.shift = folder / "shift"

    def bear(self, order: str) -> int:
        told = json.loads(order)
        with open(told["log"], "ab") as log:  # noqa: PTH123
            environment = {name: value for name, value in os.environ.items() if not name.startswith("BONGSU_")}
            process = subprocess.Popen(
                told["command"], stdout=log, stderr=log, env=environment | {"BONGSU_LANG": "en"}, cwd=told["home"]
            )
        threading.Thread(target=process.wait, daemon=True).start()
        return process.pid


@contextmanager
def whole_site(url: str, mlflow_url: str, folder: Path, count: int = 2) -> Iterator[Site]:
    """Replicas with homes of their own, ready to serve; each may lead.

    Args:
        url: of a migrated database.
        mlflow_url: of an empty one.
        folder: for everything else.
        count: of replicas.
    """
    shared = folder / "shared"
    for name in (*SHARED, "artifacts/mnd"):
        (shared / name).mkdir(parents=True, exist_ok=True)
    draw_site_key(shared / SITE_KEY, SITE)
    signing_keys(shared, KeyUse.ATTEMPTS, time.time).ring()  # makes the file
    (folder / "artifacts").symlink_to(shared / "artifacts" / "mnd")
    database = open_database(url)
    replicas: list[Replica] = []
    with running_issuer() as issuer:
        place = GovernedPlace(folder, database, time.time())
        enter(place, issuer)
        place.permit_use()
        try:
            for number in range(count):
                replicas.append(
                    _replica(Commands(folder), [url, mlflow_url, f"mnd={issuer.url}"], folder, shared, number)
                )
                replicas[-1].start()
            for one in replicas:
                one.await_ready()
            cluster = SimulatedCluster(LocalStore(shared / "artifacts" / "mnd"), CAPACITY, time.time)
            idle = far_cluster.Workers(cluster, threading.RLock(), random.Random(0))
            yield Site(place, url, shared, replicas[0].bearer, issuer, cluster, idle, replicas)
        finally:
            for one in replicas:
                if one.pid:
                    one.kill()
            database.close()


def _replica(bearer: Commands, urls: list[str], folder: Path, shared: Path, number: int) -> Replica:
    home, port = folder / f"replica-{number}", free_port()
    home.mkdir(mode=0o700)
    for name in (*SHARED, ATTEMPT_KEYS):
        (home / name).symlink_to(shared / name)
    command = [sys.executable, "-m", "bongsu.cli.main", "--home", str(home), "serve", "--port", str(port)]
    command += ["--site", SITE, "--audit-key", str(shared / SITE_KEY)]
    for option, value in zip(("--database", "--mlflow-database", "--issuer"), urls, strict=True):
        command += [option, value]
    log = folder / f"replica-{number}.log"
    order = {"command": command, "log": str(log), "home": str(home)}
    return Replica(bearer, f"replica-{number}", home, port, log, json.dumps(order))


def left_behind(folder: Path) -> list[str]:
    """Processes that work in a directory below ``folder``, or name it."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        told = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if any(str(folder) in word for word in told) and process.pid != os.getpid():
            found.append(f"{process.pid} {' '.join(told)[:200]}")
    return found
