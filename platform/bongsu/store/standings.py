"""Where models stand, as it was last seen: so that a change is recorded once."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Text, cast, delete, exists, insert, literal, or_, select

from bongsu.domain.approval import ApprovalState
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.standing import Verdict
from bongsu.store.schema import aliases, model_versions
from bongsu.store.schema_governance import model_standings, proposals
from bongsu.store.scope import owned
from bongsu.store.taken import add_new

Key = tuple[str, str, int]
"""Ministry, name and version."""
_C = model_standings.c


@dataclass(frozen=True)
class VersionInUse:
    """A version of a model that somebody relies on: by an alias, or by an approval that was carried out."""

    tenant: Tenant
    name: str
    version: int
    digest: Digest
    label: Label
    use_class: UseClass
    created_at: float

    @property
    def object(self) -> str:
        return f"model:{self.name}/{self.version}"


def versions_in_use(connection: Connection) -> list[VersionInUse]:
    """Of the connection's tenants, in an order that stays."""
    model, alias, proposal = model_versions.c, aliases.c, proposals.c
    is_named = exists().where(
        alias.tenant == model.tenant, alias.name == model.name, alias.version == model.version
    )
    is_approved = exists().where(
        proposal.tenant == model.tenant,
        proposal.state == ApprovalState.CARRIED_OUT.value,
        proposal.object == literal("model:") + model.name + "/" + cast(model.version, Text),
    )
    query = select(model_versions).where(owned(connection, model_versions), or_(is_named, is_approved))
    return [
        VersionInUse(
            tenant=Tenant(row.tenant),
            name=row.name,
            version=row.version,
            digest=Digest(row.digest),
            label=Label.parse(row.label),
            use_class=UseClass(row.use_class),
            created_at=row.created_at,
        )
        for row in connection.execute(query.order_by(model.tenant, model.name, model.version))
    ]


def is_noted(connection: Connection, key: Key, verdict: Verdict) -> bool:
    """Whether that is where the version was last seen to stand, for the same reasons."""
    known = connection.execute(select(_C.standing, _C.lapses).where(_here(key))).one_or_none()
    return known is not None and (known.standing, known.lapses) == (verdict.standing.value, _lapses(verdict))


def note_standing(connection: Connection, key: Key, verdict: Verdict, now: float) -> bool:
    """Note where a version stands at ``now`` (seconds since the epoch); False if that was known. The caller has locked
    the model."""
    if is_noted(connection, key, verdict):
        return False
    tenant, name, version = key
    connection.execute(delete(model_standings).where(_here(key)))
    add_new(
        connection,
        insert(model_standings).values(
            tenant=tenant,
            name=name,
            version=version,
            standing=verdict.standing.value,
            since=verdict.since,
            lapses=_lapses(verdict),
            noted_at=now,
        ),
    )
    return True


def _here(key: Key) -> ColumnElement[bool]:
    tenant, name, version = key
    return (_C.tenant == tenant) & (_C.name == name) & (_C.version == version)


def _lapses(verdict: Verdict) -> str:
    return json.dumps([str(lapse.what) for lapse in verdict.lapses], ensure_ascii=False)
