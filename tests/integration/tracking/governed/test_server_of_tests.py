"""The server that these tests start ends with them, however they end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import governed_server
import psutil

STARTER = """\
import sys
from pathlib import Path

from governed_server import serving

with serving(Path(sys.argv[1]), sys.argv[2]):
    pass
"""
SOON_S = 30.0


def test_it_ends_with_whoever_started_it_and_was_ended(tmp_path: Path) -> None:
    support = str(Path(governed_server.__file__).parent)
    command = [sys.executable, "-c", STARTER, str(tmp_path), f"sqlite:///{tmp_path / 'mlflow.db'}"]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": support}) as starter:
        server = begun(starter)
        starter.terminate()
    _gone, left = psutil.wait_procs([server], timeout=SOON_S)
    for process in left:
        process.kill()
    assert left == []


def begun(starter: subprocess.Popen[bytes]) -> psutil.Process:
    """Its server, once it is a program of its own."""
    until = time.monotonic() + SOON_S
    while time.monotonic() < until:
        for child in psutil.Process(starter.pid).children():
            if governed_server.__file__ in child.cmdline():
                return child
        time.sleep(0.02)
    raise AssertionError("no server was started")
