"""``bongsu mlflow`` as a process of its own, and what it answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from ports import free_port

from bongsu.machine.processes import die_with_parent

START_S = 120.0


@dataclass(frozen=True)
class PageServer:
    process: subprocess.Popen[bytes]
    port: int
    home: Path

    @property
    def key(self) -> str:
        """What its clients send as MLFLOW_TRACKING_TOKEN."""
        return (self.home / "mlflow.key").read_text().strip()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str) -> bytes:
        """What it says to a GET, as soon as it listens."""
        deadline = time.monotonic() + START_S
        while True:
            assert self.process.poll() is None, "the server ended"
            try:
                asked = Request(f"{self.address}{path}", headers={"Authorization": f"Bearer {self.key}"})
                with urlopen(asked, timeout=5) as answer:
                    return bytes(answer.read())
            except OSError:
                assert time.monotonic() < deadline, "nobody answers"
                time.sleep(0.2)

    def interrupt(self) -> None:
        """Ctrl-C, and wait until it has ended."""
        os.kill(self.process.pid, signal.SIGINT)
        self.process.wait(30)


@contextmanager
def serving_pages(home: Path, folder: Path) -> Iterator[PageServer]:
    """The server of the pages of ``home``, started in ``folder``; whatever is left of it at the end is killed."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bongsu.cli.main", "--home", str(home), "mlflow", "--port", str(port)],
        cwd=folder,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield PageServer(process, port, home)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
