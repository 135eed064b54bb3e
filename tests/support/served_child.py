"""A server as a process of its own: ``python served_child.py FOLDER PORT``. It serves what a place of ministries has,
takes names of people as tokens, and drives runs on a simulated cluster whose attempts go on until they are ended.

It says ``ready`` on standard output once it answers; its log goes to standard error.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from api_places import ApiPlace
from service_places import PromptExecutor

from bongsu.api.serving import listen, serve
from bongsu.domain.ids import AttemptId
from bongsu.reconciler.lock import ServerLock
from bongsu.service.control_plane import ControlPlane
from bongsu.service.observing.log_format import LogFormat
from bongsu.service.observing.log_lines import configure_logs
from bongsu.service.observing.reconciling import Watched
from bongsu.service.observing.scrubbing import Scrubber
from bongsu.service.observing.telemetry import Telemetry
from bongsu.service.serving import Served, ServerSettings

LOCK = "server.lock"


class _Endless(PromptExecutor):
    """Its attempts go on, and say nothing."""

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        while follow and attempt in self._cluster.live:
            time.sleep(0.1)
        yield from ()

    def wait(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, 0.05))


def main(folder: Path, port: int) -> None:
    configure_logs(LogFormat.JSON, Scrubber())
    place = ApiPlace(folder)
    place.permit_use()
    telemetry = Telemetry()
    watched = Watched(telemetry.metrics, telemetry.tracing)
    lock = ServerLock(folder / LOCK)
    executor = _Endless(place.cluster, place.cluster.start)
    base = replace(place.plane.base, lock=lock, observer=watched, executor=lambda: executor)
    settings = ServerSettings(home=folder, drain_s=float(os.environ.get("DRAIN", "0")))
    served = Served(ControlPlane(base, place.identify), None, settings, telemetry=telemetry)
    serve(served, listen("127.0.0.1", port), lambda: print("ready", flush=True))
    place.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
