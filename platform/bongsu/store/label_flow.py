"""Labels that rise after the fact: what was made from a tree is worth no less protection than the tree itself.

A label that is stated today (a card that was corrected, ``bongsu datasets add --grade S``) also holds for what was made
yesterday. It flows along the edges of the lineage graph: from a tree to the stages that used it, to what these gave,
and to the versions that were registered from it.

Everything in the graph carries the join of all that it was made from, whenever nobody holds the labels
(:func:`bongsu.store.locks.hold_labels`). Two keep that so, and each reads the graph only once it holds them:

- Who raises a tree raises all that stands behind it (:func:`flow`).
- Who adds a stage or a version raises that one to what it was made from carries by then (:func:`flow_into_stage`,
  :func:`flow_into_version`), and what that one leads to. Whoever raised its inputs before has written that, and what
  else stands behind these was raised then; whoever raises them later finds the edges of the new one. So nothing else
  that was made from its inputs has to be looked at, however much there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Column, ColumnElement, Connection, and_, select, update

from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.domain.lineage import EdgeKind
from bongsu.store import label_telling
from bongsu.store.json_columns import refs_from
from bongsu.store.label_releases import lowered, releases_of
from bongsu.store.label_rising import Stage, joined, raise_outputs, raise_rows
from bongsu.store.label_telling import tree_labels
from bongsu.store.locks import hold_labels
from bongsu.store.node_ids import artifact_node, digest_at, digests_among, stage_at, stage_node, version_node
from bongsu.store.portions import portions
from bongsu.store.schema import artifacts, dataset_versions, edges, model_versions, nodes, runs, stages
from bongsu.store.scope import owned

_GAVE = (EdgeKind.MADE, EdgeKind.REUSED)


def flow(
    connection: Connection, digests: Iterable[Digest], just_risen: Collection[Digest] = ()
) -> dict[Digest, Label]:
    """Raise whatever came of these trees, at any distance, to the labels that they have now; the tracking server is
    told in the same transaction, to look. All that is one step further is raised at once.

    Args:
        connection: in a transaction.
        digests: of the trees.
        just_risen: those of them that the caller has raised in this transaction.

    Returns:
        Trees that carry a higher label than before, with that label.
    """
    hold_labels(connection)
    known = tree_labels(connection, digests)
    flowing = _Flow(connection, known, trees=set(just_risen))
    risen = flowing.spread({digest: label for digest, label in known.items() if label != OPEN})
    flowing.tell()
    return risen


def flow_into_stage(connection: Connection, run_id: RunId, stage_id: StageId) -> dict[Digest, Label]:
    """Raise a stage that was added in this transaction, with its edges and what it gave, to the labels of what it took
    and gave as they are now; and whatever came of it before, where it gave bytes that there were.

    Returns:
        Trees that carry a higher label than before, with that label.
    """
    hold_labels(connection)
    here = stage_node(run_id, stage_id)
    used = select(edges.c.source).where(_there(connection, edges.c.target, [here], EdgeKind.USED))
    taken = set(tree_labels(connection, digests_among(connection.execute(used).scalars())).values())
    is_stage = (stages.c.run_id == run_id) & (stages.c.stage_id == stage_id)
    refs = refs_from(connection.execute(select(stages.c.outputs).where(is_stage)).scalar()).values()
    known = tree_labels(connection, (ref.digest for ref in refs))
    # Those that were given bytes which carry more than was known when it was decided.
    late = {ref.digest: known[ref.digest] for ref in refs if not ref.label.dominates(known.get(ref.digest, OPEN))}
    label = high_water_mark([*taken, *late.values()])
    if label == OPEN:
        return {}
    flowing = _Flow(connection, known)
    flowing.raise_stages({here: label})
    if late:
        raise_outputs(connection, {(run_id, stage_id): late})
    risen = flowing.spread(flowing.given_too_low({here: taken}))
    flowing.tell()
    return risen


def flow_into_version(connection: Connection, name: str, version: int) -> None:
    """Raise a model version that was added in this transaction, with its node, to what its bytes carry now."""
    hold_labels(connection)
    c = model_versions.c
    is_it = owned(connection, model_versions), c.name == name, c.version == version
    row = connection.execute(select(c.digest, c.label, c.run_id).where(*is_it)).one()
    of_bytes = tree_labels(connection, [row.digest]).get(row.digest, OPEN)
    if of_bytes == OPEN:
        return
    raise_rows(connection, nodes.c.id, {version_node(name, version): of_bytes})
    risen = Label.parse(row.label).join(of_bytes)
    if str(risen) != row.label:
        connection.execute(update(model_versions).where(*is_it).values(label=str(risen)))
        label_telling.tell(connection, [row.run_id], [])


@dataclass
class _Flow:
    """What is reached, and what the tracking server has to look at.

    Attributes:
        known: what trees carry, of those that were reached.
        trees: that rose.
        versions: trees of which versions rose.
        runs: that rose, or of which a stage did.
    """

    connection: Connection
    known: dict[Digest, Label]
    trees: set[Digest] = field(default_factory=set)
    versions: set[Digest] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)

    def spread(self, waiting: Mapping[Digest, Label]) -> dict[Digest, Label]:
        """Raise these trees and all that came of them; trees that rose, with their labels."""
        risen: dict[Digest, Label] = {}
        while waiting:
            risen |= self._raise_trees(waiting)
            waiting = self.given_too_low(self._raise_takers(waiting))
        return risen

    def raise_stages(self, labels: Mapping[str, Label]) -> None:
        """Stages, by their nodes, and their runs."""
        of_runs = joined((str(stage[0]), label) for node, label in labels.items() if (stage := stage_at(node)))
        risen = raise_rows(self.connection, nodes.c.id, labels)
        self.runs |= {stage[0] for node in risen if (stage := stage_at(node))}
        self.runs |= raise_rows(self.connection, runs.c.id, of_runs)

    def given_too_low(self, taken: Mapping[str, Collection[Label]]) -> dict[Digest, Label]:
        """Trees that stages gave and that carry less than what these took, with what they have to carry; by nodes of
        the stages, the labels of what they took."""
        reached: dict[Digest, set[Label]] = {}
        for stage, made in self._edges(edges.c.source, taken, *_GAVE):
            if (digest := digest_at(made)) is not None:
                reached.setdefault(digest, set()).update(taken[stage])
        self.known = tree_labels(self.connection, reached.keys() - self.known.keys()) | self.known
        releases = releases_of(self.connection, reached)
        found = {}
        for digest, labels in reached.items():
            before = self.known.get(digest, OPEN)
            counting = (lowered(releases, digest, label) for label in labels)
            above = [label for label in counting if not before.dominates(label)]
            if above:
                found[digest] = self.known[digest] = high_water_mark(above, before)
        return found

    def tell(self) -> None:
        with_them = label_telling.runs_with(self.connection, self.trees)
        label_telling.tell(self.connection, self.runs | with_them, self.versions)

    def _raise_trees(self, labels: Mapping[Digest, Label]) -> dict[Digest, Label]:
        """The trees themselves, under every name by which they are known, and the stages that gave them; those that
        rose."""
        at = {artifact_node(digest): label for digest, label in labels.items()}
        risen = raise_rows(self.connection, artifacts.c.digest, labels)
        self.trees |= risen | set(digests_among(raise_rows(self.connection, nodes.c.id, at)))
        self.versions |= raise_rows(self.connection, model_versions.c.digest, labels)
        raise_rows(self.connection, dataset_versions.c.digest, labels)
        names = [(name, at[here]) for here, name in self._edges(edges.c.source, at, EdgeKind.REGISTERED)]
        names += [(name, at[here]) for here, name in self._edges(edges.c.target, at, EdgeKind.RESOLVED)]
        raise_rows(self.connection, nodes.c.id, joined(names))
        gave = [(name, here) for here, name in self._edges(edges.c.target, at, *_GAVE)]
        self.raise_stages(joined((name, at[here]) for name, here in gave))
        outputs: dict[Stage, dict[Digest, Label]] = {}
        for name, here in gave:
            if (stage := stage_at(name)) and (digest := digest_at(here)):
                outputs.setdefault(stage, {})[digest] = labels[digest]
        raise_outputs(self.connection, outputs)
        return {digest: labels[digest] for digest in risen}

    def _raise_takers(self, labels: Mapping[Digest, Label]) -> dict[str, set[Label]]:
        """The stages that used the trees; by their nodes, the labels of these."""
        at = {artifact_node(digest): label for digest, label in labels.items()}
        taken: dict[str, set[Label]] = {}
        for here, stage in self._edges(edges.c.source, at, EdgeKind.USED):
            taken.setdefault(stage, set()).add(at[here])
        self.raise_stages({stage: high_water_mark(several) for stage, several in taken.items()})
        return taken

    def _edges(self, end: Column[str], at: Collection[str], *kinds: EdgeKind) -> Iterator[tuple[str, str]]:
        """Of the edges with this end there: that end, and the other one."""
        other = edges.c.source if end is edges.c.target else edges.c.target
        for some in portions(sorted(at)):
            query = select(end, other).where(_there(self.connection, end, some, *kinds))
            yield from ((here, there) for here, there in self.connection.execute(query).all())


def _there(connection: Connection, end: Column[str], at: Collection[str], *kinds: EdgeKind) -> ColumnElement[bool]:
    return and_(owned(connection, edges), end.in_(at), edges.c.kind.in_([kind.value for kind in kinds]))
