"""The server's application as a process of its own, MLflow and API in one, with the people of ``governed_world``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
from ports import free_port

from bongsu.machine.processes import die_with_parent

if TYPE_CHECKING:
    from bongsu.tracking.governed.row_filter import RowFilter

START_S = 120.0
UNRECORDABLE = "unrecordable"
"""Requests with this word in their query are refused by who keeps the log; so are changes with it in their number."""


@dataclass(frozen=True)
class GovernedServer:
    """Attributes:
    address: of MLflow, such as ``http://127.0.0.1:5000/mlflow``.
    start_s, resident_mib: until it was ready to serve, and what it takes of memory then.
    pid: of the server.
    """

    address: str
    home: Path
    start_s: float
    resident_mib: float
    client: httpx.Client
    pid: int

    @property
    def plane(self) -> Path:
        """The folder of its control plane; servers that share a home have one each."""
        return _plane(self.home, httpx.URL(self.address).port or 0)

    def ask(self, method: str, path: str, token: str | None = None, **rest: Any) -> httpx.Response:
        headers = dict(rest.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.request(method, f"{self.address}{path}", headers=headers, **rest)


def _plane(home: Path, port: int) -> Path:
    return home / f"plane-{port}"


@contextmanager
def serving(home: Path, database: str, *, unfiltered: bool = False) -> Iterator[GovernedServer]:
    """Args: unfiltered: with the row filter switched off, to see that it was needed."""
    port = free_port()
    environment = {**os.environ, "PYTEST_CURRENT_TEST": "", "PYTHONPATH": str(Path(__file__).parent)}
    environment.pop("PYTEST_CURRENT_TEST")
    command = [sys.executable, __file__, str(home), database, str(port), "off" if unfiltered else "on"]
    with (home / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
        )
    address = f"http://127.0.0.1:{port}/mlflow"
    try:
        _await(process, address, home / f"server-{port}.log")
        ready = json.loads((home / f"ready-{port}.json").read_text())
        with httpx.Client(timeout=60) as client:
            yield GovernedServer(address, home, ready["start_s"], ready["resident_mib"], client, process.pid)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _await(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def main(home: Path, database: str, port: int, mode: str) -> None:
    began = time.monotonic()
    from governed_plane import plane_at
    from governed_world import settings, tell_everything

    from bongsu.api.serving import application
    from bongsu.service import mlflow_mount
    from bongsu.service.mlflow_mount import mounted
    from bongsu.service.serving import Served, ServerSettings
    from bongsu.tracking.governed.publisher import GovernedPublisher
    from bongsu.tracking.governed.settings import prepared_environment
    from bongsu.tracking.governed.viewer import Visit

    async def note(visit: Visit) -> None:
        if UNRECORDABLE in visit.query:
            raise OSError("the disk is full")
        with (home / "shown.jsonl").open("a") as file:
            shown = [[one.object, str(one.label)] for one in visit.shown]
            file.write(json.dumps({"workspace": visit.workspace, "status": visit.status, "shown": shown}) + "\n")
        with (home / "visits.txt").open("a") as file:
            who = visit.viewer.id if visit.viewer else "nobody"
            file.write(
                f"{who} {visit.workspace or '-'} {visit.method} {visit.route} {visit.query} {visit.status}\n"
            )

    record_changes = mlflow_mount.record_changes

    def record(platform: Any, viewer: Any, workspace: str, changed: Any, request: str) -> None:
        if UNRECORDABLE in request:
            raise OSError("the disk is full")
        record_changes(platform, viewer, workspace, changed, request)

    mlflow_mount.record_changes = record
    given = replace(settings(home, database), note=note)
    (folder := _plane(home, port)).mkdir()
    plane = plane_at(folder)
    import psutil
    import uvicorn

    with prepared_environment(given), attached() as filters, mounted(plane, given) as app:
        start_s = time.monotonic() - began
        resident = psutil.Process().memory_info().rss / 2**20
        if not (home / "told").exists():
            tell_everything(home, database, GovernedPublisher(given))
            (home / "told").touch()
        if mode == "off":
            filters[0].detach()
        (home / f"ready-{port}.json").write_text(json.dumps({"start_s": start_s, "resident_mib": resident}))
        # As `bongsu serve` makes it, with room for tests that ask without end.
        chosen = ServerSettings(home, leads=False, requests_a_minute=10**6)
        uvicorn.run(application(Served(plane, None, chosen, app)), host="127.0.0.1", port=port, log_level="error")


@contextmanager
def attached() -> Iterator[list[RowFilter]]:
    """The filters that are attached within the block."""
    from bongsu.tracking.governed.row_filter import RowFilter

    found: list[RowFilter] = []
    attach = RowFilter.attach

    def note(row_filter: RowFilter) -> None:
        attach(row_filter)
        found.append(row_filter)

    with patch.object(RowFilter, "attach", note):
        yield found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
