"""Labels that rise after the fact: what was made from a tree is worth no less protection than the tree itself.

A label that is stated today (a card that was corrected, ``bongsu datasets add --grade S``) also holds for what was made
yesterday. It flows along the edges of the lineage graph: from a tree to the stages that used it, to what these gave,
and to the versions that were registered from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Table, select, update

from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.lineage import EdgeKind
from bongsu.store import label_telling
from bongsu.store.json_columns import refs_from, refs_json
from bongsu.store.label_releases import lowered, releases_of
from bongsu.store.lineage import artifact_node
from bongsu.store.locks import hold_labels
from bongsu.store.schema import artifacts, dataset_versions, edges, model_versions, nodes, runs, stages
from bongsu.store.scope import owned

_GAVE = (EdgeKind.MADE.value, EdgeKind.REUSED.value)
_ARTIFACT = artifact_node("")
_STAGE = "stage:"


def flow(
    connection: Connection, digests: Iterable[Digest], just_risen: Collection[Digest] = ()
) -> dict[Digest, Label]:
    """Raise whatever came of these trees, at any distance, to the labels that they have now; the tracking server is
    told in the same transaction, to look.

    Args:
        connection: in a transaction.
        digests: of the trees.
        just_risen: those of them that the caller has raised in this transaction.

    Returns:
        Trees that carry a higher label than before, with that label.
    """
    hold_labels(connection)
    risen: dict[Digest, Label] = {}
    known = {digest: _label_of(connection, digest) for digest in digests}
    told = _Told(trees=set(just_risen))
    waiting = [digest for digest, label in known.items() if label != OPEN]
    while waiting:
        digest = waiting.pop()
        label = known[digest]
        if _raise_tree(connection, digest, label, told):
            risen[digest] = label
        for stage in _ends(connection, artifact_node(digest), EdgeKind.USED.value):
            _raise_stage(connection, stage, label, told)
            results = list(_digests(_ends(connection, stage, *_GAVE)))
            releases = releases_of(connection, results)
            for made in results:
                before = known.get(made) or _label_of(connection, made)
                known[made] = before.join(lowered(releases, made, label))
                if known[made] != before:
                    waiting.append(made)
    told.tell(connection)
    return risen


@dataclass
class _Told:
    """What the tracking server has to look at.

    Attributes:
        trees: that rose.
        versions: trees of which versions rose.
        runs: that rose, or of which a stage did.
    """

    trees: set[Digest] = field(default_factory=set)
    versions: set[Digest] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)

    def tell(self, connection: Connection) -> None:
        label_telling.tell(connection, self.runs | label_telling.runs_with(connection, self.trees), self.versions)


def _raise_tree(connection: Connection, digest: Digest, label: Label, told: _Told) -> bool:
    """The tree itself, under every name by which it is known, and the stages that gave it; whether it rose."""
    here = artifact_node(digest)
    is_risen = _raise(connection, artifacts, artifacts.c.digest == digest, label)
    if _raise(connection, nodes, nodes.c.id == here, label) or is_risen:
        told.trees.add(digest)
    if _raise(connection, model_versions, model_versions.c.digest == digest, label):
        told.versions.add(digest)
    _raise(connection, dataset_versions, dataset_versions.c.digest == digest, label)
    for version in _ends(connection, here, EdgeKind.REGISTERED.value):
        _raise(connection, nodes, nodes.c.id == version, label)
    for source in _origins(connection, here, EdgeKind.RESOLVED.value):
        _raise(connection, nodes, nodes.c.id == source, label)
    for stage in _origins(connection, here, *_GAVE):
        _raise_stage(connection, stage, label, told, digest)
    return is_risen


def _raise_stage(
    connection: Connection, node: str, label: Label, told: _Told, output: Digest | None = None
) -> None:
    """A stage and its run; and what it says of one of its outputs."""
    run_id, _, stage_id = node.removeprefix(_STAGE).partition("/")
    is_risen = _raise(connection, nodes, nodes.c.id == node, label)
    if _raise(connection, runs, runs.c.id == run_id, label) or is_risen:
        told.runs.add(run_id)
    if output is None:
        return
    is_stage = (stages.c.run_id == run_id) & (stages.c.stage_id == stage_id)
    text = connection.execute(select(stages.c.outputs).where(is_stage)).scalar()
    known = refs_from(text)
    risen = {
        name: ref.model_copy(update={"label": ref.label.join(label)}) if ref.digest == output else ref
        for name, ref in known.items()
    }
    if risen != known:
        connection.execute(update(stages).where(is_stage).values(outputs=refs_json(risen)))


def _raise(connection: Connection, table: Table, which: ColumnElement[bool], label: Label) -> bool:
    """Rows of a table that have a label; it only rises. True if one did."""
    which = owned(connection, table) & which
    is_risen = False
    for known in set(connection.execute(select(table.c.label).where(which)).scalars()):
        risen = str(Label.parse(known).join(label))
        if risen != known:
            connection.execute(update(table).where(which, table.c.label == known).values(label=risen))
            is_risen = True
    return is_risen


def _label_of(connection: Connection, digest: Digest) -> Label:
    is_it = owned(connection, artifacts) & (artifacts.c.digest == digest)
    known = connection.execute(select(artifacts.c.label).where(is_it)).scalar()
    return Label.parse(known) if known is not None else OPEN


def _ends(connection: Connection, source: str, *kinds: str) -> list[str]:
    query = select(edges.c.target).where(owned(connection, edges), edges.c.source == source)
    return list(connection.execute(query.where(edges.c.kind.in_(kinds))).scalars())


def _origins(connection: Connection, target: str, *kinds: str) -> list[str]:
    query = select(edges.c.source).where(owned(connection, edges), edges.c.target == target)
    return list(connection.execute(query.where(edges.c.kind.in_(kinds))).scalars())


def _digests(ids: Iterable[str]) -> Iterator[Digest]:
    return (Digest(one.removeprefix(_ARTIFACT)) for one in ids if one.startswith(_ARTIFACT))
