"""Nobody drowns a log with what they are refused: each attempt is in it, and then they are not listened to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_places import PIPELINE, ApiPlace
from governed_places import STAFF
from small_plans import plan_of, stage
from test_api_grants import order
from worker_places import WorkerPlace

from bongsu.api import asking
from bongsu.domain.people import Role
from bongsu.domain.server_defaults import REFUSALS_A_MINUTE
from bongsu.service.recording import stop_flood
from bongsu.service.refusals import Refusals
from bongsu.store import audit
from bongsu.store.database import Database

FORBIDDEN = PIPELINE.replace("Draft administrative documents", "Select targets and fire without a human")
VALIDATE = ("POST", "/v1/pipelines/validate", {"text": FORBIDDEN})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(database: Database, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    monkeypatch.setitem(STAFF, "army-pm", ("army", Role.PROGRAMME_MANAGER))
    made = ApiPlace(tmp_path, database, Refusals(REFUSALS_A_MINUTE, clock))
    yield made
    made.close()


def _ask(place: ApiPlace, person: str, method: str, path: str, body: Any = None) -> Any:
    return place.ask(person, method, path, json=body)


def _refused(place: ApiPlace, actor: str) -> list[str]:
    """What the logs say that somebody was refused."""
    entries = [json.loads(entry) for tenant in ("army", "mnd") for _actor, _action, entry in place.log(tenant)]
    return [one["action"] for one in entries if one["outcome"] == "refused" and one["actor"] == actor]


REFUSED = {
    "a forbidden purpose": ("kim", *VALIDATE),
    "a person, without the role": ("kim", "POST", "/v1/people/mnd/lee/disable", None),
    "the log of others": ("kim", "GET", "/v1/ministries/mnd/audit/entries", None),
    "a grant, without the role": ("lee", "POST", "/v1/grants/nap-1/adjust", {"gpuHours": 1.0, "reason": "More"}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_each_attempt_is_in_the_log_and_a_flood_of_them_is_not(place: ApiPlace, what: str) -> None:
    assert _ask(place, "army-pm", "POST", "/v1/grants", order(place)).status_code == 201
    person, method, path, body = REFUSED[what]
    answers = [_ask(place, person, method, path, body) for _ in range(3 * REFUSALS_A_MINUTE)]
    stopped = [one.status_code == 429 for one in answers]
    assert stopped == [False] * REFUSALS_A_MINUTE + [True] * 2 * REFUSALS_A_MINUTE
    assert answers[-1].json()["code"] == "api.too-many-refused"
    assert answers[-1].headers["retry-after"] == "3"
    (*attempts, last) = dict.fromkeys(refused := _refused(place, person))
    assert (len(attempts), last) == (1, "requests.stop")
    assert refused.count("requests.stop") == 1, "that they are stopped is told once"
    assert refused.count(attempts[0]) >= REFUSALS_A_MINUTE, "of a grant, both sides are told"


def test_who_asks_much_at_once_waits_for_it_afterwards(
    place: ApiPlace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there are threads pass the door before the first of them is refused, each time that it opens."""
    at_once = 40
    passed = threading.Barrier(at_once)

    def together(*given: Any) -> None:
        stop_flood(*given)
        passed.wait(30)

    for _ in range(REFUSALS_A_MINUTE - 1):
        _ask(place, "kim", *VALIDATE)
    with monkeypatch.context() as patch, ThreadPoolExecutor(at_once) as threads:
        patch.setattr(asking, "stop_flood", together)
        list(threads.map(lambda _: _ask(place, "kim", *VALIDATE), range(at_once)))
    attempts = REFUSALS_A_MINUTE - 1 + at_once
    waits = []
    for _ in range(60):
        answer = _ask(place, "kim", *VALIDATE)
        waits.append(answer.status_code == 429)
        clock.now += 60 / REFUSALS_A_MINUTE
    assert waits == [True] * at_once + [False] * (60 - at_once)
    refused = _refused(place, "kim")
    assert len(refused) - refused.count("requests.stop") == attempts + 60 - at_once


def test_nothing_of_theirs_is_looked_at_and_others_are(place: ApiPlace) -> None:
    for _ in range(REFUSALS_A_MINUTE):
        _ask(place, "kim", *VALIDATE)
    with place.asked() as statements:
        assert _ask(place, "kim", *VALIDATE).status_code == 429
        assert _ask(place, "kim", *VALIDATE).status_code == 429
    assert len([one for one in statements if one.startswith("INSERT INTO audit_entries")]) == 1
    assert _ask(place, "kim", "GET", "/v1/me").status_code == 429
    assert _ask(place, "lee", "GET", "/v1/me").status_code == 200
    assert "policy.forbidden-use" in _ask(place, "army-eng", *VALIDATE).text


def test_who_waits_as_told_is_listened_to_again(place: ApiPlace, clock: Clock) -> None:
    for _ in range(REFUSALS_A_MINUTE):
        _ask(place, "kim", *VALIDATE)
    wait = int(_ask(place, "kim", "GET", "/v1/me").headers["retry-after"])
    clock.now += wait
    assert [_ask(place, "kim", "GET", "/v1/me").status_code for _ in range(5)] == [200] * 5, "only refusals count"
    assert "policy.forbidden-use" in _ask(place, "kim", *VALIDATE).text
    assert _ask(place, "kim", *VALIDATE).status_code == 429
    assert _refused(place, "kim").count("requests.stop") == 1, "they were not quiet in between"
    clock.now += 60
    for _ in range(REFUSALS_A_MINUTE + 1):
        _ask(place, "kim", *VALIDATE)
    assert _refused(place, "kim").count("requests.stop") == 2


def test_a_stop_that_cannot_be_recorded_is_told_of_later(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(REFUSALS_A_MINUTE):
        _ask(place, "kim", *VALIDATE)

    def full(*_given: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(audit, "append_all", full)
        assert _ask(place, "kim", *VALIDATE).status_code == 500
    assert "requests.stop" not in _refused(place, "kim")
    assert _ask(place, "kim", *VALIDATE).status_code == 429
    assert _refused(place, "kim")[-1] == "requests.stop"


def test_a_worker_is_counted_by_its_attempt(database: Database, tmp_path: Path, clock: Clock) -> None:
    place = WorkerPlace(tmp_path, database)
    place.app.state.plane = replace(
        place.plane, base=replace(place.plane.base, refusals=Refusals(REFUSALS_A_MINUTE, clock))
    )
    one, other = (place.token(place.launched(plan_of(stage("a"), name=name))) for name in ("first", "second"))
    answers = [place.ask(one, "GET", "/v1/runs").status_code for _ in range(REFUSALS_A_MINUTE + 2)]
    assert answers == [403] * REFUSALS_A_MINUTE + [429] * 2
    assert place.ask(other, "GET", "/v1/runs").status_code == 403
    assert [action for _actor, action, _entry in place.log()].count("requests.stop") == 1
    place.close()
