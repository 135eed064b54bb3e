"""Replicas of a control plane, each a process of its own that begins within a moment.

This program loads everything once and is then forked for each replica. What a replica runs is what ``bongsu serve``
runs: the same composition root, the same routes, uvicorn, leadership and driver, on a real socket. Three things are
others: the executor is that of :mod:`far_cluster`, the tracking server is in memory, and the clock is shifted by what
stands in a file.

It reads orders from its standard input, one JSON document on a line, and answers each with a process id.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import logging
import mmap
import os
import signal
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOADED = (
    "bongsu.api.serving",
    "bongsu.service.observing.listener",
    "bongsu.store.postgres",
    "bongsu.tracking.governed.publisher",
    "bongsu.tracking.publisher",
    "far_cluster",
    "httpcore",
    "reconciler_faults",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvloop",
    "uvicorn.protocols.http.auto",
)
_SHIFT = struct.Struct("d")


class ShiftedClock:
    """Seconds since the epoch, and as many more, or less, as the file says: for a whole process."""

    def __init__(self, path: Path) -> None:
        file = os.open(path, os.O_RDONLY)
        self._shift = mmap.mmap(file, _SHIFT.size, prot=mmap.PROT_READ)
        self._real = time.time

    def __call__(self) -> float:
        (shift,) = _SHIFT.unpack(self._shift[:])
        return float(self._real() + shift)


def write_shift(path: Path, seconds: float) -> None:
    """What clocks that look at this file show from now on. The file is written where it stands: clocks map it."""
    if not path.exists():
        path.write_bytes(_SHIFT.pack(seconds))
        return
    with path.open("r+b") as file:
        file.write(_SHIFT.pack(seconds))


def _serve(order: dict[str, Any]) -> None:
    from dataclasses import replace

    from far_cluster import FarExecutor
    from reconciler_faults import GatedPublisher, Registry

    from bongsu.api import serving
    from bongsu.service.serving import ServerSettings, open_served, trusted

    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(message)s")
    listening = serving.listen("127.0.0.1", order["port"])
    settings = ServerSettings(
        home=Path(order["home"]),
        database_url=order["database"],
        # Nothing is written into it: the publisher is replaced.
        mlflow_database_url=f"sqlite:///{order['home']}/mlflow.db",
        issuers=trusted([f"mnd={order['issuer']}"], "bongsu"),
        mlflow=False,
        audit_key=order["audit"],
    )
    publisher = GatedPublisher(Registry())
    publisher.gate.set()
    executor = FarExecutor(Path(order["cluster"]))
    with open_served(settings, os.environ) as served:
        base = replace(served.plane.base, executor=lambda: executor, publisher=publisher)
        replica = replace(served, plane=replace(served.plane, base=base))
        serving.serve(replica, listening, lambda: logging.info("ready"))


def _load() -> None:
    """Everything that a replica needs, so that none has to load it again."""
    for name in _LOADED:
        importlib.import_module(name)
    from bongsu.service.catalogue import InstalledStages

    InstalledStages().require("probe")


def _fork(order: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        os.close(0)
        _serve(order)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(shift: Path) -> None:
    time.time = ShiftedClock(shift)
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: the kernel lets them go
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(f"{_fork(json.loads(line))}\n")
        answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
