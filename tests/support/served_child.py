"""A server as a process of its own: ``python served_child.py FOLDER PORT``. It serves what a place of ministries has,
takes names of people as tokens, and drives runs on a simulated cluster whose attempts go on until they are ended.

It says ``ready`` on standard output once it answers; its log goes to standard error.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from api_places import ApiPlace

from bongsu.api.serving import listen, serve
from bongsu.reconciler.lock import ServerLock
from bongsu.service.control_plane import ControlPlane
from bongsu.service.observing.log_format import LogFormat
from bongsu.service.observing.log_lines import configure_logs
from bongsu.service.observing.reconciling import Watched
from bongsu.service.observing.scrubbing import Scrubber
from bongsu.service.observing.telemetry import Telemetry
from bongsu.service.serving import Served, ServerSettings
from bongsu.store.scope import EVERYTHING

LOCK = "server.lock"


def main(folder: Path, port: int) -> None:
    configure_logs(LogFormat.JSON, Scrubber())
    place = ApiPlace(folder)
    place.fate = lambda attempt: place.cluster.start(attempt)
    place.permit_use()
    telemetry = Telemetry()
    watched = Watched(telemetry.metrics, telemetry.tracing)
    lock = ServerLock(folder / LOCK)
    base = replace(place.plane.base, lock=lock, observer=watched)
    settings = ServerSettings(home=folder, drain_s=float(os.environ.get("DRAIN", "0")))
    served = Served(ControlPlane(base, place.identify), None, settings, telemetry=telemetry)
    serve(served, listen("127.0.0.1", port), lambda: print("ready", flush=True))
    place.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
