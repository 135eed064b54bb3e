"""Cache, history, artifacts, model versions and data sets: what is kept and how it is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from small_plans import plan_of, ref_of, stage
from sqlalchemy import Connection
from store_places import NOW, RUN, submitted

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import AttemptId, RunId, StageId, digest_of
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.lineage import NodeKind
from bongsu.domain.paging import PageRequest
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME
from bongsu.planner.facts import EarlierWork
from bongsu.store import artifacts, cache, datasets, history, lineage, models
from bongsu.store.artifacts import Maker
from bongsu.store.cache import CacheEntry
from bongsu.store.database import Database
from bongsu.store.history import NewEvent
from bongsu.store.lineage import Node
from bongsu.store.node_ids import stage_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.scope import Scope

SENSITIVE = Label(grade=Grade.SENSITIVE)
KEY = digest_of(b"key")


# -- cache ---------------------------------------------------------------------------------------------------------


def entry(parts: dict[str, Any], **changes: Any) -> CacheEntry:
    plain = CacheEntry(KEY, "sample", RUN, "a", parts, outputs={}, metrics={}, seconds=1.0, created_at=NOW)
    return replace(plain, **changes)


def labelled(connection: Connection, label: Label = OPEN) -> None:
    """What the stage that made the work carries."""
    here = stage_node(RUN, "a")
    lineage.put_nodes(connection, [Node(here, NodeKind.RUN_STAGE, "a", str(label), {})])


def test_outputs_are_found_by_their_key_and_the_newest_stands(database: Database) -> None:
    with database.write() as connection:
        labelled(connection)
        for text, seconds in (("old", 10.0), ("new", 20.0)):
            outputs = {"files": ref_of(text)}
            cache.remember(connection, entry({"p": text}, outputs=outputs, metrics={"loss": 1.0}, seconds=seconds))
        assert cache.find_work(connection, KEY) == EarlierWork({"files": ref_of("new")}, {"loss": 1.0})
        assert cache.find_work(connection, digest_of(b"other")) is None
        assert cache.usual_seconds(connection, "sample") == {"a": 20.0}


@pytest.mark.parametrize("what", ["stated", "stage", "tree"])
def test_work_carries_the_highest_of_what_it_was_made_under_and_what_it_rose_to(
    database: Database, what: str
) -> None:
    ref = ref_of("x")
    higher = ref.model_copy(update={"label": SENSITIVE})
    with database.write() as connection:
        labelled(connection)
        cache.remember(connection, entry({}, outputs={"files": higher if what == "stated" else ref}))
        if what == "stage":
            labelled(connection, SENSITIVE)
        if what == "tree":
            artifacts.note_artifact(connection, higher, "x", NOW)
    for clearance, is_there in ((None, True), (OPEN, False), (SENSITIVE, True)):
        with database.read(Scope.of(HOME, clearance)) as connection:
            found = cache.find_work(connection, KEY)
        assert (found is not None) is is_there
        if found is not None:
            assert found.under(OPEN) is None
            assert found.under(SENSITIVE) == EarlierWork({"files": higher}, {}, SENSITIVE)


def test_work_without_outputs_is_hidden_with_the_stage_that_did_it(database: Database) -> None:
    with database.write() as connection:
        labelled(connection, SENSITIVE)
        cache.remember(connection, entry({}, metrics={"loss": 1.0}))
        assert cache.find_work(connection, KEY) == EarlierWork({}, {"loss": 1.0}, SENSITIVE)
    with database.read(Scope.of(HOME, OPEN)) as connection:
        assert cache.find_work(connection, KEY) is None


def test_work_of_which_nobody_knows_who_did_it_is_not_taken(database: Database) -> None:
    with database.write() as connection:
        cache.remember(connection, entry({}, outputs={"files": ref_of("x")}))
        assert cache.find_work(connection, KEY) is None


def test_the_parts_of_the_newest_entry_of_a_stage_are_kept(database: Database) -> None:
    submitted(database)
    with database.write() as connection:
        for place, (pipeline, text) in enumerate((("sample", "one"), ("sample", "two"), ("other", "three"))):
            key = digest_of(text.encode())
            made = entry({"가": text}, key=key, pipeline=pipeline, seconds=place + 1.0, created_at=NOW + place)
            cache.remember(connection, made)
        assert cache.last_parts(connection, "sample") == {"a": {"가": "two"}}
        assert cache.last_parts(connection, "none") == {}
        assert cache.usual_seconds(connection, "sample") == {"a": 1.5}


def test_the_parts_of_a_stage_are_those_of_the_newest_run_that_is_seen(database: Database) -> None:
    higher = RunId("r-000000000002")
    submitted(database)
    submitted(database, higher, plan_of(stage("a", label=SENSITIVE)))
    with database.write() as connection:
        for run, text in ((RUN, "one"), (higher, "two")):
            made = entry({"p": text}, run_id=run, key=digest_of(text.encode()), created_at=NOW + len(text))
            cache.remember(connection, made)
        cache.remember(connection, entry({"p": "three"}, run_id=higher, created_at=NOW + 9, key=digest_of(b"3")))
    for clearance, expected in ((OPEN, "one"), (SENSITIVE, "three")):
        with database.read(Scope.of(HOME, clearance)) as connection:
            assert cache.last_parts(connection, "sample") == {"a": {"p": expected}}


def test_an_input_is_known_until_it_is_touched(database: Database) -> None:
    first, second = digest_of(b"1"), digest_of(b"2")
    with database.write() as connection:
        cache.remember_input(connection, "file:/x", first, KEY, 5)
        assert cache.known_input(connection, "file:/x", first) == (KEY, 5)
        assert cache.known_input(connection, "file:/x", second) is None
        cache.remember_input(connection, "file:/x", second, KEY, 6)
        assert cache.known_input(connection, "file:/x", first) is None


# -- history -------------------------------------------------------------------------------------------------------


def test_the_log_of_a_run_has_numbers_without_gaps(database: Database) -> None:
    submitted(database)
    with database.write() as connection:
        history.append_events(connection, RUN, NOW, [NewEvent("run", body={"state": "running"})])
        history.append_events(connection, RUN, NOW, [])
        history.append_events(
            connection, RUN, NOW + 1, [NewEvent("stage", "a"), NewEvent("note", "a", 1, {"글": "자"})]
        )
    with database.read() as connection:
        found = history.events_of(connection, RUN)
        assert [event.sequence for event in found] == [1, 2, 3]
        assert found[2].body == {"글": "자"}
        assert [event.sequence for event in history.events_of(connection, RUN, PageRequest(behind=(2,)))] == [3]
        second = PageRequest(limit=1, behind=(1,))
        assert [event.sequence for event in history.events_of(connection, RUN, second)] == [2]


def attempt(stage: str, number: int = 1) -> AttemptId:
    return AttemptId(run_id=RunId(RUN), stage_id=StageId(stage), number=number)


def curve_of(connection: Connection, stage: str) -> list[tuple[int, float]]:
    return [point[2:4] for point in history.metric_points_of(connection, RUN, stage) if point[1] == "loss"]


def points(name: str, steps: Iterable[int], value: float) -> list[tuple[str, int, float, float]]:
    return [(name, step, value, NOW) for step in steps]


def test_a_step_of_a_metric_keeps_its_first_value(database: Database) -> None:
    submitted(database)
    with database.write() as connection:
        history.add_metric_points(connection, attempt("a"), [("loss", 1, 5.0, NOW), ("loss", 2, 4.0, NOW)])
        history.add_metric_points(connection, attempt("a"), [("loss", 2, 9.0, NOW), ("loss", 3, 3.0, NOW)])
        history.add_metric_points(connection, attempt("b"), [("loss", 1, 7.0, NOW), ("loss", 1, 8.0, NOW)])
        points = [point[:4] for point in history.metric_points_of(connection, RUN)]
        assert points == [
            ("a", "loss", 1, 5.0),
            ("a", "loss", 2, 4.0),
            ("a", "loss", 3, 3.0),
            ("b", "loss", 1, 8.0),
        ]
        assert len(history.metric_points_of(connection, RUN, "b")) == 1


def test_the_curve_is_that_of_the_last_attempt_and_of_those_that_it_went_on_from(database: Database) -> None:
    submitted(database)
    with database.write() as connection:
        history.add_metric_points(connection, attempt("a", 1), points("loss", range(1, 8), 1.0))
        history.add_metric_points(connection, attempt("a", 1), points("accuracy", [3], 1.0))
        history.add_metric_points(connection, attempt("a", 2), points("loss", [6, 8, 10], 2.0))
        assert curve_of(connection, "a") == [*((step, 1.0) for step in range(1, 6)), (6, 2.0), (8, 2.0), (10, 2.0)]
        history.add_metric_points(connection, attempt("a", 3), points("loss", [1, 2], 3.0))
        assert curve_of(connection, "a") == [(1, 3.0), (2, 3.0)]
        assert history.metric_points_of(connection, RUN, "a")[0][1:4] == ("accuracy", 3, 1.0)


# -- artifacts -----------------------------------------------------------------------------------------------------


def test_the_label_of_an_artifact_only_rises_and_its_first_maker_stays(database: Database) -> None:
    ref = ref_of("bytes")
    with database.write() as connection:
        artifacts.note_artifact(connection, ref, "first", NOW, Maker(RunId("r-1"), StageId("a")))
        raised = ref.model_copy(update={"label": SENSITIVE})
        artifacts.note_artifact(connection, raised, "second", NOW, Maker(RunId("r-2"), StageId("b")))
        artifacts.note_artifact(connection, ref, "third", NOW)
        found = artifacts.get_artifact(connection, ref.digest)
    assert found is not None
    assert (found.label, found.title, found.run_id, found.stage_id) == ("S", "first", "r-1", "a")


def test_whether_an_artifact_is_new_is_told_by_each_database(database: Database) -> None:
    with database.write() as connection:
        assert artifacts.note_new(connection, ref_of("bytes"), "first", NOW)
        assert not artifacts.note_new(connection, ref_of("bytes"), "second", NOW)


def test_artifacts_are_found_by_the_beginning_of_their_digest(database: Database) -> None:
    ref = ref_of("bytes")
    hexadecimal = ref.digest.removeprefix("sha256-")
    with database.write() as connection:
        artifacts.note_artifact(connection, ref, "it", NOW)
        for text in (hexadecimal[:6], ref.digest[:20], ref.digest):
            assert [found.digest for found in artifacts.find_artifacts(connection, text)] == [ref.digest]
        assert artifacts.find_artifacts(connection, "_" * 6) == []


# -- models --------------------------------------------------------------------------------------------------------


def version(number: int, *aliases: str, name: str = "light", stage: str = "register") -> ModelVersionRecord:
    return ModelVersionRecord(
        name=name,
        version=number,
        digest=digest_of(str(number).encode()),
        label="O",
        use_class="administration",
        ministry="mnd",
        run_id=RUN,
        stage_id=StageId(f"{stage}{number}"),
        title="it",
        metrics={"loss": 1.0},
        link="",
        created_at=NOW + number,
        aliases=aliases,
    )


def test_a_version_is_recorded_once_and_found_by_every_way_of_writing_it(database: Database) -> None:
    with database.write() as connection:
        for one in (version(1, "champion"), version(2), version(2), version(10)):
            models.add_version(connection, one)
        found = {
            text: models.find_version(connection, text).version
            for text in (
                "light",
                "light@2",
                "light/2",
                "models:/light/1",
                "light@champion",
                "models:/light@champion",
            )
        }
        assert [one.version for one in models.list_versions(connection, "light")] == [10, 2, 1]
        for text in ("light@3", "light@nobody", "heavy", "", "a/b/c"):
            with pytest.raises(BongsuError) as caught:
                models.find_version(connection, text)
            assert caught.value.problems[0].code.name == "run.unknown-model"
    assert found == {
        "light": 10,
        "light@2": 2,
        "light/2": 2,
        "models:/light/1": 1,
        "light@champion": 1,
        "models:/light@champion": 1,
    }


def test_an_alias_moves_to_the_version_that_takes_it(database: Database) -> None:
    with database.write() as connection:
        models.add_version(connection, version(1, "champion"))
        models.add_version(connection, version(2, "champion"))
        models.add_version(connection, version(7, "champion", name="other"))
        assert models.find_version(connection, "light@champion").version == 2
        assert models.find_version(connection, "light@1").aliases == ()


def test_the_newest_version_of_each_digest_is_found(database: Database) -> None:
    with database.write() as connection:
        models.add_version(connection, version(1))
        models.add_version(connection, version(2))
        found = models.versions_of_digests(connection, [version(1).digest, digest_of(b"none")])
        models.add_version(connection, replace(version(1, name="other", stage="beside"), created_at=NOW + 9))
        both, mine, none = (
            models.versions_of_digests(connection, [version(1).digest], names) for names in (None, ["light"], [])
        )
    assert {digest: one.version for digest, one in found.items()} == {version(1).digest: 1}
    assert [one.name for found in (both, mine) for one in found.values()] == ["other", "light"]
    assert none == {}


def test_a_version_is_worth_no_less_protection_than_its_bytes_are_known_for(database: Database) -> None:
    with database.write() as connection:
        ref = ref_of("weights", ArtifactType.MODEL)
        artifacts.note_artifact(connection, ref, "it", NOW)
        models.add_version(connection, replace(version(1), digest=ref.digest))
        models.add_version(connection, version(2))
        sensitive = Label(grade=Grade.SENSITIVE, compartments=frozenset({"signals"}))
        artifacts.note_artifact(connection, ref.model_copy(update={"label": sensitive}), "it", NOW)
        labels = {one.version: one.label for one in models.list_versions(connection, "light")}
    assert labels == {1: "S/signals", 2: "O"}


# -- data sets -----------------------------------------------------------------------------------------------------


def test_a_data_set_has_a_new_version_for_other_bytes_or_another_label(database: Database) -> None:
    one, two = ref_of("one", ArtifactType.DOCUMENTS), ref_of("two", ArtifactType.DOCUMENTS)
    with database.write() as connection:
        given = [
            datasets.add_dataset_version(connection, "law", ref, "file:law", NOW)
            for ref in (one, one, two, two.model_copy(update={"label": SENSITIVE}), one)
        ]
        assert given == [1, 1, 2, 3, 4]
        listed = datasets.list_dataset_versions(connection, "law")
        assert [(found.version, found.label) for found in listed] == [(4, "O"), (3, "S"), (2, "O"), (1, "O")]
        assert datasets.list_dataset_versions(connection, "none") == []
