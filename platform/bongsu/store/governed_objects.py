"""What registers, permits and proposals speak of: ``model:NAME/3``, ``dataset:NAME/1``, ``artifact:sha256-...``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, or_, select

from bongsu.domain.approval import Binding, ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind
from bongsu.policy.access import Thing
from bongsu.store.node_ids import digests_among, stage_node
from bongsu.store.origins import makers_of
from bongsu.store.portions import portions
from bongsu.store.schema import artifacts, dataset_versions, edges, model_versions, runs

_NAMED = re.compile(r"(?P<kind>model|dataset):(?P<name>[^/|]+)/(?P<version>[1-9][0-9]{0,8})")
_ARTIFACT = re.compile(r"artifact:(?P<digest>sha256-[0-9a-f]{64})")
_Version = tuple[str, str, int]  # whose, its name, its number
_EVIDENCE = (ArtifactType.EVALUATION.value, ArtifactType.VERIFICATION.value)


@dataclass(frozen=True)
class Found:
    """An object as the store has it.

    Attributes:
        thing: for the rules of access.
        content: digest of its bytes.
        run_id: of the run that registered or made it; empty if none did.
        stage_id: the stage that registered it.
        use_class: of a model; else empty.
    """

    thing: Thing
    content: Digest
    run_id: str = ""
    stage_id: str = ""
    use_class: str = ""
    name: str = ""
    version: int = 0


@dataclass(frozen=True)
class Grounds:
    """What an approval of an object rests on.

    Attributes:
        evidence: evaluations and verifications that the registration of a model was given, sorted.
        plan_hash: of the run that registered or made it; empty if none did.
    """

    found: Found
    evidence: tuple[Digest, ...]
    plan_hash: str

    def binding(self, kind: ProposalKind, target: str, ends_at: float | None) -> Binding:
        """What an approval of it would be for."""
        found = self.found
        return Binding(
            kind=kind,
            object=found.thing.object,
            target=target,
            content=found.content,
            evidence=self.evidence,
            plan_hash=self.plan_hash,
            label=str(found.thing.label),
            use_class=found.use_class,
            evidence_ends_at=round(ends_at * 1000) / 1000 if ends_at is not None else None,
        )


def is_well_formed(text: str) -> bool:
    return bool(_NAMED.fullmatch(text) or _ARTIFACT.fullmatch(text))


def find_object(connection: Connection, tenant: str, text: str) -> Found | None:
    """The ministry's object of this name; None if it has none."""
    return find_objects(connection, [(tenant, text)]).get((tenant, text))


def find_objects(connection: Connection, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Found]:
    """As :func:`find_object`, of many, each by ministry and name; what is not there is left out. Each table is asked
    once for all that may be in it."""
    models, data, trees = set[_Version](), set[_Version](), set[tuple[str, str]]()
    for tenant, text in wanted:
        named, tree = _NAMED.fullmatch(text), _ARTIFACT.fullmatch(text)
        if named:
            of_kind = models if named["kind"] == "model" else data
            of_kind.add((tenant, named["name"], int(named["version"])))
        elif tree:
            trees.add((tenant, tree["digest"]))
    found = [*_models(connection, models), *_datasets(connection, data), *_artifacts(connection, trees)]
    return {(one.thing.ministry, one.thing.object): one for one in found}


def binding_of(
    connection: Connection, found: Found, kind: ProposalKind, target: str, ends_at: float | None = None
) -> Binding:
    """What an approval of this would be for, as it is now."""
    return grounds_of(connection, [found])[found].binding(kind, target, ends_at)


def grounds_of(connection: Connection, objects: Collection[Found]) -> dict[Found, Grounds]:
    """What each of these rests on, asked once for all of them."""
    evidence = _evidence_of(connection, objects)
    plan_hashes: dict[str, str] = {}
    for some in portions(sorted({one.run_id for one in objects if one.run_id})):
        query = select(runs.c.id, runs.c.plan_hash).where(runs.c.id.in_(some))
        plan_hashes |= {row.id: row.plan_hash for row in connection.execute(query)}
    return {one: Grounds(one, evidence[one], plan_hashes.get(one.run_id) or "") for one in objects}


def runs_behind(connection: Connection, evidence: Mapping[Found, Collection[Digest]]) -> dict[Found, set[str]]:
    """Runs whose submitters have a stake in each of these objects, which come with their evidence: the one that
    registered it, and those that made its bytes and the evidence for them."""
    made = {found: {found.content, *for_it} for found, for_it in evidence.items()}
    makers = makers_of(connection, set().union(*made.values()))
    return {
        found: {run for digest in digests for run in makers.get(digest, ())} | ({found.run_id} - {""})
        for found, digests in made.items()
    }


def _evidence_of(connection: Connection, objects: Collection[Found]) -> dict[Found, tuple[Digest, ...]]:
    """Evaluations and verifications that the registration of each model was given, sorted."""
    stages = {one: stage_node(one.run_id, one.stage_id) for one in objects if one.stage_id}
    used: dict[str, set[Digest]] = {}
    for some in portions(sorted(set(stages.values()))):
        query = select(edges.c.source, edges.c.target).where(
            edges.c.target.in_(some), edges.c.kind == EdgeKind.USED.value
        )
        for row in connection.execute(query):
            used.setdefault(row.target, set()).update(digests_among([row.source]))
    ministries = sorted({one.thing.ministry for one in stages})
    speaking: set[tuple[str, str]] = set()
    for digests in portions(sorted(set().union(*used.values()))):
        # As the ministry that made it calls it; whoever else has the same bytes may call them something else.
        known = select(artifacts.c.tenant, artifacts.c.digest).where(
            artifacts.c.tenant.in_(ministries),
            artifacts.c.digest.in_(digests),
            artifacts.c.type.in_(_EVIDENCE),
        )
        speaking |= {(row.tenant, row.digest) for row in connection.execute(known)}
    return {
        one: tuple(
            sorted(
                digest for digest in used.get(stages.get(one, ""), ()) if (one.thing.ministry, digest) in speaking
            )
        )
        for one in objects
    }


def _models(connection: Connection, wanted: Collection[_Version]) -> Iterator[Found]:
    for row in _versions(connection, model_versions, wanted):
        thing = Thing(f"model:{row.name}/{row.version}", row.tenant, Label.parse(row.label))
        yield Found(thing, Digest(row.digest), row.run_id, row.stage_id, row.use_class, row.name, row.version)


def _datasets(connection: Connection, wanted: Collection[_Version]) -> Iterator[Found]:
    for row in _versions(connection, dataset_versions, wanted):
        thing = Thing(f"dataset:{row.name}/{row.version}", row.tenant, Label.parse(row.label))
        yield Found(thing, Digest(row.digest), name=row.name, version=row.version)


def _versions(connection: Connection, table: Table, wanted: Collection[_Version]) -> Iterator[Row[Any]]:
    c = table.c
    for some in portions(sorted(wanted)):
        # By equality and names: SQLite reads the whole table where rows are compared with a list of rows.
        names: dict[tuple[str, int], list[str]] = {}
        for tenant, name, version in some:
            names.setdefault((tenant, version), []).append(name)
        each = (
            and_(c.tenant == tenant, c.name.in_(named), c.version == version)
            for (tenant, version), named in names.items()
        )
        yield from connection.execute(select(table).where(or_(*each)))


def _artifacts(connection: Connection, wanted: Collection[tuple[str, str]]) -> Iterator[Found]:
    """Those that a run of another ministry made are left out."""
    rows: list[Row[Any]] = []
    for some in portions(sorted(wanted)):
        digests: dict[str, list[str]] = {}
        for tenant, digest in some:
            digests.setdefault(tenant, []).append(digest)
        each = (
            and_(artifacts.c.tenant == tenant, artifacts.c.digest.in_(theirs)) for tenant, theirs in digests.items()
        )
        rows += connection.execute(select(artifacts).where(or_(*each))).all()
    ministries: dict[str, str] = {}
    for run_ids in portions(sorted({row.run_id for row in rows if row.run_id})):
        makers = select(runs.c.id, runs.c.ministry).where(runs.c.id.in_(run_ids))
        ministries |= {row.id: row.ministry for row in connection.execute(makers)}
    for row in rows:
        if not row.run_id or ministries.get(row.run_id) == row.tenant:
            thing = Thing(f"artifact:{row.digest}", row.tenant, Label.parse(row.label))
            yield Found(thing, Digest(row.digest), row.run_id or "")
