"""The Ray that attempts run on: one that is started here, loopback only and silent, or one that already runs."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu.domain.capacity import Capacity
from bongsu.executors.local_ray.lean import lean_head
from bongsu.executors.local_ray.session_files import session_root
from bongsu.machine.memory import total_memory

# Read by Ray when it is imported or when it starts its processes.
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_metrics_collection": "0",
    # Stages are what this machine is for: Ray would give its workers way to everything else.
    "RAY_worker_niceness": "0",
    # Else Ray starts workers with itself, and waits for ever if one of them is ended before it was ready. Those that
    # are started for a task are started again; the first stage begins no later for it.
    "RAY_prestart_worker_first_driver": "0",
    # A worker that waits for its next stage keeps its imports; ten minutes instead of one second.
    "RAY_idle_worker_killing_time_threshold_ms": "600000",
}
# Only for a Ray that is started here: without it, Ray takes an address of this machine in place of 127.0.0.1 and
# listens for everybody, who could then run code. The name is history: it is about any single machine.
OWN_RAY_ENVIRONMENT = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_AUTHENTICATION = "RAY_AUTH_MODE"
_TOKEN = "RAY_AUTH_TOKEN"
_TOKEN_PATH = "RAY_AUTH_TOKEN_PATH"
KNOCK_S = 10.0
OBJECT_STORE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class RaySettings:
    """Which Ray.

    Attributes:
        address: of a running Ray (``auto`` for one on this machine); None starts one.
        cpus: how many cores to offer; None for all that this process may use.
    """

    address: str | None = None
    cpus: float | None = None


SHARING_THREADS = {"GOMP_SPINCOUNT": "3000"}
"""Threads of GNU OpenMP, which torch computes with, spin while they wait for one another, by default for milliseconds.
That takes the cores from those they wait for where other programs are at work; a short spin costs little where none
are (``tests/bench/bench_busy_machine.py``). It is read when the library is loaded, so it stands in the environment
before."""


def ray_environment(environment: Mapping[str, str], settings: RaySettings) -> dict[str, str]:
    """The environment of a process that is to :func:`connect`; what stands in it already is left as it is."""
    own = {} if settings.address else OWN_RAY_ENVIRONMENT | _secret_of(environment)
    threads = {} if "OMP_WAIT_POLICY" in environment else SHARING_THREADS
    given = dict(environment)
    if settings.address is None:
        given.pop("RAY_ADDRESS", None)  # Ray would connect to that one instead of starting one of its own
    return {**RAY_ENVIRONMENT, **own, **threads, **given}


def _secret_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What a Ray that is started here asks for at its ports, drawn for it alone; the operator's choice comes first.
    Left to itself Ray keeps one for ever in the home of the account, which a server's account may not have; it also
    writes the mode into the environment of whoever started one, so the mode alone is no choice."""
    if environment.get(_AUTHENTICATION, "token").lower() != "token":
        return {}
    has_one = _TOKEN in environment or _TOKEN_PATH in environment
    return {_AUTHENTICATION: "token"} | ({} if has_one else {_TOKEN: secrets.token_hex(32)})


def connect(settings: RaySettings, environment: Mapping[str, str]) -> Any:
    """The module ``ray``, connected; ``ray.shutdown()`` ends a Ray that was started here, and lets go of another.

    Ray's processes are told to die with the thread that started them (PR_SET_PDEATHSIG counts threads, not
    processes), so the caller's has to stay. Raises whatever Ray does.
    """
    import ray

    _keep_off_the_output(ray)
    common = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "bongsu"}
    if settings.address:
        _knock(settings.address)
        ray.init(address=settings.address, **common)
        return ray
    with lean_head():
        ray.init(
            num_cpus=settings.cpus or len(os.sched_getaffinity(0)),
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            _temp_dir=session_root(environment),
            **common,
        )
    return ray


def _knock(address: str) -> None:
    """Raise ValueError or OSError where nobody can be reached; Ray itself tries for minutes, without a word."""
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon:  # ``auto``, ``local``, and clients, which say so themselves
        return
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{address} is not HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()


def machine_capacity(settings: RaySettings) -> Capacity:
    """What a Ray that is started here offers."""
    return Capacity(
        cpus=float(settings.cpus or len(os.sched_getaffinity(0))),
        gpus=len(list(Path("/dev").glob("nvidia[0-9]*"))),
        memory=total_memory(),
        is_here=True,
    )


def capacity_of(resources: Mapping[str, float]) -> Capacity:
    """What a Ray says it has; ``resources`` as of ``ray.cluster_resources()``."""
    kind = "accelerator_type:"
    return Capacity(
        cpus=resources.get("CPU", 0.0),
        gpus=int(resources.get("GPU", 0)),
        memory=int(resources.get("memory", total_memory())),
        accelerators=tuple(name.removeprefix(kind) for name in resources if name.startswith(kind)),
    )


def _keep_off_the_output(ray: Any) -> None:
    """Ray prints errors of its daemons, such as a worker that died, to this process's standard output;
    ``log_to_driver`` does not change that. An attempt's failure says it anyway."""

    def note(data: dict[str, Any], ignore_prefix: bool = False) -> None:
        logging.getLogger("bongsu.ray").debug("%s: %s", data.get("pid"), data.get("lines"))

    ray._private.worker.print_to_stdstream = note
