"""What a run of a ministry took of another one: it follows the giver's label, and stays the giver's to permit."""

from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from governed_places import ADMINISTRATION, SENSITIVE
from service_places import drive
from shared_places import MODEL, SharedPlace
from sqlalchemy import Connection, update

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.reconciler.gate import objections
from bongsu.service import labels as labels_service
from bongsu.service import submitting
from bongsu.service.datasets import register_dataset
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input
from bongsu.service.labels import raise_label
from bongsu.service.submitting import submit
from bongsu.service.uploading import take_upload
from bongsu.store import datasets, models
from bongsu.store.artifacts import find_owned, list_artifacts, note_artifact
from bongsu.store.database import Database
from bongsu.store.records import ModelVersionRecord
from bongsu.store.runs import get_run
from bongsu.store.schema import artifacts
from bongsu.store.schema_people import people

LAW, AXK1 = "datasets://mnd/law/1", "models://mnd/axk1/1"
ARMY = Tenant("army")
WHY = "It names people"


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[SharedPlace]:
    made = SharedPlace(tmp_path, database)
    made.cluster.artifacts = made.part(ARMY)
    made.share()
    yield made
    made.close()


def labels(place: SharedPlace, *digests: Digest, ministry: str = "army") -> set[str | None]:
    with place.of(ministry).read() as connection:
        known = [find_owned(connection, digest) for digest in digests]
    return {one.label if one else None for one in known}


def raised(place: SharedPlace, ministry: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Who raised what, with the facts of the entry."""
    found = [(who, json.loads(entry)) for who, did, entry in place.log(ministry) if did == "label.raise"]
    return [(who, entry["object"], entry["facts"]) for who, entry in found]


def register(place: SharedPlace, uri: str, person: str = "army-dc") -> str:
    return register_dataset(place.army(person), "ours", uri, place.folder).label


def run_whole(place: SharedPlace, address: str = LAW) -> tuple[RunId, list[Digest]]:
    """A run of the army that ended well, and what it made."""
    run = place.run_taking(address)
    (driven,) = drive(place.of("army"), [run]).runs
    assert driven.state.value == "succeeded", driven
    with place.of("army").read() as connection:
        return run, [one.digest for one in list_artifacts(connection) if one.run_id == run]


def raise_law(place: SharedPlace, label: Label = SENSITIVE) -> None:
    raise_label(place.taker("dc"), "datasets:/law/1", label, WHY)


def codes_of(caught: pytest.ExceptionInfo[BongsuError]) -> set[str]:
    return {one.code.name for one in caught.value.problems}


def have_of_its_own(place: SharedPlace) -> None:
    """The army has the very bytes of the law, and not from MND."""
    writer, there = place.part(ARMY).writer("own"), place.part(Tenant("mnd")).reader(place.law)
    for entry in there.manifest.files:
        writer.add(entry.path, there.local() / entry.path)
    assert writer.commit().digest == place.law
    with place.of("army").write() as connection:
        note_artifact(connection, ArtifactRef(digest=place.law, type=ArtifactType.DOCUMENTS, size=1), "own", 1.0)


def archive(place: SharedPlace) -> Path:
    file = place.folder / "law.tar"
    there = place.part(Tenant("mnd")).reader(place.law)
    with tarfile.open(file, "w") as tar:
        for entry in there.manifest.files:
            tar.add(there.local() / entry.path, entry.path)
    return file


def clear_for(place: SharedPlace, person: str, clearance: Label) -> None:
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == person).values(clearance=str(clearance)))


# -- a label that rises at the giver -------------------------------------------------------------------------------


def test_it_reaches_what_was_taken_and_what_was_made_of_it(place: SharedPlace) -> None:
    run, made = run_whole(place)
    register(place, f"artifact:{place.law}")
    assert made
    assert labels(place, place.law, *made) == {"O"}
    raise_law(place)
    assert labels(place, place.law, *made) == {"S"}
    with place.of("army").read() as connection:
        assert get_run(connection, run).label == "S"
        (ours,) = datasets.list_dataset_versions(connection, "ours")
    assert ours.label == "S"
    (entry,) = raised(place, "army")
    assert entry[:2] == ("system", f"artifact:{place.law}")
    assert (entry[2]["giver"], entry[2]["to"], entry[2]["count"]) == ("mnd", "S", 1 + len(made))
    assert WHY not in json.dumps(entry), "the giver's reason is for the giver's people"
    assert [facts["reason"] for _who, _what, facts in raised(place, "mnd")] == [WHY]
    assert any(run in one and "relabelled" in one.lower() for one in place.told()), "MLflow is told to look"


def test_it_reaches_what_was_taken_under_a_permit_that_is_over(place: SharedPlace) -> None:
    place.run_taking(LAW)
    place.revoke_all()
    raise_law(place)
    assert labels(place, place.law) == {"S"}


def test_it_is_the_label_of_a_run_that_is_submitted_after_it_was_planned(place: SharedPlace) -> None:
    plan = place.plan_taking(LAW)
    raise_law(place)
    submit(place.army(), plan)
    assert labels(place, place.law) == {"S"}


@pytest.mark.parametrize("first", ["submission", "rise"])
def test_it_reaches_what_is_taken_at_the_very_moment(
    place: SharedPlace, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    plan, has_acted, has_come = place.plan_taking(LAW), threading.Event(), threading.Event()
    leads: set[int] = set()
    acts: list[Callable[[], object]] = [lambda: submit(place.army(), plan), lambda: raise_law(place)]
    leader = submitting if first == "submission" else labels_service
    append_all, write = leader.append_all, Database.write

    def append_slowly(*given: Any) -> None:
        append_all(*given)
        leads.add(threading.get_ident())
        has_acted.set()
        assert has_come.wait(60), "the other has decided by what it has read, and is about to write"

    def write_noting(database: Database, *given: Any) -> AbstractContextManager[Connection]:
        if has_acted.is_set() and threading.get_ident() not in leads:
            has_come.set()
        return write(database, *given)

    monkeypatch.setattr(leader, "append_all", append_slowly)
    monkeypatch.setattr(Database, "write", write_noting)
    lead, follow = acts if first == "submission" else reversed(acts)
    with ThreadPoolExecutor(2) as pool:
        leading = pool.submit(lead)
        assert has_acted.wait(30)
        following = pool.submit(follow)
        leading.result(30)
        following.result(30)
    assert labels(place, place.law) == {"S"}


def test_it_reaches_nothing_that_a_ministry_has_of_its_own(place: SharedPlace) -> None:
    have_of_its_own(place)
    place.run_taking(LAW)
    raise_law(place)
    assert labels(place, place.law) == {"O"}
    assert raised(place, "army") == []
    assert register(place, f"artifact:{place.law}") == "O"


def test_it_goes_on_to_whoever_took_what_was_made_of_it_elsewhere(place: SharedPlace) -> None:
    _run, made = run_whole(place)
    shared = made[0]
    place.permit_use()
    register_dataset(place.army("army-dc"), "derived", f"artifact:{shared}", place.folder)
    place.permit_of_army("derived")
    place.share("dataset:derived/1", giver="army")
    place.run_taking("datasets://army/derived/1", "kim")
    raise_law(place)
    assert labels(place, shared, ministry="mnd") == {"S"}
    assert {facts.get("giver") for _who, _what, facts in raised(place, "mnd")} == {None, "army"}


# -- registering and sending what was shared -----------------------------------------------------------------------


def test_who_registers_what_was_shared_registers_it_at_the_givers_label(place: SharedPlace) -> None:
    place.run_taking(LAW)
    with place.platform.write() as connection:  # as it is where it was taken before labels followed
        theirs = artifacts.c.tenant == "mnd", artifacts.c.digest == place.law
        connection.execute(update(artifacts).where(*theirs).values(label="S"))
    assert labels(place, place.law) == {"O"}
    assert register(place, f"artifact:{place.law}") == "S"


@pytest.mark.parametrize("end", ["holds", "over"])
def test_who_sends_what_was_shared_has_it_at_the_givers_label(place: SharedPlace, end: str) -> None:
    raise_law(place)
    if end == "over":
        place.revoke_all()
    sent = take_upload(place.army(), archive(place), "law", None, is_model=False)
    assert (sent.digest, sent.label) == (place.law, "S")


def test_who_may_not_see_it_at_the_givers_is_refused_as_for_bytes_above_their_clearance(place: SharedPlace) -> None:
    raise_law(place)
    clear_for(place, "army-eng", OPEN)
    with pytest.raises(BongsuError) as caught:
        take_upload(place.army(), archive(place), "law", None, is_model=False)
    assert codes_of(caught) == {"access.above-clearance"}
    assert labels(place, place.law) == {None}, "and nothing of it is known afterwards"


def test_a_ministry_that_had_them_before_sends_its_own_bytes_again(place: SharedPlace) -> None:
    have_of_its_own(place)
    raise_law(place)
    assert take_upload(place.army(), archive(place), "law", None, is_model=False).label == "O"


# -- the giver's permit --------------------------------------------------------------------------------------------


def objections_to(place: SharedPlace, digest: Digest, type_: ArtifactType = ArtifactType.DOCUMENTS) -> set[str]:
    plan = place.plan_taking(f"artifact:{digest}", is_model=type_ is ArtifactType.MODEL)
    with place.of("army").read() as connection:
        return {one.code.name for one in objections(connection, plan, place.now)}


def test_a_copy_is_taken_by_its_digest_while_the_permit_holds(place: SharedPlace) -> None:
    _run, made = run_whole(place)
    assert objections_to(place, place.law) == set()
    assert objections_to(place, made[0]) == set()
    place.revoke_all()
    assert objections_to(place, place.law) == {"data.not-permitted"}
    assert objections_to(place, made[0]) == {"data.not-permitted"}


def test_no_permit_of_the_receiver_takes_the_place_of_the_givers(place: SharedPlace) -> None:
    place.run_taking(LAW)
    register(place, f"artifact:{place.law}")
    place.permit_of_army("ours")
    assert objections_to(place, place.law) == set()
    place.revoke_all()
    assert objections_to(place, place.law) == {"data.not-permitted"}
    place.now += 1
    place.share()
    assert objections_to(place, place.law) == set()


def test_bytes_of_its_own_a_ministry_permits_itself(place: SharedPlace) -> None:
    have_of_its_own(place)
    place.run_taking(LAW)
    register(place, f"artifact:{place.law}")
    place.permit_of_army("ours")
    place.revoke_all()
    assert objections_to(place, place.law) == set()


def version_of(place: SharedPlace) -> ModelVersionRecord:
    with place.platform.read() as connection:
        (version,) = models.list_versions(connection, "axk1")
    return version


def test_a_model_that_was_taken_is_not_made_ones_own_by_registering_it(place: SharedPlace) -> None:
    permit = place.share(MODEL)
    place.run_taking(AXK1)
    with place.of("army").write() as connection:
        models.add_version(
            connection, replace(version_of(place), name="ours", ministry="army", run_id=RunId("r-1"))
        )
    assert objections_to(place, place.model, ArtifactType.MODEL) == set()
    place.revoke(permit)
    assert objections_to(place, place.model, ArtifactType.MODEL) == {"data.model-not-shared"}


# -- bytes that no run has -----------------------------------------------------------------------------------------


def test_bytes_that_were_copied_for_no_run_are_taken_by_nobody(
    place: SharedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(*_args: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(submitting, "note_brought", die)
        with pytest.raises(Died):
            place.run_taking(LAW)
    assert place.part(ARMY).has(place.law)
    for end in ("holds", "over"):
        if end == "over":
            place.revoke_all()
        given = Input(dataset=f"artifact:{place.law}", label=OPEN)
        with pytest.raises(BongsuError) as caught:
            resolve_input(place.army(), "it", given, Files(place.folder), purpose=ADMINISTRATION)
        assert codes_of(caught) == {"run.input-missing"}
        with pytest.raises(BongsuError) as caught:
            register(place, f"artifact:{place.law}")
        assert codes_of(caught) == {"run.input-missing"}
    with place.of("army").read() as connection:
        assert list_artifacts(connection) == []
