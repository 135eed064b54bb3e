"""Each change stands in the log of the home, in the same transaction: both are there, or neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_documents import run_with_everything
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.domain.audit import Author
from bongsu.domain.labels import Grade
from bongsu.domain.tenants import HOME, Tenant
from bongsu.service.audit.checking import check_log
from bongsu.service.audit.reading import list_entries
from bongsu.service.cancelling import request_cancel
from bongsu.service.datasets import list_datasets, register_dataset
from bongsu.service.local_actor import local_actor
from bongsu.service.owner import OWNER
from bongsu.service.platform import Platform
from bongsu.service.resuming import resume
from bongsu.service.showing import list_runs
from bongsu.service.submitting import submit
from bongsu.store.audit_tree import size_of


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def recorded(platform: Platform, tenant: Tenant = HOME) -> list[dict[str, Any]]:
    """What the log holds, the oldest first."""
    page = list_entries(platform, local_actor(), tenant, limit=1000)
    return [entry.content for entry in reversed(page.entries) if entry.content]


def told(platform: Platform) -> list[tuple[str, str, str]]:
    return [(entry["actor"], entry["action"], entry["object"]) for entry in recorded(platform)]


def test_a_run_leaves_an_entry_for_what_people_did_and_for_each_version(place: Place) -> None:
    run = run_with_everything(place)
    actions = [(action, object_) for _actor, action, object_ in told(place.platform)]
    assert actions[0] == ("run.submit", f"run:{run}")
    versions = [entry for entry in recorded(place.platform) if entry["action"] == "model.register"]
    assert versions
    assert all(entry["actor"] == "system" and entry["facts"]["run"] == run for entry in versions)
    assert check_log(place.platform, local_actor(), HOME).size == len(actions)


def test_cancelling_and_resuming_are_recorded_in_the_name_of_who_asked(place: Place) -> None:
    kim = replace(OWNER, id="local:kim")
    platform = replace(place.platform, actor=kim, author=Author(actor=kim.id, request_id="req-1"))
    run = submit(platform, plan_of(stage("a"))).run.id
    request_cancel(platform, run)
    drive(place.platform, [run])
    resume(platform, run)
    resume(platform, run)  # under way: nothing is changed
    assert told(platform) == [("local:kim", f"run.{verb}", f"run:{run}") for verb in ("submit", "cancel", "resume")]
    last = recorded(platform)[-1]
    assert (last["request"], last["facts"]) == ("req-1", {"stages": ["a"]})


def test_a_data_set_that_is_there_already_is_no_second_entry(place: Place, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("제1조")
    for grade in (None, None, Grade.SENSITIVE, Grade.SENSITIVE):
        register_dataset(place.platform, "law", "file:law.txt", tmp_path, grade)
    (added, raised) = recorded(place.platform)
    digest = list_datasets(place.platform)[0].digest
    assert (added["object"], added["label"], added["facts"]["digest"]) == ("dataset:law/1", "O", digest)
    assert (raised["object"], raised["facts"]["to"], raised["label"]) == (f"artifact:{digest}", "S", "S")


def test_what_cannot_be_recorded_is_not_done(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no room for the log")

    (tmp_path / "law.txt").write_text("제1조")
    for module in ("submitting", "datasets"):
        monkeypatch.setattr(f"bongsu.service.{module}.append_all", fail)
    with pytest.raises(OSError, match="no room"):
        submit(place.platform, plan_of(stage("a")))
    with pytest.raises(OSError, match="no room"):
        register_dataset(place.platform, "law", "file:law.txt", tmp_path)
    assert list_runs(place.platform) == []
    assert list_datasets(place.platform) == []


def test_another_tenants_work_is_in_its_own_log(place: Place) -> None:
    server = replace(place.platform, author=Author(Tenant("mnd"), "mnd/kim"))
    submit(server, plan_of(stage("a")))
    assert recorded(place.platform) == []
    with place.platform.database.read() as connection:
        assert size_of(connection, Tenant("mnd")) == 1
