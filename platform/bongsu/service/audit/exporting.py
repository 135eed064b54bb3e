"""Writing a log into a file that verifies without this house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.checkpoints import SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.access import asked_of, may, visible_labels
from bongsu.service.audit.bundles import CheckpointLine, EndLine, EntryLine, Head, KeyLine, Line, written
from bongsu.service.audit.checkpoints import LACKS_HASHES, damaged, sign
from bongsu.service.audit.cosignatures import witnessed, written_out
from bongsu.service.audit.keys import LogKeys
from bongsu.service.platform import Platform
from bongsu.service.recording import done
from bongsu.store import audit_checkpoints, audit_reading, audit_tree
from bongsu.store.audit_checkpoints import StoredCosignature


@dataclass(frozen=True)
class Export:
    """``lines`` are read from the database as they are taken."""

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
    with platform.database.read() as connection:
        yield _head(connection, tenant, origin, begin, size)
        cosignatures: dict[int, list[StoredCosignature]] = {}
        witnesses: dict[str, None] = {}
        for one in written_out(connection, tenant, begin, size):
            cosignatures.setdefault(one.size, []).append(one)
            witnesses[one.witness] = None
        for key in (*audit_checkpoints.keys_of(connection, tenant), *witnesses):
            yield KeyLine(key)
        for stored in audit_checkpoints.checkpoints_between(connection, tenant, begin, size):
            checkpoint, note = SignedCheckpoint.parse(stored.note)
            if checkpoint.origin != origin:
                continue  # from before a lost key took the site's name along
            yield CheckpointLine(str(witnessed(note, cosignatures.get(stored.size, ()))))
        seen = set(map(str, visible_labels(connection, actor, tenant)))
        for entry in audit_reading.entries_between(connection, tenant, begin, size):
            text = entry.entry if entry.label in seen else None
            yield EntryLine(entry.position, entry.leaf, text)
    yield EndLine(size - begin)


def _head(connection: Connection, tenant: Tenant, origin: str, begin: int, size: int) -> Head:
    try:
        edge = audit_tree.edge_at(connection, tenant, begin)
    except LookupError:
        raise damaged(tenant, LACKS_HASHES) from None
    return Head(origin, begin, tuple(edge), size)
