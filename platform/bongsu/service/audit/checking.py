"""Whether the stored log is what its own tree and its own signatures say: entries against leaves, the columns that are
searched against the entries, every hash of the tree against those below it, roots against checkpoints.

A witness, or an exported bundle, shows more: whoever can write into the database can also make a log that agrees with
itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bongsu.domain.checkpoints import SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.merkle import Frontier, leaf_hash
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.tenants import HOME, Tenant
from bongsu.service.audit.access import may
from bongsu.service.audit.checkpoints import damaged, read_checkpoint
from bongsu.service.audit.cosignatures import is_whole, readable_key, witnessed, written_out
from bongsu.service.audit.verdict import Signatures, Trust
from bongsu.service.platform import Platform
from bongsu.store import audit_checkpoints, audit_reading, audit_tree
from bongsu.store.audit_checkpoints import StoredCosignature
from bongsu.store.audit_reading import StoredEntry
from bongsu.store.people import list_ministries
from bongsu.store.scope import EVERYTHING

_MOST = 100
_LARGEST = 1 << 62
_DAMAGE = frozenset(
    {
        codes.ENTRY_CHANGED,
        codes.COLUMNS_CHANGED,
        codes.ENTRY_MISSING,
        codes.ENTRY_OUT_OF_ORDER,
        codes.ROOT_DIFFERS,
        codes.TRUNCATED,
        codes.DAMAGED,
        codes.UNSIGNED,
        codes.WRONG_SIGNATURE,
    }
)


@dataclass(frozen=True)
class Checked:
    """How large a sound log is, and how many of its checkpoints were compared."""

    size: int
    root: str
    checkpoints: int


def check_log(platform: Platform, actor: Actor, tenant: Tenant) -> Checked:
    """Read all of a log and change nothing.

    Raises:
        BongsuError: ``audit.entry-changed``, ``audit.columns-changed``, ``audit.entry-missing``,
            ``audit.root-differs`` and ``audit.truncated`` with the positions; ``audit.unsigned`` and
            ``audit.wrong-signature`` of a checkpoint with the signatures that exports hold; ``audit.damaged``; and as
            :func:`bongsu.service.audit.access.may`.
    """
    may(platform, actor, tenant)
    with platform.database.read() as connection:
        return checked(connection, tenant)


def check_home(platform: Platform, ministry: str | None = None) -> dict[str, Checked]:
    """As :func:`check_log`, of every log that is stored in a home, for whoever has the home: that is its owner, or the
    operator of a server who has no role in its ministries, and is told positions and hashes alone.

    Args:
        platform: of the home.
        ministry: only its log; None for the home's own and that of every ministry in it, closed ones too.

    Raises:
        BongsuError: ``audit.unknown-log``; and of every damaged log what :func:`check_log` raises, with
            ``audit:MINISTRY`` as the field.
    """
    found: dict[str, Checked] = {}
    problems: list[Problem] = []
    with platform.database.read(EVERYTHING) as connection:
        held = [Tenant(one.name) for one in list_ministries(connection)]
        if ministry is not None and ministry not in held:
            raise codes.UNKNOWN_LOG.error(tenant=ministry)
        for tenant in [HOME, *held] if ministry is None else [Tenant(ministry)]:
            try:
                found[tenant] = checked(connection, tenant)
                if tenant != HOME and not found[tenant].size:
                    # A log that is gone with all that was signed of it agrees with itself.
                    detail = N_("it has no entry, and the registration of a ministry is its first one")
                    raise damaged(tenant, detail)
            except BongsuError as error:
                place = f"audit:{tenant}" if tenant != HOME else ""
                problems += [replace(problem, field_path=place) for problem in error.problems]
    if problems:
        raise BongsuError(problems)
    return found


def damage_in(platform: Platform, actor: Actor, tenant: Tenant) -> tuple[str, ...]:
    """Names of the codes with which :func:`check_log` finds a log damaged, sorted; none for a sound one.

    Raises:
        BongsuError: whatever else :func:`check_log` raises, such as ``run.database-busy``: nobody knows then.
    """
    try:
        check_log(platform, actor, tenant)
    except BongsuError as error:
        found = {problem.code for problem in error.problems}
        if not found <= _DAMAGE:
            raise
        return tuple(sorted(code.name for code in found))
    return ()


def checked(connection: Connection, tenant: Tenant) -> Checked:
    """As :func:`check_log`, in the caller's transaction."""
    size = audit_tree.size_of(connection, tenant)
    signed, problems = _signed(connection, tenant)
    expected = {one.checkpoint.size: one.checkpoint.root for one in signed}
    tree, confirmed = Frontier(), 0
    for entry in audit_reading.entries_between(connection, tenant, 0, size):
        if entry.position != tree.size:
            problems.append(codes.ENTRY_MISSING.at(first=tree.size, last=entry.position - 1))
            break  # no root behind a gap can be right
        leaf = leaf_hash(entry.entry.encode())
        if len(problems) < _MOST:
            problems += _faults(entry, leaf)
        tree.add(leaf)
        if expected.get(tree.size, tree.root()) == tree.root():
            confirmed = tree.size if tree.size in expected else confirmed
        elif len(problems) < _MOST:
            problems.append(codes.ROOT_DIFFERS.at(first=confirmed, last=tree.size - 1, size=tree.size))
    if not problems and tree.size != max((size, *expected)):
        problems.append(codes.TRUNCATED.at(found=tree.size, size=max((size, *expected))))
    last = audit_reading.last_position(connection, tenant)
    if last >= size:
        problems.append(codes.ENTRY_OUT_OF_ORDER.at(position=last, expected=size))
    if problems:
        raise BongsuError(problems)
    wrong = audit_tree.wrong_node(connection, tenant, size)
    if wrong is not None:
        raise damaged(
            tenant, phrase(N_("the hash of level {level} at {place} is wrong"), level=wrong[0], place=wrong[1])
        )
    return Checked(size, tree.root().hex(), len(expected))


def _signed(connection: Connection, tenant: Tenant) -> tuple[list[SignedCheckpoint], list[Problem]]:
    """Every checkpoint as an export writes it, and what is found by whoever verifies that with the keys that come with
    it."""
    signed: list[SignedCheckpoint] = []
    problems: list[Problem] = []
    for one in audit_checkpoints.cosignatures_between(connection, tenant, 0, _LARGEST):
        if not is_whole(one):
            words = N_("what a witness signed of its checkpoint of {size} entries cannot be read")
            problems += damaged(tenant, phrase(words, size=one.size)).problems
    below: dict[int, list[StoredCosignature]] = {}
    for one in written_out(connection, tenant, 0, _LARGEST):
        below.setdefault(one.size, []).append(one)
    stored_keys = audit_checkpoints.keys_of(connection, tenant)
    if not all(map(readable_key, stored_keys)):
        problems += damaged(tenant, N_("a key that its checkpoints were signed by cannot be read")).problems
    witnesses = dict.fromkeys(one.witness for of_size in below.values() for one in of_size)
    keys = [key for key in map(readable_key, (*stored_keys, *witnesses)) if key is not None]
    by_origin: dict[str, Signatures] = {}
    for stored in audit_checkpoints.checkpoints_between(connection, tenant, 0, _LARGEST):
        try:
            note = str(witnessed(read_checkpoint(tenant, stored).note, below.get(stored.size, ())))
            checkpoint = read_checkpoint(tenant, replace(stored, note=note))
        except BongsuError as error:
            problems += error.problems
            continue
        signed.append(checkpoint)
        origin = checkpoint.checkpoint.origin
        if origin not in by_origin:
            by_origin[origin] = Signatures(origin, Trust())
            for key in keys:
                by_origin[origin].claim(key)
        by_origin[origin].check(checkpoint, None)
    problems += (problem for found in by_origin.values() for problem in found.problems)
    return signed, problems[:_MOST]


def _faults(entry: StoredEntry, leaf: bytes) -> Iterator[Problem]:
    """What is wrong with one entry, whose text has the hash ``leaf``."""
    if leaf != entry.leaf:
        yield codes.ENTRY_CHANGED.at(position=entry.position)
    elif strayed := entry.strayed():
        yield codes.COLUMNS_CHANGED.at(position=entry.position, columns=", ".join(strayed))
