"""What there is for somebody in the store, against a rule that was written down apart from it: an object is there for
those who are something in its ministry and whose clearance is of its grade at least, with all of its compartments."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection
from store_places import chain

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import Grade, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.paging import WHOLE
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME, Tenant
from bongsu.store import artifacts, datasets, lineage, models, runs
from bongsu.store.database import Database
from bongsu.store.lineage import Edge, Node
from bongsu.store.node_ids import artifact_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.run_lists import page_of_runs
from bongsu.store.scope import Scope

MINISTRIES = ("mnd", "army", "navy", "dapa")
COMPARTMENTS = ("air", "log", "sig")
GRADES = ("O", "S", "III", "II", "I", "C")
PEOPLE = 60
OBJECTS = 50
NOW = 1_700_000_000.0


@dataclass(frozen=True)
class Made:
    """An object as the rule needs it: whose it is, its grade, its compartments, and what it is found by."""

    ministry: str
    grade: str
    compartments: frozenset[str]
    digest: Digest
    run: RunId
    name: str

    @property
    def label(self) -> Label:
        return Label(grade=Grade(self.grade), compartments=self.compartments)


@dataclass(frozen=True)
class Person:
    ministries: frozenset[str]
    grade: str
    compartments: frozenset[str]

    @property
    def scope(self) -> Scope:
        clearance = Label(grade=Grade(self.grade), compartments=self.compartments)
        return Scope(frozenset(map(Tenant, self.ministries)), clearance)

    def may_see(self, one: Made) -> bool:
        """The rule."""
        high_enough = GRADES.index(self.grade) >= GRADES.index(one.grade)
        return one.ministry in self.ministries and high_enough and one.compartments <= self.compartments


def some(chance: random.Random, of: tuple[str, ...]) -> frozenset[str]:
    return frozenset(chance.sample(of, chance.randint(0, len(of))))


@pytest.fixture
def world(database: Database) -> tuple[Database, list[Made], list[Person]]:
    chance = random.Random(4)
    made = []
    for number in range(OBJECTS):
        one = Made(
            chance.choice(MINISTRIES),
            chance.choice(("O", *GRADES)),
            some(chance, COMPARTMENTS) if chance.random() < 0.5 else frozenset(),
            # The same bytes and the same names in several ministries.
            Digest(f"sha256-{number % 24:064x}"),
            RunId(f"r-{number:012d}"),
            f"name-{number % 7}",
        )
        made.append(one)
    kept: dict[tuple[str, Digest], Made] = {}
    for one in made:
        kept.setdefault((one.ministry, one.digest), one)
    for one in kept.values():
        with database.write(Scope.of(Tenant(one.ministry))) as connection:
            _put(connection, one)
    people = [
        Person(some(chance, MINISTRIES), chance.choice(GRADES), some(chance, COMPARTMENTS)) for _ in range(PEOPLE)
    ]
    return database, list(kept.values()), people


def _put(connection: Connection, one: Made) -> None:
    plan = chain()
    floor = one.label
    stages = tuple(stage.model_copy(update={"label": floor}) for stage in plan.stages)
    metadata = plan.metadata.model_copy(update={"name": one.name, "ministry": one.ministry})
    plan = plan.model_copy(update={"floor": floor, "stages": stages, "metadata": metadata})
    plan = plan.model_copy(update={"parameters": {"of": one.run}})
    runs.create_run(connection, one.run, plan, NOW)
    ref = ArtifactRef(digest=one.digest, type=ArtifactType.MODEL, label=one.label, size=1)
    artifacts.note_artifact(connection, ref, one.name, NOW)
    datasets.add_dataset_version(connection, f"data-{one.run}", ref, "file:x", NOW)
    node = Node(artifact_node(one.digest), NodeKind.ARTIFACT, one.name, str(one.label), {})
    lineage.put_nodes(connection, [node, Node(f"input:{one.run}", NodeKind.INPUT, "x", "O", {})])
    lineage.put_edges(connection, [Edge(f"input:{one.run}", node.id, EdgeKind.RESOLVED)], one.run, NOW)
    models.add_version(connection, _version(one))


def _version(one: Made) -> ModelVersionRecord:
    return ModelVersionRecord(
        name=f"model-{one.run}",
        version=1,
        digest=one.digest,
        label=str(one.label),
        use_class="administration",
        ministry=one.ministry,
        run_id=one.run,
        stage_id=StageId("a"),
        title=one.name,
        metrics={},
        link="",
        created_at=NOW,
    )


def ids_of_runs(connection: Connection) -> set[str]:
    return {one.id for one in page_of_runs(connection, WHOLE)}


def listed_runs(connection: Connection) -> set[str]:
    return {one.id for one in runs.list_runs(connection, limit=None)}


def model_runs(connection: Connection) -> set[str]:
    return {one.run_id for one in models.list_versions(connection)}


def data_runs(connection: Connection) -> set[str]:
    return {one.name.removeprefix("data-") for one in datasets.list_dataset_versions(connection)}


LOOKS: dict[str, Callable[[Connection], set[str]]] = {
    "runs by the page": ids_of_runs,
    "runs": listed_runs,
    "models": model_runs,
    "data sets": data_runs,
}


@pytest.mark.parametrize("look", LOOKS)
def test_everybody_sees_what_they_may_and_nothing_else(
    world: tuple[Database, list[Made], list[Person]], look: str
) -> None:
    database, made, people = world
    pairs = 0
    for person in people:
        with database.read(person.scope) as connection:
            found = LOOKS[look](connection)
        pairs += len(made)
        assert found == {one.run for one in made if person.may_see(one)}
    assert pairs * len(LOOKS) > 10_000


def test_what_is_found_by_its_bytes_is_that_of_ones_own_ministry(
    world: tuple[Database, list[Made], list[Person]],
) -> None:
    database, made, people = world
    for person in people:
        for ministry in person.ministries:
            with database.read(Scope.of(Tenant(ministry), person.scope.clearance)) as connection:
                for one in made:
                    mine = next((m for m in made if (m.ministry, m.digest) == (ministry, one.digest)), None)
                    expected = mine is not None and person.may_see(mine)
                    found = artifacts.get_artifact(connection, one.digest)
                    assert (found is not None) == expected
                    if found is not None and mine is not None:
                        assert found.label == str(mine.label)
                    (nodes, edges) = lineage.walk(connection, artifact_node(one.digest), "upstream")
                    assert bool(nodes) == expected
                    assert all(edge.source == f"input:{mine.run}" for edge in edges if mine is not None)


def test_runs_by_their_beginnings_and_the_latest_are_among_those_that_one_sees(
    world: tuple[Database, list[Made], list[Person]],
) -> None:
    database, made, people = world
    for person in people:
        with database.read(person.scope) as connection:
            for one in made:
                if person.may_see(one):
                    assert runs.find_run(connection, one.run).id == one.run
                    continue
                with pytest.raises(BongsuError) as caught:
                    runs.find_run(connection, one.run)
                assert caught.value.problems[0].code.name == "run.unknown"


def test_a_home_sees_nothing_of_ministries_and_they_nothing_of_it(
    world: tuple[Database, list[Made], list[Person]],
) -> None:
    database, made, _people = world
    with database.write() as connection:
        runs.create_run(connection, RunId("r-home00000000"), chain(), NOW)
    with database.read() as connection:
        assert listed_runs(connection) == {"r-home00000000"}
        assert model_runs(connection) == set()
    with database.read(Scope(frozenset(map(Tenant, MINISTRIES)))) as connection:
        assert listed_runs(connection) == {one.run for one in made}
    assert HOME not in MINISTRIES


def test_a_label_that_rises_in_one_ministry_stays_where_it_is_in_another(database: Database) -> None:
    digest = Digest(f"sha256-{1:064x}")
    for ministry in ("mnd", "army"):
        with database.write(Scope.of(Tenant(ministry))) as connection:
            artifacts.note_artifact(
                connection, ArtifactRef(digest=digest, type=ArtifactType.FILES, size=1), "x", NOW
            )
    high = ArtifactRef(digest=digest, type=ArtifactType.FILES, size=1, label=Label(grade=Grade.CLASSIFIED))
    with database.write(Scope.of(Tenant("mnd"))) as connection:
        artifacts.note_artifact(connection, high, "x", NOW)
    labels: Iterator[str] = (_label(database, ministry, digest) for ministry in ("mnd", "army"))
    assert list(labels) == ["C", "O"]


def _label(database: Database, ministry: str, digest: Digest) -> str:
    with database.read(Scope.of(Tenant(ministry))) as connection:
        found = artifacts.get_artifact(connection, digest)
    assert found is not None
    return found.label
