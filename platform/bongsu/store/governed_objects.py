"""What registers, permits and proposals speak of: ``model:NAME/3``, ``dataset:NAME/1``, ``artifact:sha256-...``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, select

from bongsu.domain.approval import Binding, ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.lineage import EdgeKind
from bongsu.policy.access import Thing
from bongsu.store.lineage import stage_node
from bongsu.store.origins import made_by
from bongsu.store.schema import artifacts, dataset_versions, edges, model_versions, runs

_NAMED = re.compile(r"(?P<kind>model|dataset):(?P<name>[^/|]+)/(?P<version>[1-9][0-9]{0,8})")
_ARTIFACT = re.compile(r"artifact:(?P<digest>sha256-[0-9a-f]{64})")
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


def is_well_formed(text: str) -> bool:
    return bool(_NAMED.fullmatch(text) or _ARTIFACT.fullmatch(text))


def find_object(connection: Connection, tenant: str, text: str) -> Found | None:
    """The ministry's object of this name; None if it has none."""
    named = _NAMED.fullmatch(text)
    if named and named["kind"] == "model":
        return _model(connection, tenant, named["name"], int(named["version"]))
    if named:
        return _dataset(connection, tenant, named["name"], int(named["version"]))
    tree = _ARTIFACT.fullmatch(text)
    return _artifact(connection, tenant, Digest(tree["digest"])) if tree else None


def binding_of(
    connection: Connection, found: Found, kind: ProposalKind, target: str, evidence_until: float = 0.0
) -> Binding:
    """What an approval of this would be for, as it is now."""
    plan_hash = connection.execute(select(runs.c.plan_hash).where(runs.c.id == found.run_id)).scalar()
    return Binding(
        kind=kind,
        object=found.thing.object,
        target=target,
        content=found.content,
        evidence=evidence_of(connection, found),
        plan_hash=plan_hash or "",
        label=str(found.thing.label),
        use_class=found.use_class,
        evidence_until=round(evidence_until * 1000) / 1000,
    )


def evidence_of(connection: Connection, found: Found) -> tuple[Digest, ...]:
    """Evaluations and verifications that the registration of a model was given, sorted."""
    if not found.stage_id:
        return ()
    stage = stage_node(found.run_id, found.stage_id)
    used = select(edges.c.source).where(edges.c.target == stage, edges.c.kind == EdgeKind.USED.value)
    digests = [node.removeprefix("artifact:") for node in connection.execute(used).scalars()]
    query = select(artifacts.c.digest).where(artifacts.c.digest.in_(digests), artifacts.c.type.in_(_EVIDENCE))
    return tuple(sorted(map(Digest, connection.execute(query).scalars())))


def runs_behind(connection: Connection, found: Found) -> set[str]:
    """Runs whose submitters have a stake in it: the one that registered it, and those that made its bytes and the
    evidence for them."""
    made: Collection[Digest] = {found.content, *evidence_of(connection, found)}
    return made_by(connection, made) | ({found.run_id} if found.run_id else set())


def _model(connection: Connection, tenant: str, name: str, version: int) -> Found | None:
    query = select(model_versions).where(
        model_versions.c.name == name, model_versions.c.version == version, _of(model_versions, tenant)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    thing = Thing(f"model:{name}/{version}", tenant, Label.parse(row.label))
    return Found(thing, Digest(row.digest), row.run_id, row.stage_id, row.use_class, name, version)


def _dataset(connection: Connection, tenant: str, name: str, version: int) -> Found | None:
    query = select(dataset_versions).where(
        dataset_versions.c.name == name, dataset_versions.c.version == version, _of(dataset_versions, tenant)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    thing = Thing(f"dataset:{name}/{version}", tenant, Label.parse(row.label))
    return Found(thing, Digest(row.digest), name=name, version=version)


def _artifact(connection: Connection, tenant: str, digest: Digest) -> Found | None:
    query = select(artifacts).where(artifacts.c.digest == digest, _of(artifacts, tenant))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    maker = select(runs.c.ministry).where(runs.c.id == row.run_id)
    ministry = connection.execute(maker).scalar() if row.run_id else tenant
    if ministry != tenant:
        return None
    return Found(Thing(f"artifact:{digest}", tenant, Label.parse(row.label)), digest, row.run_id or "")


def _of(table: Table, tenant: str) -> ColumnElement[bool]:
    """Rows of the ministry."""
    return table.c.tenant == tenant
