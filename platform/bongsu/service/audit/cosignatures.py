"""What witnesses sign below a log's checkpoints: which of it is kept, and which of that leaves the house.

Who verifies an export says by key which witnesses they trust, so any auditor of the ministry may bring a signature.
Below one checkpoint so few are kept, and written, that whoever reads its note has room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from bongsu.domain.checkpoints import SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.signed_notes import MOST_SIGNATURES, SignatureKind, SignatureLine, SignedNote, VerifierKey
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.access import WITNESS, asked_of, may
from bongsu.service.platform import Platform
from bongsu.service.recording import done, refusals_recorded
from bongsu.store import audit_checkpoints
from bongsu.store.audit_checkpoints import StoredCosignature

MOST_COSIGNATURES = 16
"""Below one checkpoint. Of a note's 100 lines the others are for keys of the log."""
LONGEST_KEY = 300
"""Of a witness, in characters as it is written."""


def accept_cosignature(
    platform: Platform, actor: Actor, tenant: Tenant, cosigned: SignedCheckpoint, witness: VerifierKey
) -> bool:
    """Keep a witness's signature under one of the log's checkpoints, so that exports hold it.

    Returns:
        False if it was there before.

    Raises:
        BongsuError: ``audit.fork`` if the log never signed this; ``audit.not-cosigned``, ``audit.wrong-signature``;
            ``audit.no-witness-key`` for a key that is no witness's or is the log's own;
            ``audit.too-many-cosignatures``; and as :func:`bongsu.service.audit.access.may`.
    """
    may(platform, actor, tenant, WITNESS)
    checkpoint, note = cosigned
    lines = note.of(witness)
    size, now, ask = checkpoint.size, platform.clock(), asked_of(platform, actor, tenant, "audit.cosign")
    with refusals_recorded(ask), platform.database.write() as connection:
        audit_checkpoints.take_head(connection, tenant)
        own = own_keys(connection, tenant)
        unfit = _unfit(witness, [checkpoint.origin, *(key.name for key in own)], own)
        if unfit is not None:
            detail = as_phrase(unfit)
            raise codes.NO_WITNESS_KEY.error(witness=witness.name, origin=checkpoint.origin, detail=detail)
        if not lines:
            raise codes.NOT_COSIGNED.error(witness=witness.name)
        if not all(witness.signed(note.text, line.signature) for line in lines):
            raise codes.WRONG_SIGNATURE.error(name=witness.name, size=size)
        known = audit_checkpoints.checkpoints_between(connection, tenant, size, size)
        if note.text not in [SignedNote.parse(one.note).text for one in known]:
            raise codes.FORK.error(origin=checkpoint.origin, size=size)
        there = audit_checkpoints.cosignatures_between(connection, tenant, size, size)
        if str(witness) in [one.witness for one in there]:
            return False
        if len(there) >= MOST_COSIGNATURES:
            raise codes.TOO_MANY_COSIGNATURES.error(size=size, origin=checkpoint.origin, most=MOST_COSIGNATURES)
        stored = StoredCosignature(size, str(witness), str(lines[0]))
        audit_checkpoints.add_cosignature(connection, tenant, stored, now)
        done(connection, ask, size=size, witness=str(witness))
        return True


def full_note(connection: Connection, tenant: Tenant, signed: SignedCheckpoint) -> SignedCheckpoint:
    """With the lines of witnesses below those of the log."""
    size = signed.checkpoint.size
    return SignedCheckpoint(signed.checkpoint, witnessed(signed.note, written_out(connection, tenant, size, size)))


def written_out(connection: Connection, tenant: Tenant, smallest: int, largest: int) -> list[StoredCosignature]:
    """Cosignatures of checkpoints of ``smallest`` to ``largest`` entries, both inclusive, that leave the house: by
    size, the first ones that were accepted. Older versions kept any number, and the log's own keys."""
    own = own_keys(connection, tenant)
    names = [key.name for key in own]
    found: dict[int, list[StoredCosignature]] = {}
    for one in audit_checkpoints.cosignatures_between(connection, tenant, smallest, largest):
        if is_whole(one) and _unfit(VerifierKey.parse(one.witness), names, own) is None:
            found.setdefault(one.size, []).append(one)
    return [one for of_size in found.values() for one in of_size[:MOST_COSIGNATURES]]


def witnessed(note: SignedNote, cosignatures: Iterable[StoredCosignature]) -> SignedNote:
    """A note of the log with these lines below it, as many as it has room for."""
    lines = [SignatureLine.parse(one.line) for one in cosignatures]
    return SignedNote(note.text, (*note.signatures, *lines)[:MOST_SIGNATURES])


def own_keys(connection: Connection, tenant: Tenant) -> list[VerifierKey]:
    """Whatever signed the log, the oldest first, as far as it can be read; a check of the log tells of the rest."""
    found = map(readable_key, audit_checkpoints.keys_of(connection, tenant))
    return [key for key in found if key is not None]


def _unfit(witness: VerifierKey, names: Sequence[str], own: Sequence[VerifierKey]) -> Words | None:
    """Why a key cannot be that of a witness of the log that is called, and signed, so."""
    if witness.kind is not SignatureKind.WITNESS:
        return N_("it is a key for logs, and not for witnesses")
    if witness.name in names:
        return N_("it bears the name of the log itself")
    if witness.public in [key.public for key in own]:
        return N_("the log itself is signed by it")
    if len(str(witness)) > LONGEST_KEY:
        return phrase(N_("it has more than {most} characters"), most=LONGEST_KEY)
    return None


def readable_key(stored: str) -> VerifierKey | None:
    """None for a row that somebody changed so that it is no key."""
    try:
        return VerifierKey.parse(stored)
    except ValueError:
        return None


def is_whole(stored: StoredCosignature) -> bool:
    """False for a row that somebody changed so that nothing can be read from it; a check of the log tells."""
    try:
        VerifierKey.parse(stored.witness)
        SignatureLine.parse(stored.line)
    except ValueError:
        return False
    return True
