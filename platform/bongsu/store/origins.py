"""What trees come from: the data and the registered models that they are, or were made from, at whatever distance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bongsu.domain.approval import ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.lineage import EdgeKind
from bongsu.domain.suspension import ModelOrigin, Suspension
from bongsu.domain.tenants import Tenant
from bongsu.policy.data import Permits, Taken
from bongsu.store.lineage import artifact_node
from bongsu.store.permits import permits_of
from bongsu.store.portions import portions
from bongsu.store.proposals import proposals_of
from bongsu.store.schema import artifacts, dataset_versions, edges, model_versions
from bongsu.store.suspensions import open_suspensions

_ARTIFACT = artifact_node("")
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
    """Trees with what they come from, and the permits that may matter for them."""

    taken: tuple[Taken, ...]
    permits: Permits


def origins_of(connection: Connection, given: Iterable[Given]) -> Origins:
    """What these trees come from. Data is what was registered as a data set, and whatever nobody here has made and
    is no model."""
    trees = list(given)
    parents = _parents(connection, [tree.digest for tree in trees])
    closures = {tree.digest: _closure(parents, tree.digest) for tree in trees}
    everything = sorted(set().union(*closures.values())) if closures else []
    data = _data(connection, everything, parents, {tree.digest: tree.type for tree in trees})
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
    return Origins(taken, permits)


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
    approved = _evidence_until(connection, {f"model:{row.name}/{row.version}" for row in rows})
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
            evidence_until=approved.get((row.ministry, f"model:{row.name}/{row.version}")),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda model: (model.name, model.version)))


def made_by(connection: Connection, digests: Collection[Digest]) -> set[str]:
    """Ids of the runs that made these trees."""
    targets = [artifact_node(digest) for digest in sorted(digests)]
    query = select(edges.c.run_id).where(edges.c.target.in_(targets), edges.c.kind == EdgeKind.MADE.value)
    return set(connection.execute(query).scalars())


def _evidence_until(connection: Connection, objects: set[str]) -> dict[tuple[str, str], float]:
    """By ministry and object; an approval that was carried out once counts by its evidence, whatever became of it: what
    was made of a model does not stand better when the model itself has to be looked at again."""
    found: dict[tuple[str, str], float] = {}
    for proposal in proposals_of(connection, objects):
        if proposal.binding.kind in _USES and proposal.carried_out_at is not None:
            key = (str(proposal.tenant), proposal.binding.object)
            found[key] = max(found.get(key, 0.0), proposal.binding.evidence_until)
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
    return {Digest(node.removeprefix(_ARTIFACT)) for node in seen if node.startswith(_ARTIFACT)}


def _data(
    connection: Connection,
    digests: Collection[Digest],
    parents: Mapping[str, set[str]],
    given: Mapping[Digest, ArtifactType],
) -> set[Digest]:
    types: dict[Digest, str] = {digest: type_.value for digest, type_ in given.items()}
    registered: set[Digest] = set()
    for some in portions(sorted(digests)):
        known = select(artifacts.c.digest, artifacts.c.type).where(artifacts.c.digest.in_(some))
        types |= {Digest(row.digest): row.type for row in connection.execute(known)}
        named = select(dataset_versions.c.digest).where(dataset_versions.c.digest.in_(some)).distinct()
        registered |= set(map(Digest, connection.execute(named).scalars()))
    brought = {
        digest
        for digest in digests
        if artifact_node(digest) not in parents and types.get(digest) != ArtifactType.MODEL.value
    }
    return registered | brought


def suspended_digests(connection: Connection, suspended: Iterable[Suspension]) -> set[Digest]:
    """The bytes of all versions that are suspended."""
    found: set[Digest] = set()
    for one in suspended:
        query = select(model_versions.c.digest).where(
            model_versions.c.name == one.name, model_versions.c.ministry == one.tenant
        )
        if one.version is not None:
            query = query.where(model_versions.c.version == one.version)
        found |= set(map(Digest, connection.execute(query).scalars()))
    return found
