"""Runs that somebody may not see, where they hand in a pipeline: the answer is that for work that nobody ever did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import SECRET, STAFF
from pydantic import TypeAdapter
from service_places import drive
from sqlalchemy import select, update

from bongsu.domain.attempt import AttemptId
from bongsu.domain.ids import Digest, RunId, digest_of
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.publication import Publication, RunRelabelled, StageFinished
from bongsu.domain.tenants import Tenant
from bongsu.planner.facts import EarlierWork
from bongsu.policy.access import Permission
from bongsu.reconciler.outbox_items import as_it_is
from bongsu.service.resuming import resume
from bongsu.service.submitting import submit as submit_plan
from bongsu.store import cache
from bongsu.store import runs as runs_store
from bongsu.store.database import Database
from bongsu.store.label_releases import release
from bongsu.store.requests import RequestKey, note_request
from bongsu.store.schema import cache_entries, outbox
from bongsu.store.scope import Scope
from bongsu.store.submitters import submitters_of

PLAN = "radar plan of unit 7"


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database)
    made.permit_use()
    made.add_person("low", "mnd", Role.ENGINEER, OPEN)
    monkeypatch.setitem(STAFF, "low", ("mnd", Role.ENGINEER))
    yield made
    made.close()


def pipeline(text: str, name: str = "night-watch", label: str = "O", more: str = "") -> dict[str, str]:
    return {
        "text": f"""\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Draft administrative documents}}
  classification: {label}
  stages:
    - {{name: a, uses: probe, with: {{text: "{text}"}}}}
{more}"""
    }


NEXT = '    - {name: b, uses: probe, inputs: {after: a.files}, with: {text: "derived"}}\n'


def submit(place: ApiPlace, person: str, body: dict[str, str]) -> str:
    response = place.ask(person, "POST", "/v1/runs", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["run"]["id"])


def done(place: ApiPlace, person: str, body: dict[str, str]) -> str:
    run = submit(place, person, body)
    drive(place.platform, [RunId(run)])
    return run


def shown(place: ApiPlace, person: str, run: str) -> Any:
    response = place.ask(person, "GET", f"/v1/runs/{run}")
    assert response.status_code == 200, response.text
    return response.json()


def status(place: ApiPlace, person: str, run: str) -> int:
    return int(place.ask(person, "GET", f"/v1/runs/{run}").status_code)


def output(place: ApiPlace, run: str, stage: int = 0) -> str:
    return str(shown(place, "kim", run)["stages"][stage]["outputs"]["files"]["digest"])


def raise_label(place: ApiPlace, digest: str, grade: str = "C") -> None:
    body = {"of": digest, "grade": grade, "reason": "it names a unit"}
    assert place.ask("dc", "POST", "/v1/ministries/mnd/labels", json=body).status_code == 200


def verdicts(place: ApiPlace, person: str, body: dict[str, str]) -> list[dict[str, Any]]:
    response = place.ask(person, "POST", "/v1/pipelines/plan", json=body)
    assert response.status_code == 200, response.text
    return [one["cache"] for one in response.json()["stages"]]


def first_run(place: ApiPlace, body: dict[str, str]) -> None:
    """What the plan says to whoever is cleared for nothing is what it says of a pipeline that never was."""
    told = verdicts(place, "low", body)
    never = json.loads(json.dumps(body).replace("night-watch", "never-was"))
    assert told == verdicts(place, "low", never)
    assert told[0]["hit"] is False
    assert told[0]["reason"] == "first-run"


# -- plans ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["guess", PLAN])
def test_a_plan_tells_nothing_of_a_run_that_is_hidden(place: ApiPlace, text: str) -> None:
    """Neither what its parameters were, nor that somebody has guessed them."""
    run = done(place, "kim", pipeline(PLAN, label="C"))
    assert status(place, "low", run) == 404
    first_run(place, pipeline(text))
    assert verdicts(place, "kim", pipeline("guess", label="C"))[0]["detail"] == f'text "{PLAN}" → "guess"'
    assert verdicts(place, "kim", pipeline(PLAN))[0]["reason"] == "label-changed"


def test_a_plan_is_compared_with_the_newest_run_that_is_seen(place: ApiPlace) -> None:
    done(place, "low", pipeline("seen"))
    place.now += 1
    done(place, "kim", pipeline(PLAN, label="C"))
    assert verdicts(place, "low", pipeline("guess"))[0]["detail"] == 'text "seen" → "guess"'
    assert verdicts(place, "kim", pipeline("guess"))[0]["detail"] == f'text "{PLAN}" → "guess"'


def test_nothing_is_told_of_hidden_work_whose_output_is_gone(place: ApiPlace) -> None:
    run = done(place, "kim", pipeline(PLAN, label="C"))
    (place.folder / "artifacts" / "manifests" / f"{output(place, run)}.json").unlink()
    first_run(place, pipeline(PLAN))
    assert verdicts(place, "kim", pipeline(PLAN, label="C"))[0]["reason"] == "output-gone"


def test_a_run_that_rose_is_hidden_from_plans_as_well(place: ApiPlace) -> None:
    run = done(place, "kim", pipeline(PLAN))
    assert verdicts(place, "low", pipeline("guess"))[0]["detail"] == f'text "{PLAN}" → "guess"'
    assert verdicts(place, "low", pipeline(PLAN))[0]["hit"] is True
    raise_label(place, output(place, run))
    first_run(place, pipeline("guess"))
    first_run(place, pipeline(PLAN))


# -- work whose label rose -----------------------------------------------------------------------------------------


def test_work_whose_output_rose_is_not_taken_by_a_run_below_it(place: ApiPlace) -> None:
    """It is done anew; and as it makes the same bytes, the run carries what these do, and is told so to MLflow."""
    first = done(place, "kim", pipeline(PLAN))
    digest = output(place, first)
    raise_label(place, digest)
    run = done(place, "low", pipeline(PLAN, "other"))
    assert status(place, "low", run) == 404
    assert place.ask("low", "GET", f"/v1/runs/{run}/metrics").status_code == 404
    found = shown(place, "kim", run)
    (stage,) = found["stages"]
    assert (found["run"]["label"], stage["label"], stage["state"]) == ("C", "C", "succeeded")
    assert stage["outputs"]["files"] | {"digest": digest, "label": "C"} == stage["outputs"]["files"]
    with place.platform.read() as connection:
        bodies = [json.loads(one) for one in connection.execute(_told_of(run)).scalars()]
    told = {one["type"]: one for one in bodies}
    finished = told["stage-finished"]
    assert (finished["state"], finished["label"]["grade"]) == ("succeeded", "C")
    assert [one["ref"]["label"]["grade"] for one in finished["outputs"]] == ["C"]
    assert told["run-closed"]["label"]["grade"] == "C"
    assert "run-relabelled" in told


def _told_of(run: str) -> Any:
    return select(outbox.c.body).where(outbox.c.run_id == run).order_by(outbox.c.id)


def test_a_run_that_dominates_what_rose_takes_it(place: ApiPlace) -> None:
    raise_label(place, output(place, done(place, "kim", pipeline(PLAN))))
    body = pipeline(PLAN, label="C")
    assert verdicts(place, "kim", body)[0]["hit"] is True
    (stage,) = shown(place, "kim", done(place, "kim", body))["stages"]
    assert (stage["state"], stage["label"]) == ("cached", "C")
    assert verdicts(place, "kim", pipeline(PLAN))[0]["reason"] == "label-changed"


def test_a_label_that_rises_between_plan_and_settling_counts(place: ApiPlace) -> None:
    digest = output(place, done(place, "kim", pipeline(PLAN)))
    body = pipeline(PLAN, "other", more=NEXT)
    assert verdicts(place, "low", body)[0]["hit"] is True
    run = submit(place, "low", body)
    raise_label(place, digest)
    drive(place.platform, [RunId(run)])
    assert status(place, "low", run) == 404
    found = shown(place, "kim", run)
    assert found["run"]["label"] == "C"
    assert [(one["state"], one["label"]) for one in found["stages"]] == [("succeeded", "C")] * 2
    assert place.ask("low", "GET", f"/v1/ministries/mnd/artifacts/{output(place, run, 1)}").status_code == 404


def test_a_label_that_rises_between_deciding_and_carrying_out_counts(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = output(place, done(place, "kim", pipeline(PLAN)))
    run = submit(place, "low", pipeline(PLAN, "other"))
    look = cache.find_work

    def slow(*given: Any) -> EarlierWork | None:
        found = look(*given)
        if found is not None and found.outputs["files"].label == OPEN:
            raise_label(place, digest)
        return found

    monkeypatch.setattr(cache, "find_work", slow)
    drive(place.platform, [RunId(run)])
    assert status(place, "low", run) == 404
    (stage,) = shown(place, "kim", run)["stages"]
    assert (stage["state"], stage["label"]) == ("cached", "C")
    assert stage["outputs"]["files"]["label"] == "C"


def test_a_label_that_rises_while_the_same_is_made_counts(place: ApiPlace) -> None:
    """The worker was told the label that was known when it began."""
    digest = output(place, done(place, "kim", pipeline(PLAN)))

    def fate(attempt: AttemptId) -> None:
        place.cluster.succeed(attempt)
        raise_label(place, digest)

    place.fate = fate
    with place.platform.write() as connection:  # as of a version that did not note who made it
        connection.execute(update(cache_entries).values(run_id=None))
    run = done(place, "low", pipeline(PLAN))
    assert status(place, "low", run) == 404
    (stage,) = shown(place, "kim", run)["stages"]
    assert (stage["state"], stage["label"]) == ("succeeded", "C")


def test_what_was_lowered_is_no_way_to_the_work_that_made_it(place: ApiPlace) -> None:
    """A downgrade is of the bytes; figures and parameters keep the label of the run."""
    run = done(place, "kim", pipeline(PLAN, label="C"))
    lower(place, output(place, run))
    assert place.ask("low", "GET", f"/v1/ministries/mnd/artifacts/{output(place, run)}").status_code == 200
    first_run(place, pipeline(PLAN))
    mine = done(place, "low", pipeline(PLAN))
    (stage,) = shown(place, "low", mine)["stages"]
    assert (stage["state"], stage["label"]) == ("succeeded", "O")


def lower(place: ApiPlace, digest: str) -> None:
    """As approvers decide it."""
    with place.platform.write() as connection:
        release(connection, "p-1", Digest(digest), SECRET, OPEN, place.now)


# -- runs under way ------------------------------------------------------------------------------------------------


def rise(place: ApiPlace, run: str) -> None:
    """While it goes on, the run has made something that is worth more than was planned."""
    with place.platform.write() as connection:
        runs_store.raise_label(connection, RunId(run), SECRET)


def test_who_submits_the_plan_of_a_hidden_run_gets_a_run_of_their_own(place: ApiPlace) -> None:
    body = pipeline("x")
    hidden = submit(place, "kim", body)
    again = place.ask("low", "POST", "/v1/runs", json=body)
    assert (again.status_code, again.json()["run"]["id"]) == (200, hidden), "as long as it is seen it is found"
    rise(place, hidden)
    response = place.ask("low", "POST", "/v1/runs", json=body)
    assert (response.status_code, response.json()["created"]) == (201, True)
    own = response.json()["run"]
    assert (own["submittedBy"], own["label"]) == ("low", "O")
    assert hidden not in response.text + str(response.headers)
    assert [one["id"] for one in place.ask("low", "GET", "/v1/runs").json()["items"]] == [own["id"]]
    repeated = place.ask("low", "POST", "/v1/runs", json=body)
    assert (repeated.status_code, repeated.json()["run"]["id"]) == (200, own["id"])
    assert [who for who, what, _entry in place.log() if what == "run.submit"] == ["kim", "low"]
    with place.platform.read() as connection:
        assert submitters_of(connection, [own["id"]]) == {own["id"]: {"low"}}
    drive(place.platform, [RunId(hidden), RunId(own["id"])])
    assert shown(place, "kim", hidden)["run"]["state"] == "succeeded"
    assert shown(place, "low", own["id"])["run"]["state"] == "succeeded"


def test_nobody_is_noted_as_the_submitter_of_a_run_that_they_do_not_see(place: ApiPlace) -> None:
    hidden = submit(place, "kim", pipeline("x"))
    rise(place, hidden)
    submit(place, "low", pipeline("x"))
    with place.platform.read() as connection:
        assert submitters_of(connection, [hidden]) == {hidden: {"kim"}}


def test_a_request_that_comes_again_tells_nothing_of_a_run_that_is_hidden_by_now(place: ApiPlace) -> None:
    """Where it is looked for in the transaction, too: what was seen before may have risen meanwhile."""
    run = done(place, "low", pipeline("x"))
    place.now += 1
    platform = place.plane.within(place.actor("low"), Permission.RUN_SUBMIT, "mnd")
    with place.platform.write() as connection:
        plan = runs_store.get_plan(connection, run)
        for key in ("submitted", "resumed"):
            note_request(connection, RequestKey("low", key, digest_of(b"x")), run, place.now)
    rise(place, run)
    with pytest.raises(BongsuError) as caught:
        submit_plan(platform, plan, RequestKey("low", "submitted", digest_of(b"x")))
    assert [one.code.name for one in caught.value.problems] == ["run.unknown"]
    with pytest.raises(BongsuError) as caught:
        resume(platform, run, RequestKey("low", "resumed", digest_of(b"x")))
    assert [one.code.name for one in caught.value.problems] == ["run.unknown"]


def test_a_resumed_run_is_the_open_one_of_its_plan_for_who_does_not_see_another(place: ApiPlace) -> None:
    body = pipeline("x")
    own = submit(place, "low", body)
    assert place.ask("low", "POST", f"/v1/runs/{own}/cancel").status_code in (200, 202)
    drive(place.platform, [RunId(own)])
    hidden = submit(place, "kim", body)
    rise(place, hidden)
    resumed = place.ask("low", "POST", f"/v1/runs/{own}/resume")
    assert resumed.status_code in (200, 202), resumed.text
    again = place.ask("low", "POST", "/v1/runs", json=body)
    assert (again.status_code, again.json()["run"]["id"]) == (200, own)


# -- what a run of mixed labels made that is open ---------------------------------------------------------------

MIXED = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: secret-project-name, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft administrative documents}
  inputs: {law: {dataset: "datasets:/secret-law/1"}}
  stages:
    - {name: first-open, uses: probe, with: {text: "open"}}
    - {name: second-secret, uses: probe, inputs: {after: inputs.law}, with: {text: "secret"}}
"""


@pytest.fixture
def mixed(place: ApiPlace) -> tuple[str, str]:
    """A run whose first stage is open and whose second is not; and what the first one made."""
    place.add_dataset("secret-law", place.tree("secret law"), SECRET)
    place.permit_data(name="secret-law")
    run = done(place, "kim", {"text": MIXED})
    assert shown(place, "kim", run)["run"]["label"] != "O"
    assert status(place, "low", run) == 404
    return run, output(place, run)


def test_lineage_of_what_is_open_names_no_run_that_is_hidden(place: ApiPlace, mixed: tuple[str, str]) -> None:
    run, digest = mixed
    for direction in ("upstream", "downstream", "both"):
        address = f"/v1/ministries/mnd/lineage?of={digest}&direction={direction}"
        seen = place.ask("low", "GET", address)
        assert seen.status_code == 200
        assert digest in seen.text
        assert run not in seen.text
        assert "secret-project-name" not in seen.text
    assert run in place.ask("kim", "GET", f"/v1/ministries/mnd/lineage?of={digest}").text


def test_artifacts_are_filtered_by_no_run_that_is_hidden(place: ApiPlace, mixed: tuple[str, str]) -> None:
    run, digest = mixed
    (listed,) = [
        one for one in place.ask("low", "GET", "/v1/artifacts?limit=200").json()["items"] if one["digest"] == digest
    ]
    assert (listed["runId"], listed["stageId"]) == ("", "")
    for wanted in (f'runId = "{run}"', 'stageId = "first-open"'):
        found = {person: filtered(place, person, wanted) for person in ("low", "kim")}
        assert found["low"] == []
        assert digest in found["kim"]
    assert digest in filtered(place, "low", 'runId = ""')
    assert digest in filtered(place, "low", f'runId != "{run}"')


def filtered(place: ApiPlace, person: str, wanted: str) -> list[str]:
    response = place.ask(person, "GET", "/v1/artifacts", params={"filter": wanted})
    assert response.status_code == 200, response.text
    return [one["digest"] for one in response.json()["items"]]


def test_mlflow_is_told_of_an_open_stage_with_the_label_of_its_run(place: ApiPlace, mixed: tuple[str, str]) -> None:
    """It names the run and the pipeline, and its metrics are the run's."""
    run, _ = mixed
    with place.platform.database.read(Scope.of(Tenant("mnd"))) as connection:
        bodies = connection.execute(_told_of(run)).scalars().all()
        items = [as_it_is(connection, TypeAdapter(Publication).validate_json(body)) for body in bodies]
        told = {item.stage_id: str(item.label) for item in items if isinstance(item, StageFinished)}
        relabelled = as_it_is(connection, RunRelabelled(run_id=run, pipeline="secret-project-name"))
    assert set(told) == {"first-open", "second-secret"}
    assert isinstance(relabelled, RunRelabelled)
    assert relabelled.label is not None
    assert set(told.values()) == set(map(str, relabelled.stages.values())) == {str(relabelled.label)}
