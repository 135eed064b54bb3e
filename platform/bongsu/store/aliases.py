"""Moving aliases of models by decision. The tracking server follows: it is told in the same transaction, to look.

Each of these works within the one tenant of the connection's scope, and raises ValueError where there are more: two
ministries may call a model by the same name.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select

from bongsu.domain.publication import AliasChanged
from bongsu.store import outbox
from bongsu.store.locks import hold_model
from bongsu.store.schema import aliases, model_versions
from bongsu.store.scope import tenant_of
from bongsu.store.upsert import put


def lock_model(connection: Connection, name: str) -> None:
    """Keep others from registering versions of this model and from deciding on them, and the labels of those that there
    are from changing, until the end of the transaction. Whoever is to hold the labels, too, holds them before."""
    hold_model(connection, name)
    query = select(model_versions.c.version).where(
        _of_tenant(connection, model_versions), model_versions.c.name == name
    )
    connection.execute(query.order_by(model_versions.c.version).with_for_update()).all()


def alias_target(connection: Connection, name: str, alias: str) -> int | None:
    """The version that an alias stands for."""
    query = select(aliases.c.version).where(_is_alias(connection, name, alias))
    return connection.execute(query).scalar()


def aliases_of(connection: Connection, name: str, version: int | None = None) -> list[tuple[str, int]]:
    """Aliases of a version, or of all versions of the model, each with its version."""
    query = select(aliases.c.alias, aliases.c.version).where(
        _of_tenant(connection, aliases), aliases.c.name == name
    )
    if version is not None:
        query = query.where(aliases.c.version == version)
    return [(row.alias, row.version) for row in connection.execute(query.order_by(aliases.c.alias))]


def set_alias(connection: Connection, name: str, alias: str, version: int) -> None:
    """Let an alias stand for a version; the caller has locked the model."""
    put(connection, aliases, {"tenant": tenant_of(connection), "name": name, "alias": alias, "version": version})
    _tell(connection, name, alias, version)


def drop_aliases(connection: Connection, name: str, version: int | None = None) -> list[str]:
    """Take away the aliases of a version, or of all; which they were."""
    found = aliases_of(connection, name, version)
    for alias, standing in found:
        connection.execute(delete(aliases).where(_is_alias(connection, name, alias)))
        _tell(connection, name, alias, standing)
    return [alias for alias, _version in found]


def _tell(connection: Connection, name: str, alias: str, version: int) -> None:
    """Under the run that registered the version, of which nothing is told before its beginning is."""
    query = select(model_versions.c.run_id, model_versions.c.ministry).where(
        _of_tenant(connection, model_versions),
        model_versions.c.name == name,
        model_versions.c.version == version,
    )
    row = connection.execute(query).one()
    outbox.put(
        connection, row.run_id, AliasChanged(run_id=row.run_id, name=name, alias=alias, ministry=row.ministry)
    )


def _is_alias(connection: Connection, name: str, alias: str) -> ColumnElement[bool]:
    return and_(_of_tenant(connection, aliases), aliases.c.name == name, aliases.c.alias == alias)


def _of_tenant(connection: Connection, table: Table) -> ColumnElement[bool]:
    return table.c.tenant == tenant_of(connection)
