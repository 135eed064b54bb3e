"""What is changed and refused in MLflow stands in the log of the ministry whose workspace it is, and counts there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace

from bongsu.domain.codes import mlflow as codes
from bongsu.domain.labels import OPEN, Label
from bongsu.service.audit import read_queue, reads
from bongsu.service.audit.reads import forget_old_reads
from bongsu.service.mlflow_mount import mounted, settings_of
from bongsu.service.refusals import Refusals
from bongsu.store.database import Database
from bongsu.tracking.governed import mount
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.viewer import Changed, Denial, Refused, Viewer, Visit

WHO = "lee"
SECRET = Label.parse("S")
RUN = "mlflow-run:0123"


@dataclass
class Door:
    """What MLflow's door is given by the server."""

    place: ApiPlace
    settings: GovernedSettings
    viewer_of: Callable[[Any], Awaitable[Viewer | Denial]]

    def comes(self) -> Viewer | Denial:
        headers = [(b"authorization", f"Bearer {WHO}".encode()), (b"host", b"x")]
        return asyncio.run(self.viewer_of({"type": "http", "method": "GET", "headers": headers, "state": {}}))

    @property
    def viewer(self) -> Viewer:
        found = self.comes()
        assert isinstance(found, Viewer)
        return found

    def changes(self, *changed: Changed) -> None:
        assert self.settings.record is not None
        self.settings.record(self.viewer, "mnd", changed, "request-1")

    def refused(self, workspace: str = "mnd") -> None:
        assert self.settings.note is not None
        by_rule = Refused((codes.SEALED.at(object=RUN),), RUN, SECRET)
        visit = Visit(
            self.viewer, workspace, "POST", "/r", "/r", "", 403, "request-1", (), "mlflow.run.delete", by_rule
        )
        asyncio.run(self.settings.note(visit))  # type: ignore[arg-type]

    def log(self, ministry: str = "mnd") -> list[dict[str, Any]]:
        return [json.loads(entry) for _actor, _action, entry in self.place.log(ministry)]


@pytest.fixture
def door(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    place = ApiPlace(tmp_path, database, refusals=Refusals(3))
    given: list[Any] = []

    @contextmanager
    def keep(settings: GovernedSettings, viewer_of: object) -> Iterator[None]:
        given.extend((settings, viewer_of))
        yield

    monkeypatch.setattr(mount, "mount", keep)
    with mounted(place.plane, settings_of(place.plane.base, "sqlite://")):
        pass
    yield Door(place, *given)
    place.close()


def test_what_a_training_writes_is_one_entry_an_hour(door: Door) -> None:
    writing = Changed("mlflow.run.write", RUN, OPEN, is_continuous=True)
    for _ in range(3):
        door.changes(writing)
    assert [(one["action"], one["object"], one["label"]) for one in door.log()] == [("mlflow.run.write", RUN, "O")]
    door.place.now += reads.WRITING_WINDOW_S - 1
    forget_old_reads(door.place.plane.base)
    door.changes(writing)
    assert len(door.log()) == 1
    door.changes(Changed("mlflow.run.write", RUN, SECRET, is_continuous=True))
    door.changes(Changed("mlflow.run.write", "mlflow-run:4567", OPEN, is_continuous=True))
    door.place.now += 2
    door.changes(writing)
    assert [(one["object"], one["label"]) for one in door.log()[1:]] == [
        (RUN, "S"),
        ("mlflow-run:4567", "O"),
        (RUN, "O"),
    ]


def test_what_is_written_to_things_whose_long_names_begin_alike_is_an_entry_each(door: Door) -> None:
    for last in "aba":
        door.changes(Changed("mlflow.run.write", RUN + "0" * 300 + last, OPEN, is_continuous=True))
    assert len(door.log()) == 2


def test_writing_to_a_thing_is_not_reading_it(door: Door) -> None:
    viewer = door.viewer
    reads.record_reads(door.place.plane.base, viewer.id, "mnd", [(RUN, SECRET)])  # type: ignore[arg-type]
    door.changes(Changed("mlflow.run.write", RUN, SECRET, is_continuous=True))
    assert [one["action"] for one in door.log()] == ["mlflow-run.read", "mlflow.run.write"]


def test_everything_else_is_an_entry_each_time(door: Door) -> None:
    tagged = Changed("mlflow.run.tag", RUN, SECRET, facts={"tags": ["mlflow.user"]})
    door.changes(tagged)
    door.changes(tagged, Changed("mlflow.run.write", RUN, OPEN, is_continuous=True))
    found = door.log()
    assert sorted(one["action"] for one in found) == ["mlflow.run.tag", "mlflow.run.tag", "mlflow.run.write"]
    assert {(one["actor"], one["outcome"], one["request"]) for one in found} == {
        (door.viewer.id, "done", "request-1")
    }
    assert found[0]["facts"] == {"tags": ["mlflow.user"]}


def test_a_change_that_cannot_be_recorded_raises(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(read_queue, "append_all", full)
    with pytest.raises(OSError):
        door.changes(Changed("mlflow.run.delete", RUN, OPEN))


def test_a_refusal_is_an_entry_with_rule_and_label(door: Door) -> None:
    door.refused()
    (entry,) = door.log()
    assert (entry["action"], entry["object"], entry["label"], entry["outcome"]) == (
        "mlflow.run.delete",
        RUN,
        "S",
        "refused",
    )
    assert entry["facts"] == {"codes": ["mlflow.sealed"], "rules": ["mlflow.sealed"]}


def test_what_is_refused_where_somebody_is_nothing_stands_in_the_log_of_their_own_ministry(door: Door) -> None:
    door.refused("army")
    assert [one["outcome"] for one in door.log("mnd")] == ["refused"]
    assert door.log("army") == []


def test_who_is_refused_too_often_waits_at_mlflow_too(door: Door) -> None:
    for _ in range(3):
        door.refused()
    found = door.comes()
    assert isinstance(found, Denial)
    assert (found.status, found.code) == (429, "REQUEST_LIMIT_EXCEEDED")
    assert "(api.too-many-refused)" in found.message
    assert found.retry_s >= 1
    assert [one["action"] for one in door.log()][-1] == "requests.stop"
