"""A real server in a process of its own, as a test asks it over sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from ports import free_port

HERE = Path(__file__).parent
END_S = 40.0


@dataclass
class ServedProcess:
    """Attributes:
    process: of ``served_child.py``.
    port: at which it answers.
    log: file with its log.
    """

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, person: str = "kim", **settings: object) -> httpx.Client:
        headers = {"Authorization": f"Bearer {person}", "Accept-Language": "en"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30, **settings)  # type: ignore[arg-type]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask_to_end(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> float:
        """Until it has ended; seconds that it took."""
        began = time.monotonic()
        self.process.wait(END_S)
        return time.monotonic() - began


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[ServedProcess]:
    """Until the end of the block; then it is killed if it still runs."""
    port, log = free_port(), folder / "server.log"
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "served_child.py"), str(folder), str(port)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, **environment},
        )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", log.read_text()[-3000:]
        yield ServedProcess(process, port, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
