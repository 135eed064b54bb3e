"""A process that is ended from outside says by which signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

WAITING = """
import os, sys, time
from bongsu.cli import app, main
def wait():
    os.write(1, b"ready")
    time.sleep(60)
next(one for one in app.app.registered_commands if one.name == "runs").callback = wait
sys.argv = ["bongsu", "runs"]
main.main()
"""


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_status_is_that_of_the_signal(kind: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == b"ready"
        process.send_signal(kind)
    assert process.returncode == 128 + kind
