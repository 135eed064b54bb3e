"""What another ministry shares comes into one's own part of the store with a run that was accepted, and not before."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from governed_places import SENSITIVE
from shared_places import SharedPlace
from store_places import open_at

from bongsu.artifacts.local import LocalStore
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.reconciler.lock import FileLock
from bongsu.service import submitting
from bongsu.store.database import Database

PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: checks, ministry: army}
spec:
  purpose: {useClass: USE, statement: Draft administrative documents}
  inputs: {law: {dataset: "ADDRESS"}}
  stages:
    - {name: a, uses: container, inputs: {files: [inputs.law]}, with: {command: [sh, -c, "true"]}}
"""
LAW = "datasets://mnd/law/1"
ENGINEER = "army-eng"
ARMY = Tenant("army")
MEDICAL = UseClass.MEDICAL_SUPPORT


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[SharedPlace]:
    made = SharedPlace(tmp_path, database, SENSITIVE)
    yield made
    made.close()


def hand_in(place: SharedPlace, path: str, use: str = "administration", address: str = LAW) -> Any:
    text = PIPELINE.replace("USE", use).replace("ADDRESS", address)
    return place.ask(ENGINEER, "POST", path, json={"text": text})


def plan_of_no_permitted_use(place: SharedPlace) -> None:
    """Of a use that nobody permits the army, and which therefore has obstacles."""
    place.share(purpose=MEDICAL)
    answer = hand_in(place, "/v1/pipelines/plan", "medical-support")
    assert answer.status_code == 200, answer.text
    assert "use.not-permitted" in [one["code"] for one in answer.json()["obstacles"]]


def good_plan(place: SharedPlace) -> None:
    place.share()
    answer = hand_in(place, "/v1/pipelines/plan")
    assert (answer.status_code, answer.json()["obstacles"]) == (200, []), answer.text


def refused_submission(place: SharedPlace) -> None:
    place.share(purpose=MEDICAL)
    answer = hand_in(place, "/v1/runs", "medical-support")
    assert (answer.status_code, answer.json()["code"]) == (403, "use.not-permitted"), answer.text


def submission_refused_as_it_is_written(place: SharedPlace) -> None:
    """The permit ends after the plan was made and the bytes were copied."""
    place.share()
    copied = submitting.bring

    def bring(*given: Any) -> Any:
        try:
            return copied(*given)
        finally:
            place.revoke_all()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(submitting, "bring", bring)
        answer = hand_in(place, "/v1/runs")
    assert answer.status_code >= 400, answer.text


def listed(place: SharedPlace) -> list[dict[str, Any]]:
    return place.ask(ENGINEER, "GET", "/v1/artifacts").json()["items"]


def read(place: SharedPlace) -> list[int]:
    path = f"/v1/ministries/army/artifacts/{place.law}"
    return [place.ask(ENGINEER, "GET", f"{path}{file}").status_code for file in ("", "/files/file.txt")]


LOOKS: list[Callable[[SharedPlace], None]] = [
    plan_of_no_permitted_use,
    good_plan,
    refused_submission,
    submission_refused_as_it_is_written,
]


@pytest.mark.parametrize("look", LOOKS, ids=lambda one: one.__name__)
def test_a_look_leaves_nothing_behind(place: SharedPlace, look: Callable[[SharedPlace], None]) -> None:
    look(place)
    assert listed(place) == []
    place.revoke_all()
    assert listed(place) == []
    assert read(place) == [404, 404]
    again = hand_in(place, "/v1/pipelines/plan", address=f"artifact:{place.law}")
    assert (again.status_code, again.json()["code"]) == (404, "run.input-missing"), again.text
    assert not [did for _who, did, _entry in place.log("mnd") if did == "permit.take"]


def test_what_a_run_took_stays_with_it_and_no_further_run_takes_it(place: SharedPlace) -> None:
    place.share()
    answer = hand_in(place, "/v1/runs")
    assert answer.status_code == 201, answer.text
    place.revoke_all()
    (kept,) = listed(place)
    assert (kept["digest"], kept["title"], kept["label"]) == (place.law, LAW, "S")
    assert read(place) == [200, 200]
    for address, status in ((LAW, 404), (f"artifact:{place.law}", 403)):
        again = hand_in(place, "/v1/runs", address=address)
        assert again.status_code == status, again.text


@pytest.mark.parametrize("step", ["create_run", "append_all"])
def test_a_process_that_is_killed_between_the_copy_and_the_run_leaves_nothing(tmp_path: Path, step: str) -> None:
    place = SharedPlace(tmp_path, None, SENSITIVE)
    place.share()
    plan, army = place.plan_taking(LAW), place.army()
    child = os.fork()
    if child == 0:
        try:
            # Nothing that the parent has open: databases and locks are of one process.
            parts = {"mnd": LocalStore(tmp_path / "parts" / "mnd"), "army": LocalStore(tmp_path / "parts" / "army")}
            setattr(submitting, step, lambda *_given: os.kill(os.getpid(), signal.SIGKILL))
            there = replace(
                army,
                database=open_at(tmp_path),
                stores=lambda tenant: parts[tenant],
                lock=FileLock(tmp_path / "other.lock"),
            )
            submitting.submit(there, plan)
        finally:
            os._exit(9)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert place.part(ARMY).has(place.law), "it was killed after the copy"
    assert listed(place) == []
    place.revoke_all()
    assert read(place) == [404, 404]
    assert hand_in(place, "/v1/pipelines/plan", address=f"artifact:{place.law}").status_code == 404
    place.now += 1
    place.share()
    assert hand_in(place, "/v1/runs").status_code == 201, "and it hinders nobody"
    assert read(place) == [200, 200]
    place.close()
