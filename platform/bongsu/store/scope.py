"""What of the store there is for whoever opened a connection: the objects of a tenant, up to a clearance.

A connection carries its scope (:meth:`bongsu.store.database.Database.read`), and every query over objects asks for it
here. One that was opened without any sees the objects of a home on one machine, and no ministry's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, false, func, or_, select, true

from bongsu.domain.labels import Label
from bongsu.domain.tenants import HOME, Tenant

OPTION = "bongsu_scope"


@dataclass(frozen=True)
class Scope:
    """Attributes:
    tenants: whose objects; None for everybody's, as the control plane itself has them.
    clearance: nothing whose label it does not dominate; None for everything.
    """

    tenants: frozenset[Tenant] | None
    clearance: Label | None = None

    @classmethod
    def of(cls, tenant: Tenant, clearance: Label | None = None) -> Scope:
        return cls(frozenset({tenant}), clearance)

    @property
    def tenant(self) -> Tenant:
        """The one tenant. Raises ValueError if there are more, or none: a name means nothing then."""
        if self.tenants is None or len(self.tenants) != 1:
            raise ValueError("names and new objects need the scope of one tenant")
        return next(iter(self.tenants))


AT_HOME = Scope.of(HOME)
EVERYTHING = Scope(None)


def scope_of(connection: Connection) -> Scope:
    """What the connection was opened for."""
    scope = connection.get_execution_options().get(OPTION, AT_HOME)
    assert isinstance(scope, Scope)
    return scope


def tenant_of(connection: Connection) -> Tenant:
    """Whose objects the connection makes, and whose names it knows."""
    return scope_of(connection).tenant


def owned(connection: Connection, table: Table) -> ColumnElement[bool]:
    """Rows of the connection's tenants, whatever their labels: for upkeep, which nobody reads."""
    tenants = scope_of(connection).tenants
    return true() if tenants is None else _is_of(table, tenants)


def visible(connection: Connection, table: Table) -> ColumnElement[bool]:
    """Rows that exist for who reads."""
    scope = scope_of(connection)
    if scope.clearance is None:
        return owned(connection, table)
    if scope.tenants is None:
        raise ValueError("who has a clearance has ministries")
    by_tenant = (
        and_(table.c.tenant == tenant, table.c.label.in_(_dominated(connection, table, tenant, scope.clearance)))
        for tenant in sorted(scope.tenants)
    )
    return or_(false(), *by_tenant)


def sees(connection: Connection, label: str) -> bool:
    """True if the clearance dominates a label, as rows have it."""
    clearance = scope_of(connection).clearance
    return clearance is None or clearance.dominates(Label.parse(label))


def _is_of(table: Table, tenants: frozenset[Tenant]) -> ColumnElement[bool]:
    if len(tenants) == 1:
        return table.c.tenant == next(iter(tenants))
    return table.c.tenant.in_(sorted(tenants))


def _dominated(connection: Connection, table: Table, tenant: Tenant, clearance: Label) -> list[str]:
    """Those of the labels that the tenant's rows have. There are few of them: each is found by one look into the index,
    behind the one before it, however many rows there are."""
    found: list[str] = []
    last: Any = ""
    while True:
        behind = select(func.min(table.c.label)).where(table.c.tenant == tenant, table.c.label > last)
        last = connection.execute(behind).scalar()
        if last is None:
            return found
        if clearance.dominates(Label.parse(last)):
            found.append(last)
