"""Ending the process that tells MLflow, at the moment at which another thread starts it."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from bongsu.artifacts.local import LocalStore
from bongsu.tracking.governed import apart
from bongsu.tracking.governed.apart import PublisherApart
from bongsu.tracking.governed.settings import GovernedSettings

SURELY_S = 0.3


@pytest.fixture
def publisher(tmp_path: Path) -> PublisherApart:
    return PublisherApart(GovernedSettings("sqlite://", tmp_path.as_uri(), lambda _tenant: LocalStore(tmp_path)))


def test_a_process_that_is_started_while_the_publisher_is_closed_is_ended(
    publisher: PublisherApart, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    closing = threading.Thread(target=publisher.close)

    def start() -> subprocess.Popen[bytes]:
        """Who closes comes when the publisher was looked at and found open, and has all the time that it wants."""
        closing.start()
        closing.join(SURELY_S)
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(["sleep", "600"], stdin=pipe, stdout=pipe, stderr=pipe))
        return started[0]

    monkeypatch.setattr(apart, "_started", start)
    asking = threading.Thread(target=publisher.publish, args=([],), daemon=True)
    monkeypatch.setattr(threading, "excepthook", lambda _raised: None)
    asking.start()
    asking.join(SURELY_S)
    closing.join(10)
    try:
        assert started[0].wait(10) != 0
    finally:
        started[0].kill()
    asking.join(10)
    assert not asking.is_alive()
    with pytest.raises(ChildProcessError, match="server ends"):
        publisher.publish([])


def test_a_publisher_that_is_closed_starts_nothing(
    publisher: PublisherApart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_started", lambda: pytest.fail("a process was started"))
    publisher.close()
    with pytest.raises(ChildProcessError, match="server ends"):
        publisher.publish([])
