"""What of the store there is for whoever opened a connection: the objects of a tenant, up to a clearance.

A connection carries its scope (:meth:`bongsu.store.database.Database.read`), and every query over objects asks for it
here. One that was opened without any sees the objects of a home on one machine, and no ministry's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from bongsu.domain.labels import Label
from bongsu.domain.tenants import HOME, Tenant

OPTION = "bongsu_scope"
LABELS = "bongsu_labels"
"""Of a connection that reads one snapshot: labels that were found in it, by table."""


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


@contextmanager
def inside(connection: Connection, tenant: Tenant) -> Iterator[None]:
    """Within the block the transaction is on the objects of this tenant, whatever their labels: for what one tenant
    does and another one has to follow at once."""
    before = scope_of(connection)
    connection.execution_options(**{OPTION: Scope.of(tenant)})
    try:
        yield
    finally:
        connection.execution_options(**{OPTION: before})


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
    seen = _dominated(connection, table, scope.tenants, scope.clearance)
    by_tenant = (and_(table.c.tenant == tenant, table.c.label.in_(labels)) for tenant, labels in seen.items())
    return or_(false(), *by_tenant)


def sees(connection: Connection, label: str) -> bool:
    """True if the clearance dominates a label, as rows have it."""
    clearance = scope_of(connection).clearance
    return clearance is None or clearance.dominates(Label.parse(label))


def is_owned(connection: Connection, row: Row[Any]) -> bool:
    """As :func:`owned`, of one row that was asked for by its key."""
    tenants = scope_of(connection).tenants
    return tenants is None or row.tenant in tenants


def _is_of(table: Table, tenants: frozenset[Tenant]) -> ColumnElement[bool]:
    if len(tenants) == 1:
        return table.c.tenant == next(iter(tenants))
    return table.c.tenant.in_(sorted(tenants))


def _dominated(
    connection: Connection, table: Table, tenants: frozenset[Tenant], clearance: Label
) -> Mapping[Tenant, Sequence[str]]:
    """By tenant: those of the labels that its rows have. What one snapshot holds is looked for once."""
    known: dict[str, Mapping[Tenant, Sequence[str]]] | None = connection.get_execution_options().get(LABELS)
    if known is not None and table.name in known:
        return known[table.name]
    found: dict[Tenant, list[str]] = {tenant: [] for tenant in sorted(tenants)}
    names = {_place(place): tenant for place, tenant in enumerate(found)}
    for row in connection.execute(_labels(table, len(found)), names) if found else ():
        if _is_dominated(clearance, row.label):
            found[Tenant(row.tenant)].append(row.label)
    if known is not None:
        known[table.name] = found
    return found


def _is_dominated(clearance: Label, label: str) -> bool:
    """False for what is no label: nobody knows who might see such a row, and those of others are shown all the same. A
    check of the database tells of it."""
    try:
        return clearance.dominates(Label.parse(label))
    except ValueError:
        return False


@cache  # for every list that is asked for, making it costs more than asking it
def _labels(table: Table, tenants: int) -> Select[tuple[str, str]]:
    """Of so many tenants, each at its :func:`_place`, the labels of their rows. There are few labels: each is found by
    one look into the index, behind the one before it, however many rows there are."""
    each = (
        select(cast(bindparam(_place(place)), Text).label("tenant"), cast(literal(""), Text).label("label"))
        for place in range(tenants)
    )
    begin = select(union_all(*each).subquery()).cte("found", recursive=True)
    behind = select(func.min(table.c.label)).where(table.c.tenant == begin.c.tenant, table.c.label > begin.c.label)
    step = select(begin.c.tenant, cast(behind.scalar_subquery(), Text)).where(begin.c.label.is_not(None))
    found = begin.union_all(step)
    return select(found.c.tenant, found.c.label).where(found.c.label != "")


def _place(number: int) -> str:
    return f"tenant_{number}"
