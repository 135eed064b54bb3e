"""Whatever happens in whichever order, everything carries the join of all that it was made from: trees given, stages
that take and give, labels stated later, versions registered. ``BONGSU_TEST_GRAPHS`` says how many graphs are grown."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, insert, select
from store_places import NOW, RUN, submitted

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, StageId, digest_of
from bongsu.domain.labels import OPEN, Grade, Label, high_water_mark
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.store import lineage
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import open_database
from bongsu.store.json_columns import refs_from, refs_json
from bongsu.store.label_flow import flow_into_stage, flow_into_version
from bongsu.store.lineage import Edge, Node
from bongsu.store.models import add_version
from bongsu.store.node_ids import artifact_node, stage_node, version_node
from bongsu.store.records import ModelVersionRecord
from bongsu.store.schema import artifacts, model_versions, nodes, stages

GRAPHS = int(os.environ.get("BONGSU_TEST_GRAPHS", "300"))
LABELS = st.builds(
    lambda grade, compartments: Label(grade=grade, compartments=frozenset(compartments)),
    st.sampled_from(Grade),
    st.sets(st.sampled_from(("air", "log", "sig")), max_size=2),
)
SOME = st.sets(st.integers(0, 30), min_size=1, max_size=3)


@cache
def empty_database() -> bytes:
    """Migrated once: that takes longer than to grow a graph."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        file = Path(folder) / "empty.db"
        made = open_database(f"sqlite:///{file}")
        with made.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        made.close()
        return file.read_bytes()


def tree(number: int) -> Digest:
    return digest_of(str(number).encode())


class Labelled(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        file = Path(self.folder.name) / "labels.db"
        file.write_bytes(empty_database())
        self.database = open_database(f"sqlite:///{file}")
        self.own: list[Label] = []
        """What was stated of each tree itself."""
        self.sources: list[set[int]] = []
        self.versions: list[int] = []
        """The tree of each version."""
        self.ended: list[tuple[StageId, int]] = []
        """Stages that ended, and the tree that each gave."""

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @initialize(label=LABELS)
    def begin(self, label: Label) -> None:
        submitted(self.database)
        self.give(label)

    @rule(label=LABELS)
    def give(self, label: Label) -> None:
        """Somebody brings a tree."""
        number = self._grow(label, set())
        with self.database.write() as connection:
            self._note(connection, number, label)
            lineage.put_nodes(connection, [self._node(number, label)])

    @rule(chosen=SOME, is_reused=st.booleans())
    def make(self, chosen: set[int], is_reused: bool) -> None:
        """A stage takes trees and gives one, labelled as the reconciler labels it: by what its inputs carry then."""
        taken = {one % len(self.own) for one in chosen}
        number = self._grow(OPEN, taken)
        with self.database.write() as connection:
            known = self._known(connection)
            label = high_water_mark(Label.parse(known[tree(one)]) for one in taken)
            stage = stage_node(RUN, str(number))
            self._note(connection, number, label)
            made = Node(stage, NodeKind.RUN_STAGE, stage, str(label), {})
            lineage.put_nodes(connection, [self._node(number, label), made])
            used = [Edge(artifact_node(tree(one)), stage, EdgeKind.USED) for one in sorted(taken)]
            gave = Edge(stage, artifact_node(tree(number)), EdgeKind.REUSED if is_reused else EdgeKind.MADE)
            lineage.put_edges(connection, [*used, gave], RUN, NOW)

    @rule(chosen=SOME, is_reused=st.booleans())
    def end(self, chosen: set[int], is_reused: bool) -> None:
        """A stage ends that was planned when all of this was open: the reconciler lets flow into it what rose since."""
        taken = {one % len(self.own) for one in chosen}
        self._end(self._grow(OPEN, taken), taken, is_reused)

    @precondition(lambda self: len(self.own) > 1)
    @rule(chosen=SOME, given=st.integers(1, 30), is_reused=st.booleans())
    def give_again(self, chosen: set[int], given: int, is_reused: bool) -> None:
        """A stage ends that gave bytes that there are, of which others made something since; of bytes before them, for
        nothing is made of itself."""
        number = given % (len(self.own) - 1) + 1
        taken = {one % number for one in chosen}
        self.sources[number] |= taken
        self._end(number, taken, is_reused)

    @rule(chosen=st.integers(0, 30), label=LABELS)
    def state(self, chosen: int, label: Label) -> None:
        """Somebody states a label of what is there; below what it carries, that changes nothing."""
        number = chosen % len(self.own)
        self.own[number] = self.own[number].join(label)
        with self.database.write() as connection:
            self._note(connection, number, label)

    @precondition(lambda self: len(self.versions) < 5)
    @rule(chosen=st.integers(0, 30), is_late=st.booleans())
    def register(self, chosen: int, is_late: bool) -> None:
        """As it is decided upon: what carries a label is known then, or it rises before that is written."""
        number = chosen % len(self.own)
        self.versions.append(number)
        version = len(self.versions)
        with self.database.write() as connection:
            label = "O" if is_late else self._known(connection)[tree(number)]
            facts = {"metrics": {}, "link": "", "title": "m", "ministry": "", "use_class": "administration"}
            record = ModelVersionRecord(
                name="m",
                version=version,
                digest=tree(number),
                label=label,
                run_id=RUN,
                stage_id=f"register-{version}",  # type: ignore[arg-type]
                created_at=NOW,
                **facts,  # type: ignore[arg-type]
            )
            add_version(connection, record)
            node = version_node("m", version)
            lineage.put_nodes(connection, [Node(node, NodeKind.MODEL_VERSION, node, label, {})])
            edge = Edge(artifact_node(tree(number)), node, EdgeKind.REGISTERED)
            lineage.put_edges(connection, [edge], RUN, NOW)
            flow_into_version(connection, "m", version)

    @invariant()
    def everything_carries_all_that_it_was_made_from(self) -> None:
        expected: list[Label] = []
        for own, sources in zip(self.own, self.sources, strict=True):
            expected.append(high_water_mark([own, *(expected[one] for one in sources)]))
        with self.database.read() as connection:
            known = self._known(connection)
            shown = {row.id: row.label for row in connection.execute(select(nodes.c.id, nodes.c.label))}
            query = select(model_versions.c.version, model_versions.c.label)
            versions = {row.version: row.label for row in connection.execute(query)}
            outputs = connection.execute(select(stages.c.stage_id, stages.c.outputs))
            said = {row.stage_id: refs_from(row.outputs) for row in outputs}
        for number, label in enumerate(expected):
            assert known[tree(number)] == shown[artifact_node(tree(number))] == str(label)
            if (stage := stage_node(RUN, str(number))) in shown:
                assert shown[stage] == str(label)
        for stage_id, number in self.ended:
            assert shown[stage_node(RUN, stage_id)] == str(expected[number])
            assert said[stage_id]["files"].label == expected[number]
        for version, number in enumerate(self.versions, 1):
            assert versions[version] == shown[version_node("m", version)] == str(expected[number])

    def _end(self, number: int, taken: set[int], is_reused: bool) -> None:
        with self.database.write() as connection:
            stage_id = StageId(f"end-{len(self.ended)}")
            self.ended.append((stage_id, number))
            outputs = refs_json({"files": self._ref(number, OPEN)})
            row = {"run_id": RUN, "stage_id": stage_id, "position": 0, "state": "succeeded", "outputs": outputs}
            connection.execute(insert(stages).values(row))
            stage = stage_node(RUN, stage_id)
            made = Node(stage, NodeKind.RUN_STAGE, stage, "O", {})
            lineage.put_nodes(connection, [self._node(number, OPEN), made])
            used = [Edge(artifact_node(tree(one)), stage, EdgeKind.USED) for one in sorted(taken)]
            gave = Edge(stage, artifact_node(tree(number)), EdgeKind.REUSED if is_reused else EdgeKind.MADE)
            lineage.put_edges(connection, [*used, gave], RUN, NOW)
            self._note(connection, number, OPEN)
            flow_into_stage(connection, RUN, stage_id)

    def _grow(self, own: Label, sources: set[int]) -> int:
        self.own.append(own)
        self.sources.append(sources)
        return len(self.own) - 1

    def _note(self, connection: Connection, number: int, label: Label) -> None:
        note_artifact(connection, self._ref(number, label), str(number), NOW)

    def _ref(self, number: int, label: Label) -> ArtifactRef:
        return ArtifactRef(digest=tree(number), type=ArtifactType.FILES, size=1, label=label)

    def _node(self, number: int, label: Label) -> Node:
        here = artifact_node(tree(number))
        return Node(here, NodeKind.ARTIFACT, here, str(label), {})

    def _known(self, connection: Connection) -> dict[str, str]:
        query = select(artifacts.c.digest, artifacts.c.label)
        return {row.digest: row.label for row in connection.execute(query)}


TestLabels = Labelled.TestCase
TestLabels.settings = settings(max_examples=GRAPHS, stateful_step_count=25, deadline=None)
