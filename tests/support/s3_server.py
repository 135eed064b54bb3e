"""A real S3 server for tests: versitygw."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from needs import lacks
from ports import free_port
from s3_program import program

START_S = 30.0


@dataclass(frozen=True)
class S3Server:
    """A running server with one bucket; ``environment`` is what boto3 reads."""

    bucket: str
    environment: dict[str, str]


def binary() -> Path:
    """The server's program. Skips the test where there is no Go to build it with; CI may not lack it."""
    found = program()
    if found is None:
        lacks("Go to build the S3 server versitygw")
    return found


@contextmanager
def start_server(folder: Path, host: str = "127.0.0.1") -> Iterator[S3Server]:
    """A server on a free port of ``host``, an address of this machine; its buckets are directories below ``folder``."""
    port = free_port(host)
    (folder / "data" / "bongsu").mkdir(parents=True)
    keys = {"ROOT_ACCESS_KEY": "test-key", "ROOT_SECRET_KEY": "test-secret"}
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [str(binary()), "--port", f"{host}:{port}", "posix", str(folder / "data")],
            env={**os.environ, **keys},
            stdout=log,
            stderr=log,
        )
    try:
        _wait(host, port, process)
        yield S3Server(
            "bongsu",
            {
                "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
                "AWS_ACCESS_KEY_ID": keys["ROOT_ACCESS_KEY"],
                "AWS_SECRET_ACCESS_KEY": keys["ROOT_SECRET_KEY"],
                "AWS_DEFAULT_REGION": "us-east-1",
            },
        )
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex((host, port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"the S3 server did not start (status {process.poll()})")
