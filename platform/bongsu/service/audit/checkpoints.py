"""Signing what a log is.

A log never signs what contradicts what it signed before: before each signature the tree is compared with the newest
checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.checkpoints import Checkpoint, SignedCheckpoint, WitnessRequest
from bongsu.domain.codes import audit as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.signed_notes import VerifierKey
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.access import may, named
from bongsu.service.audit.cosignatures import full_note, own_keys, readable_key
from bongsu.service.audit.keys import LogKeys
from bongsu.service.platform import Platform
from bongsu.store import audit_checkpoints, audit_tree
from bongsu.store.audit import append
from bongsu.store.audit_checkpoints import StoredCheckpoint

DUE_ENTRIES = 1000
"""So many unsigned entries are signed at once,"""
DUE_S = 600.0
"""and fewer after so many seconds: what an attacker could rewrite without contradicting a signature is at most this."""

LACKS_HASHES = N_("hashes of its tree are missing")


@dataclass(frozen=True)
class Growth:
    """That a log of ``new_size`` entries begins with the ``old_size`` of an earlier one (RFC 6962, 2.1.2).

    Attributes:
        old_root, new_root: of these sizes, in hexadecimal digits.
        proof: hashes, in hexadecimal digits.
    """

    old_size: int
    old_root: str
    new_size: int
    new_root: str
    proof: tuple[str, ...]


def sign(platform: Platform, keys: LogKeys, tenant: Tenant) -> SignedCheckpoint:
    """A checkpoint of all that the log holds: a new one, or the one that is there. A new key is recorded first.

    Raises:
        BongsuError: ``audit.empty``; ``audit.damaged`` if the log contradicts what was signed before.
    """
    with platform.database.write() as connection:
        if not audit_checkpoints.take_head(connection, tenant):
            raise codes.EMPTY.error()
        newest = audit_checkpoints.newest_checkpoint(connection, tenant)
        current = str(keys.public(tenant)[0])
        if newest is not None:
            _compare(connection, tenant, newest)
            if newest.key != current:
                append(connection, _key_changed(keys, tenant, newest.key, platform.clock()))
        size = audit_tree.size_of(connection, tenant)
        if newest is not None and (newest.size, newest.key) == (size, current):
            return SignedCheckpoint.parse(newest.note)
        checkpoint = Checkpoint(keys.origin(tenant), size, _root(connection, tenant, size))
        note = keys.sign(checkpoint)
        stored = StoredCheckpoint(size, current, str(note), platform.clock())
        audit_checkpoints.add_checkpoint(connection, tenant, stored)
        return SignedCheckpoint(checkpoint, note)


def checkpoint_due(platform: Platform, keys: LogKeys) -> list[Tenant]:
    """Sign every log that has grown enough, or long enough ago. The leader calls this every few seconds: one query
    tells that there is nothing to do.

    Returns:
        Tenants whose logs were signed.

    Raises:
        BongsuError: ``audit.damaged`` for each log that is; all others were signed.
    """
    now = platform.clock()
    with platform.database.read() as connection:
        grown = list(audit_checkpoints.unsigned_logs(connection))
    due = [
        tenant
        for tenant, size, signed, at in grown
        # Not "late": of a time that is no number nobody can say so.
        if at is None or not 0 < size - signed < DUE_ENTRIES or not abs(now - at) < DUE_S
    ]
    problems: list[Problem] = []
    done: list[Tenant] = []
    for tenant in due:
        try:
            sign(platform, keys, tenant)
            done.append(tenant)
        except BongsuError as error:
            problems += error.problems
    if problems:
        raise BongsuError(problems)
    return done


def refuse_other_keys(platform: Platform, keys: LogKeys) -> None:
    """To be asked when a server begins: two replicas with keys of their own would sign by turns, and nobody could tell
    which of them is the ministry's. A log that was called otherwise had another site's key.

    Raises:
        BongsuError: ``audit.other-key`` for each key that signed a log last, bears the site's name and is none of ours.
    """
    with platform.database.read() as connection:
        signed = list(audit_checkpoints.newest_keys(connection))
    # One that cannot be read is no other site's: its log is damaged, which is in nobody else's way.
    known = {key: tenant for tenant, key in signed if _is_named(key, keys.origin(tenant))}
    others = [key for key, tenant in known.items() if key not in map(str, keys.public(tenant))]
    if others:
        raise BongsuError(codes.OTHER_KEY.at(known=key) for key in others)


def request_witness(
    platform: Platform, keys: LogKeys, actor: Actor, tenant: Tenant, since: int = 0
) -> WitnessRequest:
    """A checkpoint with what was cosigned of it, and the proof that it begins with the first ``since`` entries.

    Raises:
        BongsuError: ``audit.no-such-size``, and as :func:`sign` and :func:`bongsu.service.audit.access.may`.
    """
    may(platform, actor, tenant)
    signed = sign(platform, keys, tenant)
    size = signed.checkpoint.size
    if not 0 <= since <= size:
        raise codes.NO_SUCH_SIZE.error(size=size, asked=since)
    with platform.database.read() as connection:
        try:
            proof = audit_tree.consistency_proof(connection, tenant, since, size)
        except LookupError:
            raise damaged(tenant, LACKS_HASHES) from None
        return WitnessRequest(since, tuple(proof), full_note(connection, tenant, signed))


def prove_growth(platform: Platform, actor: Actor, tenant: Tenant, old: int, new: int | None = None) -> Growth:
    """The consistency proof between two sizes of a log; what it is now, if ``new`` is not given.

    Raises:
        BongsuError: ``audit.no-such-size``, ``audit.damaged``, and as :func:`bongsu.service.audit.access.may`.
    """
    may(platform, actor, tenant)
    with platform.database.read() as connection:
        size = audit_tree.size_of(connection, tenant)
        newer = size if new is None else new
        for asked, most in ((newer, size), (old, newer)):
            if not 0 <= asked <= most:
                raise codes.NO_SUCH_SIZE.error(size=most, asked=asked)
        roots = [_root(connection, tenant, one).hex() for one in (old, newer)]
        try:
            proof = audit_tree.consistency_proof(connection, tenant, old, newer)
        except LookupError:
            raise damaged(tenant, LACKS_HASHES) from None
    return Growth(old, roots[0], newer, roots[1], tuple(one.hex() for one in proof))


def public_keys(platform: Platform, keys: LogKeys, actor: Actor, tenant: Tenant) -> list[VerifierKey]:
    """Whatever the log was or is signed by, the oldest first. Raises as :func:`bongsu.service.audit.access.may`."""
    may(platform, actor, tenant)
    with platform.database.read() as connection:
        known = own_keys(connection, tenant)
    return known + [key for key in reversed(keys.public(tenant)) if key not in known]


def read_checkpoint(tenant: Tenant, stored: StoredCheckpoint) -> SignedCheckpoint:
    """Raises ``audit.damaged`` for a row that somebody changed so that it is none."""
    try:
        return SignedCheckpoint.parse(stored.note)
    except ValueError as error:
        words = N_("its checkpoint of {size} entries cannot be read: {reason}")
        raise damaged(tenant, phrase(words, size=stored.size, reason=as_phrase(str(error)))) from None


def _is_named(key: str, name: str) -> bool:
    found = readable_key(key)
    return found is not None and found.name == name


def _compare(connection: Connection, tenant: Tenant, newest: StoredCheckpoint) -> None:
    """Raise ``audit.damaged`` unless the tree begins with what was signed last."""
    signed = read_checkpoint(tenant, newest).checkpoint
    size = audit_tree.size_of(connection, tenant)
    if size < signed.size:
        shorter = N_("it has {size} entries, and {signed} were signed")
        raise damaged(tenant, phrase(shorter, size=size, signed=signed.size))
    if _root(connection, tenant, signed.size) != signed.root:
        others = N_("its first {size} entries are not those that were signed")
        raise damaged(tenant, phrase(others, size=signed.size))


def _root(connection: Connection, tenant: Tenant, size: int) -> bytes:
    try:
        return audit_tree.root_at(connection, tenant, size)
    except LookupError:
        raise damaged(tenant, LACKS_HASHES) from None


def damaged(tenant: Tenant, detail: Words) -> BongsuError:
    """What to raise when the stored log contradicts itself or what was signed."""
    return codes.DAMAGED.error(tenant=named(tenant), detail=as_phrase(detail))


def _key_changed(keys: LogKeys, tenant: Tenant, old: str, now: float) -> AuditEvent:
    new, *former = map(str, keys.public(tenant))
    facts = {"from": old, "to": new, "formerKeySigns": old in former}
    return Author(tenant).did("audit.change-key", f"audit:{tenant}", now, facts=facts)
