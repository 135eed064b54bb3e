"""Inputs of another ministry: had by an access permit for exactly this version and this purpose, and not otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from governed_places import ADMINISTRATION, DAY, SENSITIVE
from shared_places import DATA, MODEL, SharedPlace
from sqlalchemy import update

from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.planner.facts import ResolvedInput
from bongsu.reconciler.gate import objections
from bongsu.service.inputs import bringing
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import faulty_inputs, resolve_input
from bongsu.service.submitting import submit
from bongsu.store.artifacts import get_artifact
from bongsu.store.database import Database
from bongsu.store.lineage import get_nodes
from bongsu.store.node_ids import input_node
from bongsu.store.schema_people import people

LAW, AXK1 = "datasets://mnd/law/1", "models://mnd/axk1/1"
MEDICAL = UseClass.MEDICAL_SUPPORT


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[SharedPlace]:
    made = SharedPlace(tmp_path, database, SENSITIVE)
    yield made
    made.close()


def given(uri: str) -> Input:
    return Input(model=uri) if uri.startswith("models") else Input(dataset=uri)


def take(place: SharedPlace, uri: str, purpose: UseClass | None = ADMINISTRATION) -> ResolvedInput:
    return resolve_input(place.army(), "it", given(uri), Files(place.folder), purpose=purpose)


def refused(place: SharedPlace, uri: str, purpose: UseClass | None = ADMINISTRATION) -> str:
    with pytest.raises(BongsuError) as caught:
        take(place, uri, purpose)
    (problem,) = caught.value.problems
    assert problem.code.name == "run.input-missing"
    return str(problem.as_dict(lambda text: text)).replace(uri, "ADDRESS")


def is_there(place: SharedPlace, digest: Digest) -> bool:
    with place.army().read() as connection:
        known = get_artifact(connection, digest) is not None
    return known or place.part(Tenant("army")).has(digest)


@pytest.mark.parametrize(("object_", "uri"), [(DATA, LAW), (MODEL, AXK1)])
def test_what_is_shared_is_brought_with_its_label_and_where_it_came_from(
    place: SharedPlace, object_: str, uri: str
) -> None:
    place.share(MODEL if object_ == DATA else DATA)
    permit = place.share(object_)
    digest = place.law if object_ == DATA else place.model
    assert not is_there(place, digest)
    assert take(place, uri).ref.label == SENSITIVE
    assert not is_there(place, digest), "a plan is a look"
    place.run_taking(uri)
    reader = place.part(Tenant("army")).reader(digest)
    reader.verify()
    with place.army().read() as connection:
        known = get_artifact(connection, digest)
        (node,) = get_nodes(connection, [input_node(uri)])
    assert known is not None
    assert known.label == "S"
    assert (node.body["ministry"], node.body["permits"]) == ("mnd", [permit])
    for log in ("mnd", "army"):
        assert [(who, did) for who, did, _entry in place.log(log) if did == "permit.take"] == [
            ("army-eng", "permit.take")
        ]
    assert ("army-eng", f"{object_.partition(':')[0]}.read") in [(who, did) for who, did, _ in place.log("mnd")]
    place.run_taking(uri, name="another")
    assert len([1 for _who, did, _entry in place.log("mnd") if did == "permit.take"]) == 1, "it was brought once"


REASONS: dict[str, Callable[[SharedPlace], object]] = {
    "ended": lambda place: (place.share(days=1), setattr(place, "now", place.now + DAY)),
    "revoked": lambda place: place.revoke(place.share()),
    "not begun": lambda place: place.share(begins=place.now + DAY),
    "another purpose": lambda place: place.share(purpose=MEDICAL),
    "a model": lambda place: place.share(MODEL),
    "a reader who is not cleared": lambda place: (place.share(), clear_for_nothing(place)),
}


def clear_for_nothing(place: SharedPlace) -> None:
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == "army-eng").values(clearance=str(OPEN)))


@pytest.mark.parametrize("reason", REASONS)
def test_whatever_the_reason_the_answer_is_that_of_what_never_was(place: SharedPlace, reason: str) -> None:
    never = refused(place, "datasets://mnd/nothing/1")
    REASONS[reason](place)
    assert refused(place, LAW) == never
    assert refused(place, "datasets://mnd/law/2") == never
    assert refused(place, "datasets://nowhere/law/1") == never
    assert refused(place, LAW, None) == never, "what no run takes has no purpose"
    found = faulty_inputs(place.army(), {"it": given(LAW)}, Files(place.folder), ADMINISTRATION)
    assert [str(one.as_dict(lambda text: text)).replace(LAW, "ADDRESS") for one in found] == [never]
    assert not is_there(place, place.law)


def test_a_file_is_checked_without_anything_being_brought(place: SharedPlace) -> None:
    place.share(MODEL)
    assert not list(faulty_inputs(place.army(), {"it": given(AXK1)}, Files(place.folder), ADMINISTRATION))
    assert not list(faulty_inputs(place.army(), {"it": given(LAW)}, Files(place.folder), None))
    assert not is_there(place, place.model)


def test_a_copy_that_was_interrupted_is_seen_by_nobody_and_goes_on(
    place: SharedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.share()

    class Died(BaseException):
        pass

    def die(*_args: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(bringing, "note_artifact", die)
        with pytest.raises(Died):
            place.run_taking(LAW)
    with place.army().read() as connection:
        assert get_artifact(connection, place.law) is None
    place.run_taking(LAW)
    assert is_there(place, place.law)


def test_bytes_that_are_damaged_where_they_come_from_do_not_come(place: SharedPlace) -> None:
    place.share()
    file = place.part(Tenant("mnd")).reader(place.law).local() / "file.txt"
    file.chmod(0o600)
    file.write_text("wal")
    with pytest.raises(BongsuError) as caught:
        place.run_taking(LAW)
    assert {one.code.name for one in caught.value.problems} == {"artifact.corrupt"}
    assert not is_there(place, place.law)


@pytest.mark.parametrize("end", ["revoked", "ended"])
def test_what_was_brought_is_launched_while_the_permit_holds(place: SharedPlace, end: str) -> None:
    place.share()
    permit = place.share(MODEL)
    plan = place.plan_taking(AXK1)
    submit(place.army(), plan)
    with place.army().read() as connection:
        assert objections(connection, plan, place.now) == []
    if end == "revoked":
        place.revoke(permit)
    else:
        place.now += 31 * DAY
    with place.army().read() as connection:
        found = {one.code.name for one in objections(connection, plan, place.now)}
    assert "data.model-not-shared" in found
