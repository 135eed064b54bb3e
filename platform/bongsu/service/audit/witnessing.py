"""Signing for another ministry that its log only grew since one last looked.

A witness believes nothing that it does not remember: for each log it keeps the keys that it was given and the
checkpoint that it signed last, in a file of its own. It needs neither a database nor a network, so it may be a machine
of another organisation; there lies its worth. What it refused stays in the file as well: two checkpoints that
contradict each other are the proof that somebody rewrote a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bongsu.artifacts.durable import create_once
from bongsu.domain.checkpoints import SignedCheckpoint, WitnessRequest
from bongsu.domain.codes import audit as codes
from bongsu.domain.merkle import EMPTY_ROOT, is_consistent
from bongsu.domain.messages import N_
from bongsu.domain.phrases import as_phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SignatureKind, SignatureLine, SignedNote, SigningKey, VerifierKey
from bongsu.service.audit.keys import draw_key, load_keys
from bongsu.service.audit.witness_memory import Remembered, WitnessMemory, lines_of

_MOST_REFUSED = 20
_COSIGNATURE_BYTES = 72


def witness_key(path: Path, name: str = "") -> SigningKey:
    """The key of a witness; drawn the first time, if there is a name for it.

    Args:
        path: of a file that only its owner may read.
        name: what the witness is called, e.g. ``witness.msit.example``; of a key that is there it has to be the name.

    Raises:
        BongsuError: ``audit.key-unreadable``, ``audit.key-open``.
    """
    if name and not path.exists():
        try:
            create_once(path, f"{draw_key(name).secret()}\n".encode())
        except ValueError as error:
            raise codes.KEY_UNREADABLE.error(source=str(path), detail=as_phrase(str(error))) from None
    key = load_keys(str(path), {}).keys[0]
    if name and key.name != name:
        detail = as_phrase(N_("its name is another one"))
        raise codes.KEY_UNREADABLE.error(source=str(path), detail=detail)
    return key


def cosign(
    request: WitnessRequest,
    memory: WitnessMemory,
    key: SigningKey,
    now: float,
    log_keys: Sequence[VerifierKey] = (),
) -> SignedCheckpoint:
    """Sign a checkpoint if it contradicts nothing that this witness signed before.

    Args:
        request: as the log's ministry made it.
        memory: of this witness; it knows the log's keys from the second time on.
        key: of this witness.
        now: seconds since the epoch.
        log_keys: that the witness has been given by a way that it trusts; other logs' are left alone.

    Returns:
        The checkpoint with the witness's signature below those of the log. Others' are left out: whoever carries a
        request can put any below it.

    Raises:
        BongsuError: ``audit.unknown-origin``, ``audit.unsigned``, ``audit.wrong-signature``, ``audit.shrunk``,
            ``audit.fork``, ``audit.other-start``, ``audit.inconsistent``, ``audit.note-too-large``,
            ``audit.bad-memory``, ``audit.bad-memory-of-log``.
    """
    checkpoint, note = request.signed
    with memory.kept() as logs:
        known = logs.of(checkpoint.origin)
        given = [str(one) for one in log_keys if (one.name, one.kind) == (checkpoint.origin, SignatureKind.LOG)]
        keys = tuple(dict.fromkeys((*known.keys, *given)))
        signed = SignedNote(note.text, signatures_of(request.signed, [VerifierKey.parse(one) for one in keys]))
        try:
            _compare(request, known)
        except BongsuError as error:
            if error.problems[0].code is not codes.OTHER_START:
                refused = tuple(dict.fromkeys((*known.refused, str(signed))))
                logs.remember(checkpoint.origin, Remembered(keys, known.note, refused[-_MOST_REFUSED:]))
            raise
        _refuse_unreadable(SignedCheckpoint(checkpoint, signed), key.public(SignatureKind.WITNESS))
        cosigned = SignedNote(note.text, (*signed.signatures, key.cosign(note.text, int(now))))
        logs.remember(checkpoint.origin, Remembered(keys, str(cosigned), known.refused))
    return SignedCheckpoint(checkpoint, cosigned)


def signatures_of(signed: SignedCheckpoint, keys: Sequence[VerifierKey]) -> tuple[SignatureLine, ...]:
    """One signature of each of the log's keys that signed the checkpoint, of which there is at least one.

    Raises:
        BongsuError: ``audit.unknown-origin`` without a key, ``audit.wrong-signature`` if one is wrong that claims to be
            of a key, ``audit.unsigned``.
    """
    checkpoint, note = signed
    if not keys:
        raise codes.UNKNOWN_ORIGIN.error(origin=checkpoint.origin)
    for key in keys:
        if not all(key.signed(note.text, line.signature) for line in note.of(key)):
            raise codes.WRONG_SIGNATURE.error(name=key.name, size=checkpoint.size)
    lines = lines_of(note, keys)
    if not lines:
        raise codes.UNSIGNED.error(size=checkpoint.size, origin=checkpoint.origin)
    return lines


def _refuse_unreadable(signed: SignedCheckpoint, witness: VerifierKey) -> None:
    """Before anything is signed: a note that nobody can read is of no use to its log, and would stand in the memory."""
    checkpoint, note = signed
    line = SignatureLine(witness.name, witness.id, bytes(_COSIGNATURE_BYTES))
    try:
        SignedNote.parse(str(SignedNote(note.text, (*note.signatures, line))))
    except ValueError as error:
        named: dict[str, Any] = {"witness": witness.name, "size": checkpoint.size, "origin": checkpoint.origin}
        raise codes.NOTE_TOO_LARGE.error(**named, detail=as_phrase(str(error))) from None


def _compare(request: WitnessRequest, known: Remembered) -> None:
    checkpoint = request.signed.checkpoint
    last = SignedCheckpoint.parse(known.note).checkpoint if known.note else None
    seen, root = (last.size, last.root) if last else (0, EMPTY_ROOT)
    named: dict[str, Any] = {"origin": checkpoint.origin, "size": checkpoint.size, "seen": seen}
    if checkpoint.size < seen:
        raise codes.SHRUNK.error(**named)
    if checkpoint.size == seen and checkpoint.root != root:
        raise codes.FORK.error(**named)
    if request.old != seen:
        raise codes.OTHER_START.error(old=request.old, **named)
    if not is_consistent(root, seen, checkpoint.root, checkpoint.size, request.proof):
        raise codes.INCONSISTENT.error(**named)
