"""Permits: of data, for purposes; and of access, for other ministries. Both are given and revoked, never changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, cast, exists, func, insert, literal, or_, select

from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.ids import Digest
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.shared import SharedAddress
from bongsu.domain.suspension import ModelOrigin
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.access import AccessPermit
from bongsu.policy.data import Permits
from bongsu.store.ended import end_once
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.portions import portions
from bongsu.store.receipts import received_by
from bongsu.store.schema import dataset_versions, model_versions
from bongsu.store.schema_governance import access_permits, dataset_permits
from bongsu.store.taken import add_new

_PERIOD = ("beginsAt", "endsAt", "givenAt", "revokedBy", "revokedAt")
DATA_PERMITS = Listing(
    (Step(dataset_permits.c.name), Step(dataset_permits.c.version, down=True), Step(dataset_permits.c.id)),
    {
        **columns(dataset_permits, "id", "name", "version", "digest", "custodian", *_PERIOD),
        "ministry": dataset_permits.c.tenant,
    },
)
"""By name, those of the newest version first. Nobody filters by the card: it may name what they do not see."""
ACCESS_PERMITS = Listing(
    (Step(access_permits.c.object), Step(access_permits.c.id)),
    columns(access_permits, "id", "object", "giver", "ministry", "purpose", "givenBy", *_PERIOD),
    closed={"purpose": UseClass},
)
"""By object."""


def add_data_permit(connection: Connection, permit: DatasetPermit) -> None:
    """Add a permit. Raises Taken if there is one of this id."""
    add_new(
        connection,
        insert(dataset_permits).values(
            id=permit.id,
            tenant=permit.tenant,
            name=permit.name,
            version=permit.version,
            digest=permit.digest,
            use_classes=_as_kept(permit.use_classes),
            card=permit.card,
            custodian=permit.custodian,
            reason=permit.reason,
            begins_at=permit.begins_at,
            ends_at=permit.ends_at,
            given_at=permit.given_at,
            revoked_by="",
            revoked_why="",
        ),
    )


def revoke_data_permit(connection: Connection, permit_id: str, by: str, why: str, now: float) -> bool:
    """End a permit now; False, and no change, if it was revoked before."""
    said = {"revoked_by": by, "revoked_why": why}
    return end_once(connection, dataset_permits.c.revoked_at, permit_id, now, **said)


def count_revoked_data_permits(connection: Connection, permit: DatasetPermit) -> int:
    """How often a permit that says the same, whoever gave it, was revoked; which numbers the next one."""
    c = dataset_permits.c
    query = select(func.count()).where(
        c.tenant == permit.tenant,
        c.name == permit.name,
        c.version == permit.version,
        c.digest == permit.digest,
        c.use_classes == _as_kept(permit.use_classes),
        c.card == permit.card,
        c.reason == permit.reason,
        c.begins_at == permit.begins_at,
        c.ends_at == permit.ends_at,
        c.revoked_at.is_not(None),
    )
    return connection.execute(query).scalar_one()


def find_data_permit(connection: Connection, permit_id: str) -> DatasetPermit | None:
    row = connection.execute(select(dataset_permits).where(dataset_permits.c.id == permit_id)).one_or_none()
    return _data_permit(connection, row) if row else None


def data_permits_in(
    connection: Connection, ministries: Iterable[str], wanted: PageRequest = WHOLE
) -> list[DatasetPermit]:
    """Permits that custodians of these ministries gave, by name and version."""
    query = select(dataset_permits).where(dataset_permits.c.tenant.in_(sorted(ministries)))
    return [_data_permit(connection, row) for row in connection.execute(DATA_PERMITS.page(query, wanted))]


def permits_of(connection: Connection, digests: Collection[Digest], models: Collection[ModelOrigin]) -> Permits:
    """What may matter to whoever takes these trees.

    Args:
        connection: reads.
        digests: of data.
        models: that may be taken.

    Returns:
        Permits of the data, what shares it or the models with other ministries, and who received any of it.
    """
    found: list[DatasetPermit] = []
    for some in portions(sorted(digests)):
        query = select(dataset_permits).where(dataset_permits.c.digest.in_(some))
        found += [_data_permit(connection, row) for row in connection.execute(query)]
    named = sorted({permit.object for permit in found} | {model.object for model in models})
    shared: list[SharedObject] = []
    for names in portions(named):
        shares = select(access_permits).where(access_permits.c.object.in_(names))
        shared += [_shared(connection, row) for row in connection.execute(shares)]
    received = received_by(connection, {*digests, *(model.digest for model in models)})
    return Permits(tuple(found), tuple(shared), received)


def add_access_permit(connection: Connection, permit: SharedObject) -> None:
    """Add a permit. Raises Taken if there is one of this id."""
    add_new(
        connection,
        insert(access_permits).values(
            id=permit.id,
            object=permit.object,
            giver=permit.giver,
            ministry=permit.ministry,
            purpose=permit.purpose.value,
            begins_at=permit.begins_at,
            ends_at=permit.ends_at,
            given_by=permit.given_by,
            given_at=permit.given_at,
            reason=permit.reason,
            revoked_by="",
        ),
    )


def revoke_access_permit(connection: Connection, permit_id: str, by: str, now: float) -> bool:
    """End a permit now; False, and no change, if it was revoked before."""
    return end_once(connection, access_permits.c.revoked_at, permit_id, now, revoked_by=by)


def count_revoked_access_permits(connection: Connection, permit: SharedObject) -> int:
    """As :func:`count_revoked_data_permits`, of access."""
    c = access_permits.c
    query = select(func.count()).where(
        c.object == permit.object,
        c.giver == permit.giver,
        c.ministry == permit.ministry,
        c.purpose == permit.purpose.value,
        c.reason == permit.reason,
        c.begins_at == permit.begins_at,
        c.ends_at == permit.ends_at,
        c.revoked_at.is_not(None),
    )
    return connection.execute(query).scalar_one()


def find_access_permit(connection: Connection, permit_id: str) -> SharedObject | None:
    row = connection.execute(select(access_permits).where(access_permits.c.id == permit_id)).one_or_none()
    return _shared(connection, row) if row else None


def access_permits_in(
    connection: Connection, ministries: Iterable[str], wanted: PageRequest = WHOLE
) -> list[SharedObject]:
    """Permits that these ministries gave or got, by object."""
    named = sorted(ministries)
    mine = or_(access_permits.c.giver.in_(named), access_permits.c.ministry.in_(named))
    query = ACCESS_PERMITS.page(select(access_permits).where(mine), wanted)
    return [_shared(connection, row) for row in connection.execute(query)]


@dataclass(frozen=True)
class Wanted:
    """Which of the things that are shared; every one if neither is said.

    Attributes:
        object: one of a giver.
        digest: versions of the giver that have these bytes.
    """

    object: SharedAddress | None = None
    digest: Digest | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.object is not None:
            yield access_permits.c.giver == self.object.giver
            yield access_permits.c.object == self.object.object
        if self.digest is not None:
            yield or_(self._has_bytes("model", model_versions), self._has_bytes("dataset", dataset_versions))

    def _has_bytes(self, kind: str, table: Table) -> ColumnElement[bool]:
        named = literal(f"{kind}:") + table.c.name + literal("/") + cast(table.c.version, Text)
        giver = table.c.tenant == access_permits.c.giver
        return exists().where(giver, table.c.digest == self.digest, named == access_permits.c.object)


ANY = Wanted()


def permits_for(connection: Connection, ministries: Iterable[str], now: float) -> list[AccessPermit]:
    """What other ministries share with these at this time, for :func:`bongsu.policy.access.judge`."""
    return [as_access_permit(one) for one in shared_with(connection, ministries, now)]


def shared_with(
    connection: Connection, ministries: Iterable[str], now: float, wanted: Wanted = ANY
) -> list[SharedObject]:
    """As :func:`permits_for`, as they are kept: by giver and object."""
    query = select(access_permits).where(
        access_permits.c.ministry.in_(sorted(ministries)),
        access_permits.c.begins_at <= now,
        access_permits.c.ends_at > now,
        access_permits.c.revoked_at.is_(None),
        *wanted.conditions(),
    )
    query = query.order_by(access_permits.c.giver, access_permits.c.object, access_permits.c.id)
    return [_shared(connection, row) for row in connection.execute(query)]


def as_access_permit(shared: SharedObject) -> AccessPermit:
    return AccessPermit(
        object=shared.object,
        giver=shared.giver,
        ministry=shared.ministry,
        purpose=shared.purpose.value,
        begins=datetime.fromtimestamp(shared.begins_at, UTC),
        ends=datetime.fromtimestamp(shared.until, UTC),
    )


def _as_kept(uses: Collection[UseClass]) -> str:
    return json.dumps(sorted(use.value for use in uses))


def _data_permit(connection: Connection, row: Any) -> DatasetPermit:
    values = dict(row._mapping)
    with readable(connection, dataset_permits, row.id):
        uses = frozenset(UseClass(name) for name in json.loads(row.use_classes))
        return DatasetPermit(
            **values | {"tenant": Tenant(row.tenant), "digest": Digest(row.digest), "use_classes": uses}
        )


def _shared(connection: Connection, row: Any) -> SharedObject:
    values = dict(row._mapping)
    with readable(connection, access_permits, row.id):
        return SharedObject(
            **values
            | {"giver": Tenant(row.giver), "ministry": Tenant(row.ministry), "purpose": UseClass(row.purpose)}
        )
