"""What trees come from: the data and the registered models that they are, or were made from, at whatever distance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bongsu.domain.approval import ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.domain.lineage import EdgeKind
from bongsu.domain.suspension import ModelOrigin, Suspension
from bongsu.domain.tenants import Tenant
from bongsu.policy.data import Permits, Taken
from bongsu.store.node_ids import artifact_node, digest_at, digests_among
from bongsu.store.permits import permits_of
from bongsu.store.portions import portions
from bongsu.store.proposals import proposals_of
from bongsu.store.schema import artifacts, dataset_versions, edges, model_versions
from bongsu.store.suspensions import open_suspensions

_WALKED = (EdgeKind.USED.value, EdgeKind.MADE.value)
_USES = tuple(kind for kind in ProposalKind if kind.lets_use)


@dataclass(frozen=True)
class Given:
    """A tree that somebody is about to take: what they call it, and what it is."""

    name: str
    digest: Digest
    type: ArtifactType


@dataclass(frozen=True)
class Origins:
    """Trees with what they come from.

    Attributes:
        permits: those that may matter for them.
        labels: of the data, by ministry: what each has its rows labelled.
    """

    taken: tuple[Taken, ...]
    permits: Permits
    labels: Mapping[Digest, Mapping[str, Label]]

    def hidden_from(self, clearance: Label, ministry: str) -> frozenset[Digest]:
        """Data that somebody in this ministry may not see; of what it does not have itself, any label counts."""
        return frozenset(
            digest
            for digest, labels in self.labels.items()
            if not clearance.dominates(labels.get(ministry) or high_water_mark(labels.values()))
        )


def origins_of(connection: Connection, ministry: str, given: Iterable[Given]) -> Origins:
    """What these trees come from, for a ministry that uses them. Data is what was registered as a data set, and
    whatever nobody here has made and is no model."""
    trees = list(given)
    parents = _parents(connection, [tree.digest for tree in trees])
    closures = {tree.digest: _closure(parents, tree.digest) for tree in trees}
    everything = sorted(set().union(*closures.values())) if closures else []
    brought = {digest for digest in everything if artifact_node(digest) not in parents}
    types = {tree.digest: tree.type for tree in trees if tree.digest in brought}
    data = _registered(connection, everything) | (brought - _models_among(connection, ministry, brought, types))
    models = models_of(connection, everything)
    taken = tuple(
        Taken(
            name=tree.name,
            digest=tree.digest,
            data=frozenset(data & closures[tree.digest]),
            models=tuple(one for one in models if one.digest in closures[tree.digest]),
        )
        for tree in trees
    )
    permits = permits_of(connection, data, models)
    return Origins(taken, permits, _labels(connection, data))


def models_of(connection: Connection, digests: Collection[Digest]) -> tuple[ModelOrigin, ...]:
    """Registered versions of these bytes, with what keeps them from being used."""
    rows = [
        row
        for some in portions(sorted(digests))
        for row in connection.execute(
            select(
                model_versions.c.name, model_versions.c.version, model_versions.c.ministry, model_versions.c.digest
            ).where(model_versions.c.digest.in_(some))
        )
    ]
    if not rows:
        return ()
    suspended = open_suspensions(connection)
    approved = _ends_of_evidence(connection, {f"model:{row.name}/{row.version}" for row in rows})
    found = [
        ModelOrigin(
            name=row.name,
            version=row.version,
            ministry=Tenant(row.ministry),
            digest=Digest(row.digest),
            suspended_at=next(
                (s.suspended_at for s in suspended if s.tenant == row.ministry and s.covers(row.name, row.version)),
                None,
            ),
            evidence_ends_at=approved.get((row.ministry, f"model:{row.name}/{row.version}")),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda model: (model.name, model.version)))


def sources_of(connection: Connection, digests: Iterable[Digest]) -> frozenset[Digest]:
    """These trees, and every tree that one of them comes from."""
    starts = set(digests)
    parents = _parents(connection, starts)
    return frozenset().union(*(_closure(parents, digest) for digest in starts))


def made_by(connection: Connection, digests: Collection[Digest]) -> set[str]:
    """Ids of the runs that made these trees."""
    return set().union(*makers_of(connection, digests).values())


def makers_of(connection: Connection, digests: Collection[Digest]) -> dict[Digest, set[str]]:
    """Of each of these trees that somebody made, the ids of the runs that did."""
    made = select(edges.c.target, edges.c.run_id).where(edges.c.kind == EdgeKind.MADE.value).distinct()
    found: dict[Digest, set[str]] = {}
    for some in portions([artifact_node(digest) for digest in sorted(digests)]):
        for row in connection.execute(made.where(edges.c.target.in_(some))):
            digest = digest_at(row.target)
            if digest is not None:
                found.setdefault(digest, set()).add(row.run_id)
    return found


def _ends_of_evidence(connection: Connection, objects: set[str]) -> dict[tuple[str, str], float]:
    """By ministry and object; an approval that was carried out once counts by its evidence, whatever became of it: what
    was made of a model does not stand better when the model itself has to be looked at again."""
    found: dict[tuple[str, str], float] = {}
    for proposal in proposals_of(connection, objects):
        if proposal.binding.kind in _USES and proposal.carried_out_at is not None:
            key = (str(proposal.tenant), proposal.binding.object)
            found[key] = max(found.get(key, 0.0), proposal.binding.evidence_ends_at or 0.0)
    return found


def _parents(connection: Connection, starts: Iterable[Digest]) -> dict[str, set[str]]:
    """Edges against the way of the bytes, from these trees to whatever they come from: by node."""
    parents: dict[str, set[str]] = {}
    frontier = sorted({artifact_node(digest) for digest in starts})
    seen = set(frontier)
    while frontier:
        for some in portions(frontier):
            query = select(edges.c.source, edges.c.target).where(
                edges.c.target.in_(some), edges.c.kind.in_(_WALKED)
            )
            for row in connection.execute(query):
                parents.setdefault(row.target, set()).add(row.source)
        frontier = sorted({one for node in frontier for one in parents.get(node, ())} - seen)
        seen |= set(frontier)
    return parents


def _closure(parents: Mapping[str, set[str]], digest: Digest) -> set[Digest]:
    """The tree itself and every tree that it comes from."""
    waiting, seen = [artifact_node(digest)], {artifact_node(digest)}
    while waiting:
        found = parents.get(waiting.pop(), set()) - seen
        seen |= found
        waiting += found
    return set(digests_among(seen))


def _registered(connection: Connection, digests: Collection[Digest]) -> set[Digest]:
    """Those that anybody has registered as a data set."""
    found: set[Digest] = set()
    for some in portions(sorted(digests)):
        named = select(dataset_versions.c.digest).where(dataset_versions.c.digest.in_(some)).distinct()
        found |= set(map(Digest, connection.execute(named).scalars()))
    return found


def _models_among(
    connection: Connection, ministry: str, digests: Collection[Digest], given: Mapping[Digest, ArtifactType]
) -> set[Digest]:
    """Those that are models. What they are, the ministry that uses them says: whoever else has the same bytes may call
    them something else, and is asked only for what it neither has nor was given, where all have to say so."""
    own: dict[Digest, str] = {}
    others: dict[Digest, set[str]] = {}
    for some in portions(sorted(digests)):
        known = select(artifacts.c.tenant, artifacts.c.digest, artifacts.c.type).where(artifacts.c.digest.in_(some))
        for row in connection.execute(known):
            if row.tenant == ministry:
                own[Digest(row.digest)] = row.type
            else:
                others.setdefault(Digest(row.digest), set()).add(row.type)
    said = (
        others
        | {digest: {type_.value} for digest, type_ in given.items()}
        | {digest: {type_} for digest, type_ in own.items()}
    )
    return {digest for digest, types in said.items() if types == {ArtifactType.MODEL.value}}


def _labels(connection: Connection, data: Collection[Digest]) -> dict[Digest, dict[str, Label]]:
    found: dict[Digest, dict[str, Label]] = {}
    for some in portions(sorted(data)):
        for table in (artifacts, dataset_versions):
            query = select(table.c.digest, table.c.tenant, table.c.label).where(table.c.digest.in_(some))
            for row in connection.execute(query.distinct()):
                labels = found.setdefault(Digest(row.digest), {})
                labels[row.tenant] = high_water_mark([Label.parse(row.label)], labels.get(row.tenant, OPEN))
    return found


def suspended_digests(connection: Connection, suspended: Collection[Suspension]) -> dict[str, frozenset[Digest]]:
    """The bytes of all versions that are suspended: by the id of the suspension, in one query."""
    names = sorted({one.name for one in suspended})
    query = select(
        model_versions.c.name, model_versions.c.version, model_versions.c.ministry, model_versions.c.digest
    )
    rows = [
        row for some in portions(names) for row in connection.execute(query.where(model_versions.c.name.in_(some)))
    ]
    return {
        one.id: frozenset(
            Digest(row.digest) for row in rows if row.ministry == one.tenant and one.covers(row.name, row.version)
        )
        for one in suspended
    }
