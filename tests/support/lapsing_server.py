"""A server in a process of its own, with MLflow and service accounts, whose clock a test moves on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ports import free_port

_AHEAD = "seconds-ahead"


@dataclass(frozen=True)
class LapsingServer:
    """Attributes:
    url: without a path.
    """

    url: str
    home: Path

    def go_on(self, seconds: float) -> None:
        """Let so much time pass on its clock."""
        beside = self.home / f"{_AHEAD}.new"
        beside.write_text(str(_ahead(self.home) + seconds))
        beside.replace(self.home / _AHEAD)


@contextmanager
def lapsing_server(home: Path, issuer: str) -> Iterator[LapsingServer]:
    """Args:
    home: in which a ministry MND was founded.
    issuer: of its people.
    """
    port, log = free_port(), home / "server.log"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, __file__, str(home), str(port), issuer],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", log.read_text()[-3000:]
        yield LapsingServer(f"http://127.0.0.1:{port}", home)
    finally:
        process.kill()
        process.communicate()


def _ahead(home: Path) -> float:
    try:
        return float((home / _AHEAD).read_text())
    except FileNotFoundError:
        return 0.0


def main(home: Path, port: int, issuer: str) -> None:
    from bongsu.api.serving import application, listen
    from bongsu.service import serving
    from bongsu.service.serving import ServerSettings, open_served, trusted

    opened_at_home = serving.open_home
    serving.open_home = lambda *words: replace(  # type: ignore[assignment]
        opened_at_home(*words), clock=lambda: time.time() + _ahead(home)
    )
    chosen = ServerSettings(
        home=home,
        issuers=trusted([f"mnd={issuer}"], "bongsu"),
        service_issuer=f"http://127.0.0.1:{port}/services",
        leads=False,
    )
    import uvicorn

    listening = listen("127.0.0.1", port)
    with open_served(chosen, {}) as opened:
        app = application(opened)
        listening.listen()
        print("ready", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off")).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
