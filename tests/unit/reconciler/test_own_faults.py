"""Mistakes of ours are called so, leave their traceback in the log, are counted, and stop nothing else."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deliveries import IMPATIENT, Server, Store, closed, opened, put
from reconciler_world import World
from small_plans import plan_of, stage

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.mistakes import MistakeThere
from bongsu.domain.run import RunState
from bongsu.domain.tenants import HOME
from bongsu.reconciler import driver as driving
from bongsu.reconciler.backend import Backend
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.observing import Unobserved
from bongsu.reconciler.own_faults import OwnFaults
from bongsu.reconciler.tracking_line import Answer, TrackingLine
from bongsu.service.observing.log_format import LogFormat
from bongsu.service.observing.log_lines import LineFormatter
from bongsu.service.observing.scrubbing import Scrubber
from bongsu.service.submitting import submit
from bongsu.store import outbox
from bongsu.store.database import Database
from bongsu.tracking import registry
from bongsu.tracking.governed.apart import RaisedThere, raised
from bongsu.tracking.governed.publisher import GovernedPublisher
from bongsu.tracking.governed.telling import Publish, answer

BUGS = [TypeError("a-bug"), KeyError("a-bug"), ValueError("a-bug"), RuntimeError("a-bug")]


class Counting(Unobserved):
    """Counts faults."""

    def __init__(self) -> None:
        self.faults = 0

    def failed(self) -> None:
        self.faults += 1


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def world(counting: Counting) -> Iterator[World]:
    made = World(observer=counting)
    yield made
    made.close()


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The places of faults that the log has with their tracebacks."""
    return [
        record.facts["where"]
        for record in caplog.records
        if record.name == "bongsu.reconciler" and record.exc_info and record.levelno == logging.ERROR
    ]


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_given: object, **_named: object) -> None:
        raise error

    return fail


# -- a run -----------------------------------------------------------------------------------------------------


def test_a_mistake_over_some_runs_is_called_so_and_others_go_on(
    world: World, counting: Counting, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {submit(world.elsewhere, plan_of(stage(name), name=name)).run.id for name in ("a", "b")}
    sound = submit(world.elsewhere, plan_of(stage("c"))).run.id
    decide = driving.decide

    def deciding(facts: Any, *given: Any) -> Any:
        if facts.run.id in broken:
            raise KeyError("a-bug")
        return decide(facts, *given)

    monkeypatch.setattr(driving, "decide", deciding)
    world.driver.want([*broken, sound], each_counts=False)
    for _ in range(20):
        world.driver.step()
        for attempt in world.cluster.live:
            world.cluster.succeed(attempt)
    assert world.driver.facts[sound].run.state is RunState.SUCCEEDED
    assert {str(why) for why in world.driver.aside.values()} == {"a fault of Bongsu; report it: KeyError: 'a-bug'"}
    assert counting.faults == 2
    assert tracebacks(caplog) == ["a step of a run"], "of one kind once"
    assert "in deciding" in caplog.text, "where it came from"


# -- the executor ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bug", BUGS, ids=repr)
def test_a_mistake_in_an_executor_is_no_silence(
    counting: Counting, caplog: pytest.LogCaptureFixture, bug: Exception
) -> None:
    class Broken:
        def __getattr__(self, _name: str) -> Callable[..., Any]:
            return raising(bug)

    backend = Backend(Broken, lambda: 0.0, OwnFaults(counting))  # type: ignore[arg-type]
    attempt = AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("a"), number=1)
    for _ in range(3):
        backend.observe([attempt])
    assert "does not answer" not in str(backend.trouble)
    assert "a fault of Bongsu; report it" in str(backend.trouble)
    assert "a-bug" in str(backend.trouble)
    assert counting.faults == 3
    assert tracebacks(caplog) == ["a call of the executor, observe"]
    backend.stop(attempt)
    assert tracebacks(caplog)[1:] == ["a call of the executor, stop"], "another place"


def test_a_silent_executor_is_no_mistake(counting: Counting, caplog: pytest.LogCaptureFixture) -> None:
    class Silent:
        capacity = staticmethod(raising(TimeoutError("down")))

    backend = Backend(Silent, lambda: 0.0, OwnFaults(counting))  # type: ignore[arg-type]
    assert backend.capacity() is None
    assert "the executor does not answer" in str(backend.trouble)
    assert counting.faults == 0
    assert tracebacks(caplog) == []


# -- the tracking server ---------------------------------------------------------------------------------------


def no_ministry() -> None:
    """A mistake by a line of ours: on a server every run has one."""
    with GovernedPublisher(None)._writing(""):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    "act", [no_ministry, raising(TypeError("wrong"))], ids=["by a line of ours", "by its kind"]
)
def test_a_mistake_on_the_way_to_the_server_is_not_laid_to_it_nor_tried_again_at_once(
    counting: Counting, caplog: pytest.LogCaptureFixture, act: Callable[[], None]
) -> None:
    line = TrackingLine(IMPATIENT, OwnFaults(counting))
    assert line.call(act) is Answer.FAULT
    assert line.trouble == ""
    assert "a fault of Bongsu" in str(line.fault)
    assert (counting.faults, tracebacks(caplog)) == (1, ["a call of MLflow"])
    assert line.call(lambda: None) is Answer.YES
    assert line.fault == ""


@pytest.mark.parametrize(
    "act",
    [
        raising(ConnectionError("down")),
        raising(KeyError("a client library makes of an odd answer what it likes")),
        lambda: registry._link(Path("/nowhere/a"), Path("/dev/null/b")),
        lambda: json.loads("<html>"),
    ],
    ids=["network", "library", "a disk in a line of ours", "no JSON"],
)
def test_what_a_server_a_library_or_a_disk_does_is_the_servers_trouble(
    counting: Counting, act: Callable[[], None]
) -> None:
    line = TrackingLine(IMPATIENT, OwnFaults(counting))
    assert line.call(act) is Answer.NONE
    assert line.trouble != ""
    assert (line.fault, counting.faults) == ("", 0)


class ThereBroken:
    """The publisher of the process that tells MLflow."""

    def __init__(self, error: Exception) -> None:
        self.publish = raising(error)


@pytest.mark.parametrize(
    ("error", "kind"), [(TypeError("a-bug"), MistakeThere), (KeyError("an odd answer"), RaisedThere)]
)
def test_a_mistake_in_the_process_that_tells_mlflow_comes_with_its_traceback(
    counting: Counting, caplog: pytest.LogCaptureFixture, error: Exception, kind: type[Exception]
) -> None:
    line = Publish(items=(opened("r-1"),)).model_dump_json().encode()
    came = raised(answer(lambda: ThereBroken(error), line))  # type: ignore[arg-type, return-value]
    assert isinstance(came, kind)
    assert type(came).__name__ == type(error).__name__
    is_ours = kind is MistakeThere
    assert TrackingLine(IMPATIENT, OwnFaults(counting)).call(raising(came)) is (
        Answer.FAULT if is_ours else Answer.NONE
    )
    assert ("publisher.publish(asked.items)" in caplog.text) is is_ours, "where it came from, there"


@pytest.fixture
def deliver(database: Database, store: Store, counting: Counting) -> Iterator[Callable[[Server], Delivery]]:
    made: list[Delivery] = []

    def make(server: Server) -> Delivery:
        delivery = Delivery(database, server, lambda _tenant: store, IMPATIENT, observer=counting)
        made.append(delivery)
        return delivery

    yield make
    for one in made:
        one.close()


def test_an_item_over_which_a_mistake_is_made_holds_up_no_other_and_says_so(
    database: Database, deliver: Callable[[Server], Delivery], counting: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    put(database, opened("r-1"), opened("r-2"), closed("r-2"))
    bugs = [TypeError("a-bug")]

    def first_only() -> None:
        if bugs:
            raise bugs.pop()

    server = Server(first_only)
    delivery = deliver(server)
    assert delivery.drain(20) == 1
    assert server.heard == ["r-2", "r-2/closed"]
    assert "MLflow does not answer" not in str(delivery.trouble)
    assert "a fault of Bongsu; report it: TypeError: a-bug" in str(delivery.trouble)
    assert (counting.faults, tracebacks(caplog)) == (1, ["a call of MLflow"])
    assert delivery.drain(20) == 0
    assert server.heard[-1] == "r-1"
    assert delivery.trouble == ""


def test_the_thread_outlives_a_mistake_and_tells_of_it(
    database: Database,
    deliver: Callable[[Server], Delivery],
    counting: Counting,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(database, opened("r-1"))
    server = Server()
    delivery = deliver(server)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "waiting", raising(KeyError("a-bug")))
        assert delivery.drain(0.5) == 1
        assert "a fault of Bongsu; report it: KeyError: 'a-bug'" in str(delivery.trouble)
    assert delivery.drain(20) == 0
    assert delivery.trouble == ""
    assert counting.faults >= 1
    assert tracebacks(caplog) == ["the thread that tells MLflow"]


def test_a_mistake_in_clearing_a_checkpoint_loses_no_other(
    deliver: Callable[[Server], Delivery], store: Store, counting: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = deliver(Server())
    store.failures = {"a": AttributeError("a-bug"), "b": OSError("busy")}
    for key in ("a", "b", "c"):
        delivery.clear_checkpoints(HOME, key)
    delivery.close()
    assert store.cleared == ["c"]
    assert (counting.faults, tracebacks(caplog)) == (1, ["clearing checkpoints"])


# -- the log ---------------------------------------------------------------------------------------------------


def test_a_traceback_in_the_log_has_no_secrets() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(LineFormatter(LogFormat.JSON, Scrubber(["hunter2-Very.Secret"])))
    log = logging.getLogger("bongsu.reconciler")
    log.addHandler(handler)
    try:
        OwnFaults().note("a test", KeyError("postgresql://kim:pass-of-kim@db/x hunter2-Very.Secret"))
    finally:
        log.removeHandler(handler)
    line = json.loads(out.getvalue())
    assert (line["level"], line["where"]) == ("error", "a test")
    assert line["exception"].startswith("KeyError")
    assert "pass-of-kim" not in out.getvalue()
    assert "hunter2" not in out.getvalue()
