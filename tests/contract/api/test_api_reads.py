"""Who reads over HTTP what is not for everybody stands in the log of the ministry whose it is, before it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace
from governed_places import ADMINISTRATION, DAY, SECRET, SENSITIVE
from sqlalchemy import update

from bongsu.domain.codes.run import DATABASE_FULL
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Role
from bongsu.service.audit import read_queue, reads
from bongsu.service.governance.access_permits import AccessRequest, give_access
from bongsu.service.governance.proposing import propose
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.store.database import Database
from bongsu.store.node_ids import artifact_node
from bongsu.store.schema_people import people

PAGES = (
    "",
    "/plan",
    "/metrics",
    "/progress",
    "/report",
    "/events",
    "/logs",
    "/stages/a/logs",
    "/lineage",
    "/stages",
)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database)
    made.permit_use()
    yield made
    made.close()


def read_by(place: ApiPlace, person: str, path: str, status: int = 200) -> list[tuple[str, str, str]]:
    """What a request makes stand in MND's log: action, object and label."""
    before = len(place.log())
    response = place.ask(person, "GET", path, headers={"X-Request-Id": "request-1"})
    assert response.status_code == status, response.text
    found = [(actor, json.loads(entry)) for actor, _action, entry in place.log()[before:]]
    outcome = "done" if status == 200 else "refused"
    assert {(actor, entry["request"], entry["outcome"]) for actor, entry in found} <= {
        (person, "request-1", outcome)
    }
    return [(entry["action"], entry["object"], entry["label"]) for _actor, entry in found]


@pytest.mark.parametrize("page", PAGES)
def test_a_run_above_o_is_recorded_whichever_of_its_pages_is_read(place: ApiPlace, page: str) -> None:
    protected, plain = place.run_of("kim", "secret", SENSITIVE), place.run_of("kim", "plain")
    assert read_by(place, "kim", f"/v1/runs/{protected}{page}") == [("run.read", f"run:{protected}", "S")]
    assert read_by(place, "kim", f"/v1/runs/{plain}{page}") == []


def test_what_is_permitted_approved_and_stopped_is_recorded_as_well(place: ApiPlace) -> None:
    place.permit_data()
    place.register(label=SENSITIVE)
    place.add_dataset("war", place.tree("war"), SENSITIVE)
    made = propose(place.platform, place.actor("lee"), place.wish())
    suspend(place.platform, place.actor("acc"), StopRequest("mnd", "axk1", 1, "It leaks"))
    place.permit_data(name="war")
    times = (place.now, place.now + DAY)
    request = AccessRequest("dataset:war/1", "mnd", "army", ADMINISTRATION, *times, "They asked")
    give_access(place.platform, place.actor("dc"), request)
    for person, page, recorded in (
        ("lee", f"/v1/ministries/mnd/approvals/{made.id}", ("approval.read", f"approval:{made.id}", "S")),
        ("lee", "/v1/approvals", ("list.read", "list:approvals", "S")),
        ("lee", "/v1/suspensions", ("list.read", "list:suspensions", "S")),
        ("dc", "/v1/data-permits", ("list.read", "list:data-permits", "S")),
        ("dc", "/v1/access-permits", ("list.read", "list:access-permits", "S")),
        ("aud", "/v1/ministries/mnd/audit/entries", ("audit.read", "audit:mnd", "S")),
    ):
        assert read_by(place, person, page) == [recorded]
        assert read_by(place, person, page) == [], "until the window is over"
    place.now += reads.WINDOW_S
    entries = place.ask("aud", "GET", "/v1/ministries/mnd/audit/entries?action=approval.read").json()["items"]
    place.now += reads.WINDOW_S
    (one,) = entries
    page = f"/v1/ministries/mnd/audit/entries/{one['position']}"
    assert read_by(place, "aud", page) == [("audit.read", "audit:mnd", "S")]


def test_reading_on_is_one_entry_until_the_window_is_over(place: ApiPlace) -> None:
    run = place.run_of("kim", "secret", SENSITIVE)
    first = read_by(place, "kim", f"/v1/runs/{run}")
    assert len(first) == 1
    place.now += reads.WINDOW_S - 1
    assert [read_by(place, "kim", f"/v1/runs/{run}{page}") for page in PAGES] == [[]] * len(PAGES)
    assert read_by(place, "lee", f"/v1/runs/{run}") == first, "another reader is another reading"
    place.now += 1
    assert read_by(place, "kim", f"/v1/runs/{run}/plan") == first


def test_what_is_not_given_is_not_read(place: ApiPlace) -> None:
    run = place.run_of("kim", "secret", SENSITIVE)
    assert read_by(place, "army-eng", f"/v1/runs/{run}", 404) == []
    assert read_by(place, "lee", f"/v1/runs/{run}/logs", 403) == [("logs.read", f"run:{run}", "S")], "as refused"
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == "kim").values(clearance=str(OPEN)))
    assert read_by(place, "kim", f"/v1/runs/{run}", 404) == []
    assert read_by(place, "kim", "/v1/runs") == []


def test_a_list_is_recorded_as_one_with_the_highest_label_that_stands_on_it(place: ApiPlace) -> None:
    for number, label in enumerate((SECRET, OPEN, SENSITIVE, OPEN)):
        place.now += 1
        place.run_of("kim", f"p-{number}", label)
    assert read_by(place, "kim", "/v1/runs?limit=1") == []
    assert read_by(place, "kim", "/v1/runs?limit=3") == [("list.read", "list:runs", "S")]
    assert read_by(place, "kim", "/v1/runs") == [("list.read", "list:runs", "C")]
    assert read_by(place, "kim", "/v1/runs?limit=3") == [], "C reaches as high"
    assert read_by(place, "kim", "/v1/search?q=p-2") == [("list.read", "list:found", "S")]


def test_a_list_over_two_ministries_is_recorded_in_each_for_itself(place: ApiPlace) -> None:
    place.permit_use(ministry="army")
    place.add_role("kim", "army", Role.ENGINEER)
    place.run_of("kim", "secret", SENSITIVE)
    place.run_of("army-eng", "secret", SECRET)
    assert read_by(place, "kim", "/v1/runs") == [("list.read", "list:runs", "S")]
    _actor, action, entry = place.log("army")[-1]
    assert (action, json.loads(entry)["label"], json.loads(entry)["actor"]) == ("list.read", "C", "kim")


def test_models_data_sets_lineage_and_artifacts_are_recorded_by_what_was_asked_for(place: ApiPlace) -> None:
    place.register("open")
    digest = place.register("deep", label=SENSITIVE)
    plans = place.tree("plans")
    place.add_dataset("plans", plans, SECRET)
    v1, of = "/v1", "/v1/ministries/mnd"
    assert read_by(place, "kim", f"{v1}/models?name=open") == []
    assert read_by(place, "kim", f"{v1}/models?name=deep") == [("model.read", "model:deep", "S")]
    assert read_by(place, "kim", f"{v1}/models") == [("list.read", "list:models", "S")]
    assert read_by(place, "kim", f"{v1}/datasets?name=law") == []
    assert read_by(place, "kim", f"{v1}/datasets") == [("list.read", "list:datasets", "C")]
    node = artifact_node(digest)
    assert read_by(place, "kim", f"{of}/lineage?of={digest}") == [("lineage.read", f"lineage:{node}", "S")]
    assert read_by(place, "lee", f"{of}/labels?of={digest}") == [("lineage.read", f"lineage:{node}", "S")]
    assert read_by(place, "kim", f"{of}/artifacts/{place.law}/files/file.txt") == []
    for path in (f"artifacts/{plans}", f"artifacts/{plans}/files/file.txt"):
        place.now += reads.WINDOW_S
        assert read_by(place, "kim", f"{of}/{path}") == [("artifact.read", f"artifact:{plans}", "C")]


def test_what_cannot_be_recorded_is_not_given(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = place.run_of("kim", "secret", SENSITIVE)

    def full(*_: object) -> int:
        raise DATABASE_FULL.error(url="x", detail="disk full")

    monkeypatch.setattr(read_queue, "append_all", full)
    for path in (f"/v1/runs/{run}", f"/v1/runs/{run}/logs", "/v1/runs"):
        response = place.ask("kim", "GET", path)
        assert (response.status_code, "secret" in response.text) == (503, False), path
    monkeypatch.undo()
    assert len(read_by(place, "kim", f"/v1/runs/{run}")) == 1, "and nothing says that it was read"
