"""What MLflow is about to show stands in the log of the ministry whose workspace it is, or is not shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from api_places import ApiPlace

from bongsu.domain.labels import Label
from bongsu.domain.problems import BongsuError
from bongsu.service.audit import read_queue, reads
from bongsu.service.mlflow_mount import mounted, settings_of
from bongsu.store.database import Database
from bongsu.tracking.governed import mount
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.viewer import Shown, Viewer, Visit

GUEST = Viewer("army/guk", frozenset({"army"}), "army", Label.parse("C"))


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database)
    yield made
    made.close()


@pytest.fixture
def visited(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Tells the server of a visit, as MLflow's door does."""
    given: list[GovernedSettings] = []

    @contextmanager
    def keep(settings: GovernedSettings, _viewer_of: object) -> Iterator[None]:
        given.append(settings)
        yield

    monkeypatch.setattr(mount, "mount", keep)
    with mounted(place.plane, settings_of(place.plane.base, "sqlite://")):
        pass
    note = given[0].note
    assert note is not None

    def call(*shown: tuple[str, str], viewer: Viewer | None = GUEST) -> None:
        things = tuple(Shown(name, Label.parse(label)) for name, label in shown)
        asyncio.run(note(Visit(viewer, "mnd", "GET", "/r", "/r", "", 200, "request-1", things)))  # type: ignore[arg-type]

    return call


def entries(place: ApiPlace) -> list[tuple[str, str, str, str, str]]:
    found = [json.loads(entry) for _actor, _action, entry in place.log()]
    return [(one["actor"], one["action"], one["object"], one["label"], one["request"]) for one in found]


def test_each_thing_is_recorded_once_in_the_log_of_whose_it_is(
    place: ApiPlace, visited: Callable[..., None]
) -> None:
    model, run = ("model:axk1/3", "S"), ("mlflow-run:0123", "C")
    visited(model, run)
    visited(model, run)
    assert entries(place) == [
        ("army/guk", "mlflow-run.read", "mlflow-run:0123", "C", "request-1"),
        ("army/guk", "model.read", "model:axk1/3", "S", "request-1"),
    ]
    assert place.log("army") == []
    place.now += reads.WINDOW_S
    visited(("model:axk1/3", "S"), ("model:axk1/4", "S"))
    assert [entry[2] for entry in entries(place)[2:]] == ["model:axk1/3", "model:axk1/4"]


def test_who_is_nobody_and_who_is_shown_nothing_make_no_entry(
    place: ApiPlace, visited: Callable[..., None]
) -> None:
    visited()
    visited(("model:axk1/3", "S"), viewer=None)
    assert entries(place) == []


def test_what_cannot_be_recorded_is_said_before_the_answer(
    place: ApiPlace, visited: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        from bongsu.domain.codes.run import DATABASE_FULL

        raise DATABASE_FULL.error(url="x", detail="disk full")

    monkeypatch.setattr(read_queue, "append_all", full)
    with pytest.raises(BongsuError):
        visited(("model:axk1/3", "S"))
