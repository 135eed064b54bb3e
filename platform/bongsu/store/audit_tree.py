"""The tree of a log: its size, its roots, and proofs out of the stored hashes of complete subtrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from bongsu.domain import merkle
from bongsu.domain.merkle import Frontier, Nodes, edge_places, inner_hash
from bongsu.domain.tenants import Tenant
from bongsu.store.schema_audit import audit_logs, audit_nodes

_BATCH = 500


def size_of(connection: Connection, tenant: Tenant) -> int:
    """How many entries the log has; 0 for one that was never written to."""
    found = connection.execute(select(audit_logs.c.size).where(audit_logs.c.tenant == tenant)).scalar()
    return int(found or 0)


def root_at(connection: Connection, tenant: Tenant, size: int) -> bytes:
    """Of the first ``size`` entries. Raises LookupError if a node is missing."""
    return Frontier(size, edge_at(connection, tenant, size)).root()


def edge_at(connection: Connection, tenant: Tenant, size: int) -> list[bytes]:
    """Roots of the complete subtrees that the tree over the first ``size`` entries consists of, largest first. Raises
    LookupError if one is missing."""
    places = list(edge_places(size))
    known = nodes_at(connection, tenant, places)
    return [known[place] for place in places]


def inclusion_proof(connection: Connection, tenant: Tenant, index: int, size: int) -> list[bytes]:
    """As of :func:`bongsu.domain.merkle.inclusion_proof`. Raises LookupError if a node is missing."""
    return _with_nodes(connection, tenant, lambda nodes: merkle.inclusion_proof(nodes, index, size))


def consistency_proof(connection: Connection, tenant: Tenant, old: int, new: int) -> list[bytes]:
    """As of :func:`bongsu.domain.merkle.consistency_proof`; empty for an empty old tree, of which nothing has to be
    shown. Raises LookupError if a node is missing."""
    if old == 0:
        return []
    return _with_nodes(connection, tenant, lambda nodes: merkle.consistency_proof(nodes, old, new))


def wrong_node(connection: Connection, tenant: Tenant, size: int) -> tuple[int, int] | None:
    """Level and place of a stored hash that is not that of the two below it, or is missing; None if all are right."""
    for level in range(1, size.bit_length()):
        count = size >> level
        for begin in range(0, count, _BATCH):
            places = range(begin, min(begin + _BATCH, count))
            below = _level(connection, tenant, level - 1, range(2 * begin, 2 * places.stop))
            here = _level(connection, tenant, level, places)
            for place in places:
                left, right = below.get(2 * place), below.get(2 * place + 1)
                if left is None or right is None or here.get(place) != inner_hash(left, right):
                    return level, place
    return None


def _level(connection: Connection, tenant: Tenant, level: int, places: range) -> dict[int, bytes]:
    query = select(audit_nodes.c.place, audit_nodes.c.hash).where(
        audit_nodes.c.tenant == tenant,
        audit_nodes.c.level == level,
        audit_nodes.c.place >= places.start,
        audit_nodes.c.place < places.stop,
    )
    return {row.place: bytes(row.hash) for row in connection.execute(query)}


def _with_nodes(connection: Connection, tenant: Tenant, prove: Callable[[Nodes], list[bytes]]) -> list[bytes]:
    """Run a proof twice: to learn which nodes it takes, and with these, read by one query."""
    asked: list[tuple[int, int]] = []

    def note(level: int, place: int) -> bytes:
        asked.append((level, place))
        return b""

    prove(note)
    known = nodes_at(connection, tenant, asked)
    return prove(lambda level, place: known[level, place])


def nodes_at(
    connection: Connection, tenant: Tenant, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """The stored hashes among these, by level and place."""
    if not places:
        return {}
    wanted: dict[str, Any] = {"log": tenant}
    for number, (level, place) in enumerate(places):
        wanted |= {f"level_{number}": level, f"place_{number}": place}
    return {(row.level, row.place): bytes(row.hash) for row in connection.execute(_nodes(len(places)), wanted)}


@lru_cache(maxsize=64)
def _nodes(count: int) -> Select[tuple[int, int, bytes]]:
    columns = audit_nodes.c
    # SQLite would read the whole tree for a list of pairs, and looks into the index for each of these.
    rows = (
        and_(
            columns.tenant == bindparam("log"),
            columns.level == bindparam(f"level_{number}"),
            columns.place == bindparam(f"place_{number}"),
        )
        for number in range(count)
    )
    return select(columns.level, columns.place, columns.hash).where(or_(*rows))
