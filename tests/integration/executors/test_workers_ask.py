"""Workers on a real Ray ask a live server for leave to read, with tokens that are found nowhere."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from local_ray_harness import CPUS, ray_processes
from service_places import drive
from small_plans import stage
from starlette.types import ASGIApp, Receive, Scope, Send
from worker_places import WorkerPlace, reading

from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.pipeline import Environment
from bongsu.domain.plan import RunPlan
from bongsu.domain.worker_leave import WorkerPass
from bongsu.executors.local_ray.executor import LocalRayExecutor
from bongsu.executors.local_ray.session import RaySettings
from bongsu.executors.local_ray.session_files import session_root
from bongsu.executors.local_ray.surroundings import LocalSurroundings
from bongsu.service.submitting import submit
from bongsu.service.worker_access import passes_of
from bongsu.store.attempts import attempts_of
from bongsu.store.records import AttemptRecord
from bongsu.store.stages import stages_of

AWAY_S = 3.0


class Noted:
    """What was asked, before it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked.append(f"{scope['method']} {scope['path'].rpartition('/')[2]}")
        await self._app(scope, receive, send)


class Server:
    """The API on loopback, which can be stopped and started again at the same port."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", self._port))
        self._port = listening.getsockname()[1]
        config = uvicorn.Config(self._app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        until = time.monotonic() + 30
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)


class WatchedExecutor(LocalRayExecutor):
    """Does something between the moment at which the store has an attempt as launched and that at which it starts."""

    before_start: Callable[[], None] = staticmethod(lambda: None)

    def ensure(self, attempt: AttemptSpec) -> None:
        self.before_start()
        super().ensure(attempt)


class Live:
    """A place of two ministries, its server, and a Ray."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = WorkerPlace(folder)
        self.noted = Noted(self.place.app)
        self.server = Server(self.noted)
        self.passes: list[WorkerPass] = []
        self.lifetime: float | None = None
        surroundings = LocalSurroundings(
            logs=folder / "logs",
            environments=folder / "environments",
            ray_log=folder / "ray.log",
            environment=os.environ,
            clock=time.time,
            monotonic=time.monotonic,
            passes=self._pass,
        )
        self.executor = WatchedExecutor(surroundings, RaySettings(None, CPUS))

    def run(self, on_update: Callable[[Any], None] | None = None, **changes: Any) -> RunId:
        """A run of MND whose one stage reads the law, driven to its end; ``changes`` are of the stage."""
        return self.run_plan(reading(self.place.law, **changes), on_update)

    def run_plan(self, plan: RunPlan, on_update: Callable[[Any], None] | None = None) -> RunId:
        self.noted.asked.clear()
        platform = replace(self.place.as_("kim"), executor=lambda: self.executor)
        run = submit(platform, plan).run.id
        drive(platform, [run], on_update)
        return run

    def attempts(self, run: RunId) -> Sequence[AttemptRecord]:
        with self.place.platform.read() as connection:
            return attempts_of(connection, run)

    def _pass(self, attempt: AttemptId) -> WorkerPass:
        place = self.place
        made = passes_of(place.platform.database, place.keys, lambda: place.now, self.server.url)(attempt)
        self.passes.append(made)
        return made if self.lifetime is None else made.model_copy(update={"lifetime": self.lifetime})

    def close(self) -> None:
        self.executor.close()
        self.server.stop()
        self.place.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One Ray for the module: starting it takes longer than all that it does here."""
    made = Live(tmp_path_factory.mktemp("workers"))
    yield made
    made.close()


@pytest.fixture
def live(shared: Live) -> Iterator[Live]:
    yield shared
    shared.executor.before_start = lambda: None
    shared.lifetime = None


def probe(**params: Any) -> dict[str, Any]:
    """A stage that no other test has, so that no cache answers for it."""
    return {"params": {"text": os.urandom(4).hex(), **params}}


def places_with(secret: str, folder: Path) -> list[str]:
    """Files below a directory, and arguments and spec files of processes, in which the secret stands."""
    sought = secret.encode()
    specs = Path(tempfile.gettempdir()).glob("bongsu-*/*")
    found = [str(path) for path in (*folder.rglob("*"), *specs) if sought in _content(path)]
    return [*found, *(f"arguments of {one.pid}" for one in ray_processes() if secret in _arguments(one))]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:  # it was deleted meanwhile
        return b""


def _arguments(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.mark.parametrize("environment", [None, Environment(variables={"SHOWN": "1"})], ids=["shared", "own"])
def test_a_worker_asks_with_a_token_that_is_found_nowhere(live: Live, environment: Environment | None) -> None:
    found: list[str] = []
    looked: list[int] = []

    def look(_progress: object) -> None:
        for given in live.passes[-1:]:
            looked.append(len(ray_processes()))
            found.extend(places_with(given.token, live.folder))

    run = live.run(look, environment=environment, **probe(variable="BONGSU_WORKER_PASS", seconds=2.0, steps=10))
    (attempt,) = live.attempts(run)
    assert attempt.failure is None
    assert live.noted.asked == [f"GET {live.place.law}"]
    assert max(looked) > 3, "it was looked while Ray was at work"
    token = live.passes[-1].token
    assert found == []
    assert places_with(run, live.folder), "what is looked for is found"
    assert places_with(token, live.folder) == []
    sessions = session_root(os.environ)
    assert sessions is not None
    mine = [path for path in Path(sessions).glob("session_2*/logs/*") if path.is_file()]
    assert [str(path) for path in mine if token.encode() in path.read_bytes()] == []
    log = "\n".join(live.executor.logs(attempt.id))
    assert "probe: " in log
    assert "token" not in log, "nor is it in the environment of the stage"


def test_what_stages_before_it_made_is_asked_for_like_everything_else(live: Live) -> None:
    first = reading(live.place.law, **probe())
    for _ in range(2):  # the second time, stage a is taken from the cache
        plan = first.model_copy(update={"stages": (*first.stages, stage("b", "a", **probe()))})
        run = live.run_plan(plan)
        attempts = live.attempts(run)
        assert [one.failure for one in attempts] == [None] * len(attempts)
        with live.place.platform.read() as connection:
            made = stages_of(connection, run)[0].outputs["files"].digest
        assert live.noted.asked[-1] == f"GET {made}"
        assert len(live.noted.asked) == len(attempts)


def test_a_permit_that_is_revoked_between_launch_and_start_stops_the_worker(live: Live) -> None:
    live.executor.before_start = live.place.take_back_the_data
    run = live.run(retries=3, **probe())
    live.place.permit_data(days=200)
    (attempt,) = live.attempts(run)
    failure = attempt.failure
    assert failure is not None
    assert (failure.reason, failure.retryable) == ("NotPermitted", False)
    assert "[data.not-permitted]" in str(failure.message)
    assert "custodian" in str(failure.fix)
    log = "\n".join(live.executor.logs(attempt.id))
    assert "probe" not in log, "the stage was not begun"
    assert str(failure.message) in log


def test_a_server_that_is_started_anew_while_a_worker_starts_costs_no_attempt(live: Live) -> None:
    later: list[threading.Timer] = []

    def restart() -> None:
        live.server.stop()
        later.append(threading.Timer(AWAY_S, live.server.start))
        later[0].start()

    live.executor.before_start = restart
    begun = time.monotonic()
    run = live.run(**probe())
    later[0].join()
    (attempt,) = live.attempts(run)
    assert attempt.failure is None
    assert time.monotonic() - begun >= AWAY_S
    assert "is asked again" in "\n".join(live.executor.logs(attempt.id))


def test_a_long_attempt_renews_its_token(live: Live) -> None:
    live.lifetime = 11.0
    # Half of it is longer than what a worker waits at least between two.
    run = live.run(**probe(seconds=9.0, steps=9))
    (attempt,) = live.attempts(run)
    assert attempt.failure is None
    assert "POST token" in live.noted.asked
    # The one that it has then holds for a day.
    assert live.noted.asked.count("POST token") == 1


def test_a_token_is_no_use_when_its_attempt_is_over(live: Live) -> None:
    run = live.run(**probe())
    (attempt,) = live.attempts(run)
    answer = live.place.asks(live.passes[-1].token, attempt.id, f"inputs/{live.place.law}")
    assert answer.status_code == 401
