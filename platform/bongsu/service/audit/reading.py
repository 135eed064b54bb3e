"""Looking into a log: pages of it, one entry, and what proves that an entry is in it.

An entry above the reader's clearance is there with its position and its hash and nothing else. Whoever asks for certain
entries (an actor, an object, a time) is not told of those above their clearance at all: that one fits the question
would say what it holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.audit import EntryFilter
from bongsu.domain.checkpoints import EntryProof
from bongsu.domain.codes import audit as codes
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.access import may, visible_labels
from bongsu.service.audit.checkpoints import LACKS_HASHES, damaged, sign
from bongsu.service.audit.cosignatures import full_note
from bongsu.service.audit.keys import LogKeys
from bongsu.service.platform import Platform
from bongsu.store import audit_reading, audit_tree
from bongsu.store.audit_reading import StoredEntry

MOST = 1000
"""Entries on one page."""
_TOLD = ("at", "actor", "action", "object", "label")


@dataclass(frozen=True)
class Entry:
    """One entry as its reader may see it.

    Attributes:
        position: from 0.
        leaf: hash of the entry in the tree, in hexadecimal digits.
        text: what is hashed, to the letter; None if it is above the reader's clearance.
        content: ``text`` as JSON; None as ``text`` is, and of a text that somebody changed so that it tells of nothing.
    """

    position: int
    leaf: str
    text: str | None
    content: dict[str, Any] | None


@dataclass(frozen=True)
class Page:
    """Entries, newest first; ``next_before`` is the ``before`` of the page that follows, None if this is the last."""

    entries: tuple[Entry, ...]
    next_before: int | None


def list_entries(
    platform: Platform,
    actor: Actor,
    tenant: Tenant,
    wanted: EntryFilter | None = None,
    limit: int | None = 50,
    before: int | None = None,
) -> Page:
    """A page of the log.

    Args:
        platform: what to work on.
        actor: who reads.
        tenant: whose log.
        wanted: which entries; all if it is left out.
        limit: at most this many, and at most :data:`MOST`, as None is.
        before: only entries below this position.

    Raises:
        BongsuError: as :func:`bongsu.service.audit.access.may`.
    """
    may(platform, actor, tenant)
    asked = wanted or EntryFilter()
    most = MOST if limit is None else max(1, min(limit, MOST))
    with platform.database.read() as connection:
        seen = visible_labels(connection, actor, tenant)
        labels = None if asked.takes_all else seen
        found = audit_reading.page(connection, tenant, asked, most + 1, before, labels)
    shown = tuple(_shown(stored, seen) for stored in found[:most])
    return Page(shown, shown[-1].position if len(found) > most else None)


def show_entry(platform: Platform, actor: Actor, tenant: Tenant, position: int) -> Entry:
    """One entry.

    Raises:
        BongsuError: ``audit.no-entry``, and as :func:`bongsu.service.audit.access.may`.
    """
    may(platform, actor, tenant)
    with platform.database.read() as connection:
        return _shown(_entry(connection, tenant, position), visible_labels(connection, actor, tenant))


def prove_entry(platform: Platform, keys: LogKeys, actor: Actor, tenant: Tenant, position: int) -> EntryProof:
    """A file that shows offline that an entry is in the log: its text, a newly signed checkpoint, the way between.

    Raises:
        BongsuError: ``audit.no-entry``, ``audit.above-clearance``, ``audit.damaged``, and as
            :func:`bongsu.service.audit.access.may`.
    """
    entry = show_entry(platform, actor, tenant, position)
    if entry.text is None:
        raise codes.ABOVE_CLEARANCE.error(position=position, clearance=str(actor.clearance))
    signed = sign(platform, keys, tenant)
    size = signed.checkpoint.size
    with platform.database.read() as connection:
        signed = full_note(connection, tenant, signed)
        try:
            proof = audit_tree.inclusion_proof(connection, tenant, position, size)
        except LookupError:
            raise damaged(tenant, LACKS_HASHES) from None
    return EntryProof(entry.text, position, tuple(proof), signed)


def _entry(connection: Connection, tenant: Tenant, position: int) -> StoredEntry:
    found = audit_reading.entry_at(connection, tenant, position)
    if found is None:
        size = audit_tree.size_of(connection, tenant)
        raise codes.NO_ENTRY.error(position=position, size=size)
    return found


def _shown(stored: StoredEntry, seen: list[Label]) -> Entry:
    entry = Entry(stored.position, stored.leaf.hex(), stored.entry, _content(stored.entry))
    is_seen = stored.label in map(str, seen)
    return entry if is_seen else replace(entry, text=None, content=None)


def _content(text: str) -> dict[str, Any] | None:
    """None for a text that somebody changed so that it tells of nothing; a check of the log says so."""
    try:
        told = json.loads(text)
        Label.parse(told["label"])
        is_whole = all(isinstance(told[name], str) for name in _TOLD)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return told if is_whole else None
