"""The worker of an attempt asks for leave to read that attempt's inputs, and for nothing else, on both databases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from governed_places import SENSITIVE
from small_plans import plan_of, stage
from sqlalchemy import Table, update
from test_api_access import asked_doors, filled
from worker_places import WorkerPlace, reading

from bongsu.api.asking import ANYBODY, WORKER
from bongsu.domain.ids import AttemptId
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import AttemptState, StopReason
from bongsu.domain.worker_leave import ReadLeave, WorkerToken
from bongsu.identity.attempt_tokens import WORKING_LIFE_S
from bongsu.service.mlflow_mount import viewer
from bongsu.store.attempts import ask_to_stop, finish_attempt, mark_started
from bongsu.store.database import Database
from bongsu.store.schema import runs
from bongsu.store.schema_governance import permitted_uses


@pytest.fixture
def place(tmp_path: Path, database: Database) -> Iterator[WorkerPlace]:
    made = WorkerPlace(tmp_path, database)
    yield made
    made.close()


@pytest.fixture
def attempt(place: WorkerPlace) -> AttemptId:
    return place.launched(reading(place.law))


def test_a_worker_may_read_its_input_while_that_is_permitted(place: WorkerPlace, attempt: AttemptId) -> None:
    token = place.token(attempt)
    answer = place.asks(token, attempt, f"inputs/{place.law}")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"permitted": True, "refusals": []}
    assert answer.headers["cache-control"] == "no-store"
    place.take_back_the_data()
    answer = place.asks(token, attempt, f"inputs/{place.law}")
    assert answer.status_code == 200, "a decision is an answer"
    told = ReadLeave.model_validate_json(answer.content)
    assert not told.permitted
    (refusal,) = told.refusals
    assert refusal.code == "data.not-permitted"
    assert "permit of law/1 ended" in str(refusal.what)
    assert "custodian" in str(refusal.fix)
    assert answer.json()["refusals"][0]["what"]["template"], "it is said in the reader's language later"


def test_a_no_is_recorded_and_so_is_who_reads_what_is_labelled(place: WorkerPlace) -> None:
    place.add_dataset("secret-law", secret := place.tree("secret law"), SENSITIVE)
    place.permit_data(name="secret-law")
    attempt = place.launched(reading(secret, SENSITIVE))
    token = place.token(attempt)
    for _ in range(2):
        assert place.asks(token, attempt, f"inputs/{secret}").json()["permitted"] is True
    reads = [(actor, action) for actor, action, _entry in place.log() if action == "artifact.read"]
    assert reads == [(f"worker:{attempt.key}", "artifact.read")]
    place.take_back_the_data()
    place.asks(token, attempt, f"inputs/{secret}")
    refused = [json.loads(entry) for _actor, action, entry in place.log() if action == "inputs.read"]
    assert [one["outcome"] for one in refused] == ["refused"]
    assert refused[0]["facts"] == {"digest": secret, "codes": ["data.not-permitted"], "rules": ["data.permitted"]}
    assert token not in str(place.log())


def test_a_run_of_fifty_stages_is_as_many_statements_as_one_of_five_and_is_read_once(place: WorkerPlace) -> None:
    numbers = {}
    for count in (5, 50):
        plan = reading(place.law)
        others = tuple(stage(f"s{number}", "a") for number in range(count - 1))
        attempt = place.launched(plan.model_copy(update={"stages": (*plan.stages, *others)}))
        token = place.token(attempt)
        with place.asked() as statements:
            assert place.asks(token, attempt, f"inputs/{place.law}").json()["permitted"] is True
        numbers[count] = len(statements)
        for table in ("stages", "attempts"):
            assert len([one for one in statements if one.startswith(f"SELECT {table}.run_id, ")]) == 1
        assert len([one for one in statements if re.match(r'SELECT runs\."?plan"? FROM', one)]) == 1
    assert numbers[50] == numbers[5]


@pytest.mark.parametrize(("table", "column"), [(runs, "label"), (runs, "plan"), (permitted_uses, "tier")])
def test_a_row_that_is_damaged_is_told_as_that_and_not_as_the_workers_fault(
    place: WorkerPlace, attempt: AttemptId, caplog: pytest.LogCaptureFixture, table: Table, column: str
) -> None:
    token = place.token(attempt)
    size = len(place.log())
    with place.platform.write() as connection:
        connection.execute(update(table).values({column: "{"}))
    answer = place.asks(token, attempt, f"inputs/{place.law}")
    assert (answer.status_code, answer.json()["code"]) == (500, "run.database-damaged"), "it asks again"
    assert f"in the table {table.name} cannot be read" in caplog.text
    assert len(place.log()) == size, "nobody was refused anything"


def test_a_worker_gets_nothing_of_another_attempt(place: WorkerPlace, attempt: AttemptId) -> None:
    token = place.token(attempt)
    other = place.tree("of another")
    theirs = place.launched(plan_of(stage("a"), name="theirs"), "army")
    nowhere = attempt.model_copy(update={"run_id": "r-zzzzzzzzzzzz"})
    told = set()
    for whose in (theirs, nowhere, attempt.model_copy(update={"number": 2})):
        for what, method in ((f"inputs/{place.law}", "GET"), ("token", "POST")):
            answer = place.asks(token, whose, what, method)
            assert (answer.status_code, answer.json()["code"]) == (403, "identity.worker-scope")
            told.add(answer.json()["title"].replace(whose.key, ""))
    assert len(told) == 2, "one text for each act, whatever there is"
    answer = place.asks(token, attempt, f"inputs/{other}")
    assert (answer.status_code, answer.json()["code"]) == (403, "identity.worker-scope")
    absent = place.asks(token, attempt, "inputs/sha256-" + "0" * 64)
    assert absent.json()["title"] == answer.json()["title"], "whether a tree exists is not told"


def test_every_other_door_is_closed_to_a_worker(place: WorkerPlace, attempt: AttemptId) -> None:
    token = place.token(attempt)
    asked = 0
    for door in asked_doors(place):
        for method in sorted(door.methods):
            if door.permission in (ANYBODY, WORKER):
                continue
            asked += 1
            answer = place.ask(token, method, filled(door.path, attempt.run_id))
            assert (answer.status_code, answer.json()["code"]) == (403, "identity.worker-scope"), door
    assert asked > 30
    misused = [entry for _actor, action, entry in place.log() if action == "tokens.misuse"]
    assert len(misused) == asked, "its token may be in other hands"
    assert viewer(place.identify(token), []) is None, "nor is there anything for it in MLflow"


def test_doors_of_workers_are_there_for_nobody_else(place: WorkerPlace, attempt: AttemptId) -> None:
    doors = [door for door in asked_doors(place) if door.permission == WORKER]
    assert {str(door) for door in doors} == {
        "POST /v1/attempts/{run}/{stage}/{number}/token",
        "GET /v1/attempts/{run}/{stage}/{number}/inputs/{digest}",
    }
    for door in doors:
        (method,) = door.methods
        answer = place.ask("kim", method, filled(door.path, attempt.run_id))
        assert (answer.status_code, answer.json()["code"]) == (404, "api.no-such-route")


def test_a_token_is_renewed_while_the_attempt_is_live_and_ends_with_it(
    place: WorkerPlace, attempt: AttemptId
) -> None:
    token = place.token(attempt)
    place.now += 2 * WORKING_LIFE_S  # it waits for its turn
    with place.platform.write() as connection:
        mark_started(connection, attempt, place.now)
    place.now += WORKING_LIFE_S / 2
    answer = place.asks(token, attempt, "token", "POST")
    assert answer.status_code == 200, answer.text
    renewed = WorkerToken.model_validate_json(answer.content)
    assert renewed.lifetime == WORKING_LIFE_S
    place.now += WORKING_LIFE_S * 0.75
    assert place.asks(token, attempt, f"inputs/{place.law}").status_code == 401
    assert place.asks(renewed.token, attempt, f"inputs/{place.law}").json()["permitted"] is True
    with place.platform.write() as connection:
        finish_attempt(connection, attempt, AttemptState.LOST, place.now, None)
    for what, method in ((f"inputs/{place.law}", "GET"), ("token", "POST")):
        assert place.asks(renewed.token, attempt, what, method).status_code == 401
    with pytest.raises(BongsuError, match=r"run\.unknown-attempt"):
        place.token(attempt)


def test_who_is_being_stopped_begins_nothing(place: WorkerPlace, attempt: AttemptId) -> None:
    token = place.token(attempt)
    with place.platform.write() as connection:
        ask_to_stop(connection, attempt, StopReason.CANCELLED)
    answer = place.asks(token, attempt, f"inputs/{place.law}")
    assert (answer.status_code, answer.json()["code"]) == (404, "governance.no-such")


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999"])
def test_what_is_no_attempt_is_told_as_that(place: WorkerPlace, attempt: AttemptId, number: str) -> None:
    answer = place.ask(place.token(attempt), "POST", f"/v1/attempts/{attempt.run_id}/a/{number}/token")
    assert (answer.status_code, answer.json()["code"]) == (422, "api.bad-request")
