"""Labels that rise after the fact, on random graphs, against the join over all that something was made from."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select
from store_places import NOW, RUN

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import OPEN, Grade, Label, high_water_mark
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.store import lineage
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import Database
from bongsu.store.lineage import Edge, Node
from bongsu.store.node_ids import artifact_node, stage_node
from bongsu.store.schema import artifacts, edges, nodes

LABELS = [OPEN, Label(grade=Grade.SENSITIVE), Label(compartments=frozenset({"log"})), Label(grade=Grade.CLASSIFIED)]
History = tuple[list[tuple[list[int], bool]], list[tuple[int, Label]]]


@pytest.fixture
def database(small_database: Database) -> Database:
    return small_database


@st.composite
def histories(draw: st.DrawFn) -> History:
    """What each tree was made from (numbers of earlier ones), whether it was reused, and labels stated later."""
    size = draw(st.integers(1, 9))
    made = [
        (sorted(draw(st.sets(st.integers(0, number - 1), max_size=3))) if number else [], draw(st.booleans()))
        for number in range(size)
    ]
    stated = draw(st.lists(st.tuples(st.integers(0, size - 1), st.sampled_from(LABELS)), max_size=6))
    return made, stated


def tree(number: int) -> Digest:
    return digest_of(str(number).encode())


def note(connection: Connection, number: int, label: Label) -> None:
    ref = ArtifactRef(digest=tree(number), type=ArtifactType.FILES, size=1, label=label)
    note_artifact(connection, ref, str(number), NOW)


def fill(connection: Connection, made: list[tuple[list[int], bool]]) -> None:
    for table in (edges, nodes, artifacts):
        connection.execute(delete(table))
    for number, (sources, is_reused) in enumerate(made):
        note(connection, number, OPEN)
        here, stage = artifact_node(tree(number)), stage_node(RUN, str(number))
        kinds = {here: NodeKind.ARTIFACT, stage: NodeKind.RUN_STAGE}
        lineage.put_nodes(connection, [Node(one, kind, one, "O", {}) for one, kind in kinds.items()])
        used = [Edge(artifact_node(tree(source)), stage, EdgeKind.USED) for source in sources]
        gave = Edge(stage, here, EdgeKind.REUSED if is_reused else EdgeKind.MADE)
        lineage.put_edges(connection, [*used, gave], RUN, NOW)


@given(histories())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_everything_is_labelled_as_high_as_all_it_was_made_from(database: Database, history: History) -> None:
    made, stated = history
    own = [OPEN] * len(made)
    with database.write() as connection:
        fill(connection, made)
        for number, label in stated:
            note(connection, number, label)
            own[number] = own[number].join(label)
        known = {row.digest: row.label for row in connection.execute(select(artifacts))}
        shown = {row.id: row.label for row in connection.execute(select(nodes))}
    expected: list[Label] = []
    for number, (sources, _) in enumerate(made):
        expected.append(high_water_mark([own[number], *(expected[source] for source in sources)]))
        assert known[tree(number)] == shown[artifact_node(tree(number))] == str(expected[number])
        assert shown[stage_node(RUN, str(number))] == str(expected[number])
