"""The process that tells MLflow beside a server: what it tells, what comes back, and that it ends with its server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from governed_postgres import database_of
from governed_world import OPEN, TOLD, Told, _opened, settings, tell_everything
from sqlalchemy import create_engine, text

from bongsu.domain.publication import RegistrationRefused, RegistrationRequest, RunClosed
from bongsu.tracking.governed.apart import PublisherApart, RaisedThere
from bongsu.tracking.governed.telling import NICENESS

SERVER = """
import sys, time
from pathlib import Path
from governed_world import TOLD, _opened, settings
from bongsu.tracking.governed.apart import PublisherApart
publisher = PublisherApart(settings(Path(sys.argv[1]), sys.argv[2]))
publisher.publish([_opened(TOLD[0])])
print(publisher._process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    home = tmp_path_factory.mktemp(f"apart-{request.param}")
    with database_of(request.param, home) as database:
        yield home, database


@pytest.fixture(scope="module")
def publisher(place: tuple[Path, str]) -> Iterator[PublisherApart]:
    found = PublisherApart(settings(*place))
    tell_everything(*place, found)
    yield found
    found.close()


def counts(database: str) -> dict[str, int]:
    engine = create_engine(database)
    with engine.connect() as connection:
        asked = {name: text(f"SELECT count(*) FROM {name}") for name in ("runs", "model_versions", "logged_models")}
        found = {name: connection.execute(query).scalar_one() for name, query in asked.items()}
    engine.dispose()
    return found


def test_everything_is_told_once(publisher: PublisherApart, place: tuple[Path, str]) -> None:
    once = counts(place[1])
    tell_everything(*place, publisher)
    assert counts(place[1]) == once
    # A run and its attempt.
    assert once["runs"] == 2 * len(TOLD)
    assert once["model_versions"] == len(TOLD)


def test_a_process_that_is_killed_is_followed_by_another(
    publisher: PublisherApart, place: tuple[Path, str]
) -> None:
    """At moments in the midst of what it is told; whoever tells tries again, and nothing stands twice."""
    before = counts(place[1])
    failures = 0
    for delay in (0.0, 0.05, 0.3):
        told = Told(f"killed{delay}", "mnd", "kills", OPEN, "none")
        process = publisher._process
        assert process is not None
        threading.Timer(delay, process.kill).start()
        until = time.monotonic() + delay + 1.0
        while time.monotonic() < until:
            try:
                publisher.publish([_opened(told)])
            except ChildProcessError:
                failures += 1
    assert failures > 0
    assert counts(place[1])["runs"] == before["runs"] + 3


def test_errors_come_back_as_what_they_were(publisher: PublisherApart) -> None:
    told = TOLD[0]
    closed = RunClosed(
        run_id="r-unknown", ministry="mnd", pipeline="other", state="failed", time=_opened(told).time
    )
    with pytest.raises(RaisedThere, match="r-unknown") as raised:
        publisher.publish([closed])
    assert type(raised.value).__name__ == "MlflowException"


def test_the_registrys_no_is_a_no(publisher: PublisherApart) -> None:
    tree = {"digest": "sha256-" + "0" * 64, "type": "model", "size": 1}
    asked = RegistrationRequest.model_validate(
        {
            "key": "k",
            "run_id": TOLD[0].run_id,
            "stage_id": "register",
            "pipeline": TOLD[0].pipeline,
            "ministry": "mnd",
            "use_class": "administration",
            "name": "axk1-refused",
            "alias": "latest",  # MLflow keeps this word for itself
            "model": tree,
            "source_uri": "",
        }
    )
    with pytest.raises(RegistrationRefused, match="latest"):
        publisher.publish_registration(asked)


def test_it_gives_way_to_who_answers(publisher: PublisherApart) -> None:
    publisher.publish([])
    assert publisher._process is not None
    assert psutil.Process(publisher._process.pid).nice() >= os.nice(0) + NICENESS


def test_it_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    with database_of("sqlite", tmp_path) as database:
        command = [sys.executable, "-c", SERVER, str(tmp_path), database]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert server.stdout is not None
        telling = psutil.Process(int(server.stdout.readline()))
        server.send_signal(signal.SIGKILL)
        server.wait()
        telling.wait(20)


def test_who_closes_it_is_told_nothing_more(tmp_path: Path) -> None:
    publisher = PublisherApart(settings(tmp_path, f"sqlite:///{tmp_path / 'mlflow.db'}"))
    publisher.publish([])
    process = publisher._process
    publisher.close()
    assert process is not None
    assert process.poll() is not None
    with pytest.raises(ChildProcessError, match="server ends"):
        publisher.publish([])
