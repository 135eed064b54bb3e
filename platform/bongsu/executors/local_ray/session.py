"""The Ray that this process uses: started in the background, loopback only, silent; or one that already runs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from bongsu.executors.base import Capacity
from bongsu.executors.local_ray.lean import lean_head
from bongsu.executors.local_ray.session_files import session_root

# Read by Ray when it is imported or when it starts its processes.
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_metrics_collection": "0",
    # Stages are what this machine is for: Ray would give its workers way to everything else.
    "RAY_worker_niceness": "0",
    # A worker that waits for its next stage keeps its imports; ten minutes instead of one second.
    "RAY_idle_worker_killing_time_threshold_ms": "600000",
}
# Only for a Ray that is started here: without it, Ray takes an address of this machine in place of 127.0.0.1 and
# listens for everybody, who could then run code. The name is history: it is about any single machine.
OWN_RAY_ENVIRONMENT = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
OBJECT_STORE_BYTES = 200 * 1024 * 1024


class RaySession:
    """Starts Ray once, without making the caller wait.

    Args:
        address: of a running Ray (``auto`` for one on this machine); None starts one for this process.
        cpus: how many cores to offer; None for all that this process may use.
    """

    def __init__(self, address: str | None = None, cpus: float | None = None) -> None:
        self._address = address
        self._cpus = cpus
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._owns = False

    def start(self) -> None:
        """Begin to start Ray; returns at once, and does nothing the second time."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._start, name="ray-start", daemon=True)
                self._thread.start()

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    def capacity(self) -> Capacity:
        """What a Ray that is started here offers, or what the one that already runs says it has.

        The latter is waited for; if it cannot be reached, this machine's figures let attempts fail with the reason.
        """
        if self._address:
            self.start()
            self._ready.wait()
            if self._error is None:
                return _capacity_of(self.ray().cluster_resources())
        return Capacity(
            cpus=float(self._cpus or len(os.sched_getaffinity(0))),
            gpus=len(list(Path("/dev").glob("nvidia[0-9]*"))),
            memory=psutil.virtual_memory().total,
        )

    def ray(self) -> Any:
        """The ``ray`` module, once it runs. Raises what starting it raised."""
        self.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        import ray

        return ray

    def stop(self) -> None:
        """Disconnect; a Ray that was started here ends, one that already ran goes on."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()

    def _start(self) -> None:
        for name, value in {**RAY_ENVIRONMENT, **({} if self._address else OWN_RAY_ENVIRONMENT)}.items():
            os.environ.setdefault(name, value)
        try:
            import ray

            self._connect(ray)
        except BaseException as error:
            self._error = error
            self._ready.set()
            return
        self._ready.set()
        # Ray's processes are told to die with the thread that started them (PR_SET_PDEATHSIG counts threads, not
        # processes), so this one stays until the session ends.
        self._stop.wait()
        if self._owns:
            ray.shutdown()

    def _connect(self, ray: Any) -> None:
        if ray.is_initialized():
            return
        self._owns = True
        _keep_off_the_output(ray)
        common = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "bongsu"}
        if self._address:
            ray.init(address=self._address, **common)
            return
        with lean_head():
            ray.init(
                num_cpus=self._cpus or len(os.sched_getaffinity(0)),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _node_ip_address="127.0.0.1",
                _temp_dir=session_root(),
                **common,
            )


def _capacity_of(resources: Mapping[str, float]) -> Capacity:
    kind = "accelerator_type:"
    return Capacity(
        cpus=resources.get("CPU", 0.0),
        gpus=int(resources.get("GPU", 0)),
        memory=int(resources.get("memory", psutil.virtual_memory().total)),
        accelerators=tuple(name.removeprefix(kind) for name in resources if name.startswith(kind)),
    )


def _keep_off_the_output(ray: Any) -> None:
    """Ray prints errors of its daemons, such as a worker that died, to this process's standard output, where JSON or
    a progress display may go; ``log_to_driver`` does not change that. An attempt's failure says it anyway."""

    def note(data: dict[str, Any], ignore_prefix: bool = False) -> None:
        logging.getLogger("bongsu.ray").debug("%s: %s", data.get("pid"), data.get("lines"))

    ray._private.worker.print_to_stdstream = note
