"""A worker asks before it reads: what it does with a yes, a no, and no answer."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import dropwhile, pairwise
from math import inf, log2
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st
from installed_code import code_of

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import AttemptResult, AttemptSpec, Failure, failure_key
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId, digest_of
from bongsu.domain.labels import OPEN
from bongsu.domain.pipeline import Environment
from bongsu.domain.resources import Resources
from bongsu.domain.worker_leave import PASS, WorkerPass, WorkerToken
from bongsu_stages.runtime.attempt import run_attempt
from bongsu_stages.runtime.control_plane import SilentError
from bongsu_stages.runtime.isolated import run_isolated
from bongsu_stages.runtime.leave import (
    GOOD_FOR_S,
    PATIENCE_S,
    SHORTEST_RENEWAL_S,
    AskedLeave,
    NoLeaveError,
    Waiting,
    leave_of,
)
from bongsu_stages.runtime.reporting import drop

TOKEN = "header.payload.signature"
ATTEMPT = AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("a"), number=1)
TREE = digest_of(b"tree")
YES = (200, {"permitted": True, "refusals": []})
FACT = {"template": "The permit of {name} ended.", "values": {"name": "law/1"}}
NO = (
    200,
    {"permitted": False, "refusals": [{"code": "data.not-permitted", "what": FACT, "fix": "Ask a custodian."}]},
)


class Plane:
    """A control plane on loopback that gives ``answers`` one after the other, and the last of them for ever."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str | None]] = []
        plane = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                plane.asked.append((self.command, self.path, self.headers.get("Authorization")))
                status, body = plane.answers.pop(0) if len(plane.answers) > 1 else plane.answers[0]
                self.send_response(status)
                for name, value in body.pop("headers", {}).items() if isinstance(body, dict) else ():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode() if not isinstance(body, bytes) else body)

            do_POST = do_GET

            def log_message(self, *_about: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def planes() -> Iterator[list[Plane]]:
    made: list[Plane] = []
    yield made
    for plane in made:
        plane.close()


class Times:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.waited: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def unless(
        self, until: float, reached: threading.Event | None = None
    ) -> Callable[[threading.Event, float], bool]:
        """Waits as :class:`Waiting` has it; a wait to beyond ``until`` is over at once, as when a worker ends, and is
        told to ``reached``."""

        def wait(_over: threading.Event, seconds: float) -> bool:
            self.waited.append(seconds)
            if self.now + seconds > until:
                if reached is not None:
                    reached.set()
                return True
            self.now += seconds
            return False

        return wait

    def waiting(self) -> Waiting:
        return Waiting(lambda: self.now, self.sleep)


def given(url: str, lifetime: float = 60.0) -> WorkerPass:
    return WorkerPass(url=url, token=TOKEN, lifetime=lifetime)


def asking(planes: list[Plane], *answers: tuple[int, Any]) -> tuple[AskedLeave, Plane, Times]:
    plane, times = Plane(*answers), Times()
    planes.append(plane)
    return AskedLeave(ATTEMPT, given(plane.url), times.waiting()), plane, times


def refused(leave: AskedLeave, digest: Digest = TREE) -> Failure:
    with pytest.raises(NoLeaveError) as caught:
        leave.ask(digest)
    assert TOKEN not in caught.value.failure.model_dump_json()
    return caught.value.failure


def test_a_yes_holds_for_a_while_and_is_asked_for_again_then(planes: list[Plane]) -> None:
    leave, plane, times = asking(planes, YES)
    leave.ask(TREE)
    times.now += GOOD_FOR_S - 1
    leave.ask(TREE)
    path = f"/v1/attempts/{ATTEMPT.key}/inputs/{TREE}"
    assert plane.asked == [("GET", path, f"Bearer {TOKEN}")]
    times.now += 2
    plane.answers = [NO]
    assert refused(leave).reason == "NotPermitted"


def test_a_no_says_rule_fact_and_remedy_and_is_not_tried_again(planes: list[Plane]) -> None:
    leave, _plane, times = asking(planes, NO)
    failure = refused(leave)
    assert (failure.reason, failure.retryable) == ("NotPermitted", False)
    assert str(failure.message) == "The permit of law/1 ended. [data.not-permitted]"
    assert str(failure.fix) == "Ask a custodian."
    assert times.slept == []
    said = failure.message.said(lambda text: text.replace("ended", "끝났습니다"))  # type: ignore[union-attr]
    assert said == "The permit of law/1 끝났습니다. [data.not-permitted]"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_starts_anew_is_asked_again(planes: list[Plane], status: int) -> None:
    leave, plane, times = asking(planes, (status, {}), (status, {}), YES)
    leave.ask(TREE)
    assert len(plane.asked) == 3
    assert times.slept == [0.2, 0.4]


def test_one_that_asks_too_much_waits_as_long_as_it_is_told(planes: list[Plane]) -> None:
    leave, _plane, times = asking(planes, (429, {"headers": {"Retry-After": "7"}}), YES)
    leave.ask(TREE)
    assert times.slept == [7.0]


def test_a_server_that_stays_away_is_given_up_and_another_attempt_may_ask(planes: list[Plane]) -> None:
    leave, plane, times = asking(planes, YES)
    plane.close()
    failure = refused(leave)
    planes.clear()
    assert (failure.reason, failure.retryable) == ("ControlPlaneSilent", True)
    assert failure.reason.loses_attempt
    assert "refused" in str(failure.message)
    assert PATIENCE_S - 5 <= times.now <= PATIENCE_S


@pytest.mark.parametrize("answer", [(200, b"<html>hello</html>"), (200, {"permitted": "perhaps"}), (200, b"")])
def test_what_is_no_answer_is_no_yes(planes: list[Plane], answer: tuple[int, Any]) -> None:
    leave, _plane, _times = asking(planes, answer)
    assert refused(leave).reason == "ControlPlaneSilent"


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_token_that_does_not_hold_is_no_use_for_asking_again(planes: list[Plane], status: int) -> None:
    leave, plane, _times = asking(planes, (status, {"title": "It is not known who asks."}))
    failure = refused(leave)
    assert len(plane.asked) == 1
    assert failure.reason == "ControlPlaneSilent"
    assert f"HTTP {status}, It is not known who asks." in str(failure.message)


def test_the_token_goes_to_no_other_server(planes: list[Plane]) -> None:
    other = Plane(YES)
    planes.append(other)
    leave, _plane, _times = asking(planes, (302, {"headers": {"Location": f"{other.url}/v1"}}))
    refused(leave)
    assert other.asked == []


def test_no_proxy_stands_between_worker_and_server(planes: list[Plane], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    leave, plane, _times = asking(planes, YES)
    leave.ask(TREE)
    assert len(plane.asked) == 1


# -- renewing ----------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_before_it_ends_and_asked_with_then(planes: list[Plane]) -> None:
    plane = Plane((503, {}), (200, {"token": "second", "lifetime": 8}), (200, {"token": "third", "lifetime": 60}))
    planes.append(plane)
    times, renewed = Times(), threading.Event()
    leave = AskedLeave(ATTEMPT, given(plane.url), replace(times.waiting(), unless=times.unless(51, renewed)))
    with leave.kept():
        assert renewed.wait(60)
        plane.answers = [YES]
        leave.ask(TREE)
    assert [one[0] for one in plane.asked] == ["POST", "POST", "POST", "GET"]
    assert [one[2] for one in plane.asked] == [f"Bearer {one}" for one in (TOKEN, TOKEN, "second", "third")]
    assert times.waited == [30, 15, SHORTEST_RENEWAL_S, 30]


def test_renewing_ends_when_the_attempt_is_over(planes: list[Plane]) -> None:
    _leave, plane, times = asking(planes, (401, {}))
    leave = AskedLeave(ATTEMPT, given(plane.url), replace(times.waiting(), unless=times.unless(inf)))
    leave.renew_until(threading.Event())
    assert len(plane.asked) == 1


def test_a_worker_that_ends_ends_renewing(planes: list[Plane]) -> None:
    leave, plane, _times = asking(planes, YES)
    with leave.kept():
        (thread,) = [one for one in threading.enumerate() if one.name == "token-renewal"]
    thread.join(60)
    assert not thread.is_alive()
    assert plane.asked == []


class Answers:
    """Of a control plane, as ``AskedLeave`` asks for another token: each is a lifetime, or a silence with how long it
    asks to wait. The last one is given for ever."""

    def __init__(self, times: Times, *answers: float | SilentError) -> None:
        self.at: list[float] = []
        self._times = times
        self._answers = list(answers)

    def renew(self) -> WorkerToken:
        self.at.append(self._times.now)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, SilentError):
            raise answer
        return WorkerToken(token="another", lifetime=answer)


LIFETIMES = st.floats(0, 86_400)
SILENCES = st.builds(SilentError, st.just("HTTP 503"), st.just(0.0) | st.floats(0, 600))


@given_any(LIFETIMES, st.lists(LIFETIMES | SILENCES, min_size=1, max_size=30))
def test_whatever_a_control_plane_answers_it_is_not_stormed(
    lifetime: float, answers: list[float | SilentError]
) -> None:
    times = Times()
    plane = Answers(times, *answers)
    leave = AskedLeave(ATTEMPT, given("http://plane", lifetime), replace(times.waiting(), unless=times.unless(3e5)))
    leave._plane = plane  # type: ignore[assignment]
    out = io.StringIO()
    with redirect_stdout(out):
        leave.renew_until(threading.Event())
    gaps = [after - before for before, after in pairwise([0.0, *plane.at])]
    assert all(gap > SHORTEST_RENEWAL_S - 1e-6 for gap in gaps)
    given_so_far = [*answers, *[answers[-1]] * len(plane.at)][: len(plane.at)]
    asked = [one.wait_s if isinstance(one, SilentError) else 0.0 for one in given_so_far]
    assert all(gap > wait - 1e-3 for gap, wait in zip(gaps[1:], asked, strict=False)), "as long as it asked for"
    ends = lifetime
    for at, answer in zip(plane.at, given_so_far, strict=True):
        if isinstance(answer, SilentError):
            assert out.getvalue().count("\n") <= 1
        else:
            ends = at + answer
    assert len(list(dropwhile(lambda at: at <= ends, plane.at))) <= 1, "a token that has ended is of no use"


@given_any(LIFETIMES, SILENCES)
def test_a_control_plane_that_stays_silent_is_asked_some_times_told_of_once_and_left(
    lifetime: float, silence: SilentError
) -> None:
    times = Times()
    plane = Answers(times, silence)
    leave = AskedLeave(ATTEMPT, given("http://plane", lifetime), replace(times.waiting(), unless=times.unless(inf)))
    leave._plane = plane  # type: ignore[assignment]
    out = io.StringIO()
    with redirect_stdout(out):
        leave.renew_until(threading.Event())
    assert len(plane.at) <= 2 + log2(max(lifetime / SHORTEST_RENEWAL_S, 1))
    assert out.getvalue() == "The worker's token is not renewed before it ends: HTTP 503\n"


# -- attempts ----------------------------------------------------------------------------------------------------


def reading(store: LocalStore, **changes: Any) -> AttemptSpec:
    writer = store.writer("tests/input")
    with writer.create("file.txt") as file:
        file.write(b"law")
    ref = ArtifactRef(digest=writer.commit().digest, type=ArtifactType.FILES)
    values: dict[str, Any] = {
        "id": ATTEMPT,
        "uses": "probe",
        "code": code_of("probe"),
        "params": {"text": "read"},
        "inputs": {"after": (ref,)},
        "outputs": {"files": ArtifactType.FILES},
        "label": OPEN,
        "resources": Resources(),
        "artifact_store": store.uri,
        "checkpoint_key": "r/a",
    }
    return AttemptSpec(**values | changes)


def test_a_worker_that_is_refused_does_not_begin(planes: list[Plane], tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    spec, events = reading(store), []
    plane = Plane(NO)
    planes.append(plane)
    outcome = run_attempt(spec, events.append, time.time, leave_of(spec, given(plane.url)))
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.detail) == ("NotPermitted", "")
    assert events == [], "the stage was not called"
    record = store.get_record(failure_key(spec.id))
    assert record is not None
    assert Failure.model_validate_json(record) == outcome
    assert [one[1].rpartition("/")[2] for one in plane.asked] == [spec.inputs["after"][0].digest]


def test_a_stage_with_an_interpreter_of_its_own_asks_too_and_hides_what_it_asks_with(
    planes: list[Plane], tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "store")
    spec = reading(
        store, params={"variable": PASS, "text": "-"}, environment=Environment(interpreter=sys.executable)
    )
    plane = Plane(YES)
    planes.append(plane)
    folder = tmp_path / "environments"
    outcome = run_isolated(spec, folder, os.environ, given(plane.url))
    assert isinstance(outcome, AttemptResult), outcome
    assert [one[2] for one in plane.asked] == [f"Bearer {TOKEN}"]
    with store.reader(outcome.outputs["files"].digest).open("probe.txt") as file:
        assert file.read() == b"-", "the stage's environment has it not"
    plane.answers = [NO]
    later = spec.model_copy(update={"id": ATTEMPT.model_copy(update={"number": 2})})
    denied = run_isolated(later, folder, os.environ, given(plane.url))
    assert isinstance(denied, Failure)
    assert denied.reason == "NotPermitted"


def test_where_there_is_no_server_nobody_is_asked(tmp_path: Path) -> None:
    spec = reading(LocalStore(tmp_path / "store"))
    assert isinstance(run_attempt(spec, drop, time.time, leave_of(spec, None)), AttemptResult)
