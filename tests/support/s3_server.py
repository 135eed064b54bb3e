"""A real S3 server for tests: versitygw, built once from the Go module proxy into the user's cache folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ports import free_port

VERSION = "v1.8.0"
MODULE = "github.com/versity/versitygw/cmd/versitygw"
START_S = 30.0


@dataclass(frozen=True)
class S3Server:
    """A running server with one bucket; ``environment`` is what boto3 reads."""

    bucket: str
    environment: dict[str, str]


def binary() -> Path:
    """The server's binary, built if need be. Skips the test where there is no Go."""
    cached = Path.home() / ".cache" / "bongsu" / "bin" / f"versitygw-{VERSION}"
    if cached.exists():
        return cached
    if shutil.which("go") is None:
        pytest.skip("needs Go to build the S3 server versitygw")
    cached.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(cached.parent), "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], check=True, env=environment, timeout=900)
    (cached.parent / "versitygw").rename(cached)
    return cached


@contextmanager
def start_server(folder: Path) -> Iterator[S3Server]:
    """A server on a free loopback port whose buckets are directories below ``folder``."""
    port = free_port()
    (folder / "data" / "bongsu").mkdir(parents=True)
    keys = {"ROOT_ACCESS_KEY": "test-key", "ROOT_SECRET_KEY": "test-secret"}
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [str(binary()), "--port", f"127.0.0.1:{port}", "posix", str(folder / "data")],
            env={**os.environ, **keys},
            stdout=log,
            stderr=log,
        )
    try:
        _wait(port, process)
        yield S3Server(
            "bongsu",
            {
                "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": keys["ROOT_ACCESS_KEY"],
                "AWS_SECRET_ACCESS_KEY": keys["ROOT_SECRET_KEY"],
                "AWS_DEFAULT_REGION": "us-east-1",
            },
        )
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"the S3 server did not start (status {process.poll()})")
