"""Writing a log into a file that verifies without this house."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.checkpoints import SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.access import asked_of, may, visible_labels
from bongsu.service.audit.bundles import CheckpointLine, EndLine, EntryLine, Head, KeyLine, Line, written
from bongsu.service.audit.checkpoints import LACKS_HASHES, damaged, sign
from bongsu.service.audit.cosignatures import own_keys, witnessed, written_out
from bongsu.service.audit.keys import LogKeys
from bongsu.service.platform import Platform
from bongsu.service.recording import done
from bongsu.store import audit_checkpoints, audit_reading, audit_tree
from bongsu.store.audit_checkpoints import StoredCosignature

_ENTRIES = 1000
_SIZES = 10_000
"""So many entries, and checkpoints of so many sizes, are read at once and held for each reader."""


@dataclass(frozen=True)
class Export:
    """``lines`` are read from the database as they are taken, by the part."""

    size: int
    begin: int
    lines: Iterator[str]


def export(platform: Platform, keys: LogKeys, actor: Actor, tenant: Tenant, since: int = 0) -> Export:
    """The log from entry ``since`` on, up to a checkpoint that is signed now. That it was exported, and by whom, is its
    last entry.

    Raises:
        BongsuError: ``audit.no-such-size``, ``audit.damaged``, and as :func:`bongsu.service.audit.access.may`.
    """
    may(platform, actor, tenant)
    with platform.database.write() as connection:
        size = audit_tree.size_of(connection, tenant)
        if not 0 <= since <= size:
            raise codes.NO_SUCH_SIZE.error(size=size, asked=since)
        done(connection, asked_of(platform, actor, tenant, "audit.export"), since=since)
    signed = sign(platform, keys, tenant)
    size = signed.checkpoint.size
    return Export(size, since, map(written, _lines(platform, actor, tenant, signed.checkpoint.origin, since, size)))


def _lines(platform: Platform, actor: Actor, tenant: Tenant, origin: str, begin: int, size: int) -> Iterator[Line]:
    """Between two lines no connection of the database is held: who reads slowly would hold it from everybody."""
    with platform.database.read() as connection:
        head = _head(connection, tenant, origin, begin, size)
        witnesses = dict.fromkeys(one.witness for one in written_out(connection, tenant, begin, size))
        keys = [*map(str, own_keys(connection, tenant)), *witnesses]
        seen = set(map(str, visible_labels(connection, actor, tenant)))
    yield head
    yield from map(KeyLine, keys)
    for first in range(begin, size + 1, _SIZES):
        yield from _checkpoints(platform, tenant, origin, (first, min(first + _SIZES - 1, size)), witnesses)
    for first in range(begin, size, _ENTRIES):
        with platform.database.read() as connection:
            found = list(audit_reading.entries_between(connection, tenant, first, min(first + _ENTRIES, size)))
        for entry in found:
            text = entry.entry if entry.label in seen else None
            yield EntryLine(entry.position, entry.leaf, text)
    yield EndLine(size - begin)


def _checkpoints(
    platform: Platform, tenant: Tenant, origin: str, sizes: tuple[int, int], witnesses: Container[str]
) -> list[Line]:
    """Those of a part of the sizes, with what these witnesses signed of them; whose key no line before named signed
    meanwhile."""
    with platform.database.read() as connection:
        below: dict[int, list[StoredCosignature]] = {}
        for one in written_out(connection, tenant, *sizes):
            if one.witness in witnesses:
                below.setdefault(one.size, []).append(one)
        found: list[Line] = []
        for stored in audit_checkpoints.checkpoints_between(connection, tenant, *sizes):
            try:
                checkpoint, note = SignedCheckpoint.parse(stored.note)
            except ValueError:
                continue  # a check of the log tells; the newest, which was read before, speaks for all entries
            if checkpoint.origin == origin:  # else from before a lost key took the site's name along
                found.append(CheckpointLine(str(witnessed(note, below.get(stored.size, ())))))
        return found


def _head(connection: Connection, tenant: Tenant, origin: str, begin: int, size: int) -> Head:
    try:
        edge = audit_tree.edge_at(connection, tenant, begin)
    except LookupError:
        raise damaged(tenant, LACKS_HASHES) from None
    return Head(origin, begin, tuple(edge), size)
