"""Signing for another ministry that its log only grew since one last looked.

A witness believes nothing that it does not remember: for each log it keeps the keys that it was given and the
checkpoint that it signed last, in a file of its own. It needs neither a database nor a network, so it may be a machine
of another organisation; there lies its worth. What it refused stays in the file as well: two checkpoints that
contradict each other are the proof that somebody rewrote a log.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu.artifacts.durable import create_once, make_folder, private, read_file, write_whole
from bongsu.domain.checkpoints import SignedCheckpoint, WitnessRequest
from bongsu.domain.codes import audit as codes
from bongsu.domain.merkle import EMPTY_ROOT, is_consistent
from bongsu.domain.messages import N_
from bongsu.domain.phrases import as_phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SignatureKind, SignedNote, SigningKey, VerifierKey
from bongsu.service.audit.keys import draw_key, load_keys

_MOST_REFUSED = 20


@dataclass(frozen=True)
class Remembered:
    """What a witness knows of one log.

    Attributes:
        keys: that it was given.
        note: the checkpoint that it signed last, as it gave it back; empty before the first.
        refused: checkpoints with a good signature of the log that contradicted that; the newest ones.
    """

    keys: tuple[str, ...] = ()
    note: str = ""
    refused: tuple[str, ...] = ()


class WitnessMemory:
    """The file of a witness. One process at a time works with it, and what is remembered is on the disk before a
    signature leaves the house."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def kept(self) -> Iterator[dict[str, Remembered]]:
        """What is known of each log by its origin; changes are written at the end, also when something is refused.

        Raises:
            BongsuError: ``audit.bad-memory``.
        """
        make_folder(self._path.absolute().parent)
        beside = self._path.with_name(self._path.name + ".lock")
        with open(beside, "a", opener=private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            before = dict(known)
            try:
                yield known
            finally:
                if known != before:
                    write_whole(self._path, _written(known))

    def _read(self) -> dict[str, Remembered]:
        try:
            return _parsed(json.loads(read_file(self._path)))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise codes.BAD_MEMORY.error(file=str(self._path), detail=str(error)) from None


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
        The checkpoint with the witness's signature below the others.

    Raises:
        BongsuError: ``audit.unknown-origin``, ``audit.unsigned``, ``audit.wrong-signature``, ``audit.shrunk``,
            ``audit.fork``, ``audit.other-start``, ``audit.inconsistent``, ``audit.bad-memory``.
    """
    checkpoint, note = request.signed
    with memory.kept() as logs:
        known = logs.get(checkpoint.origin, Remembered())
        given = [str(one) for one in log_keys if one.name == checkpoint.origin and str(one) not in known.keys]
        known = Remembered((*known.keys, *given), known.note, known.refused)
        check_signatures(request.signed, [VerifierKey.parse(one) for one in known.keys])
        try:
            _compare(request, known)
        except BongsuError as error:
            if error.problems[0].code is not codes.OTHER_START:
                refused = tuple(dict.fromkeys((*known.refused, str(note))))
                logs[checkpoint.origin] = Remembered(known.keys, known.note, refused[-_MOST_REFUSED:])
            raise
        public = key.public(SignatureKind.WITNESS)
        others = tuple(line for line in note.signatures if not line.is_of(public))
        signed = SignedNote(note.text, (*others, key.cosign(note.text, int(now))))
        logs[checkpoint.origin] = Remembered(known.keys, str(signed), known.refused)
    return SignedCheckpoint(checkpoint, signed)


def check_signatures(signed: SignedCheckpoint, keys: Sequence[VerifierKey]) -> None:
    """Return if a key of the log signed the checkpoint, and no signature is wrong that claims to be of one.

    Raises:
        BongsuError: ``audit.unknown-origin`` without a key, ``audit.wrong-signature``, ``audit.unsigned``.
    """
    checkpoint, note = signed
    if not keys:
        raise codes.UNKNOWN_ORIGIN.error(origin=checkpoint.origin)
    lines = [(key, line) for key in keys for line in note.of(key)]
    for key, line in lines:
        if not key.signed(note.text, line.signature):
            raise codes.WRONG_SIGNATURE.error(name=key.name, size=checkpoint.size)
    if not lines:
        raise codes.UNSIGNED.error(size=checkpoint.size, origin=checkpoint.origin)


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


def _parsed(document: Any) -> dict[str, Remembered]:
    found = {
        str(origin): Remembered(tuple(log["keys"]), str(log["note"]), tuple(log["refused"]))
        for origin, log in document["logs"].items()
    }
    for log in found.values():
        for note in filter(None, (log.note, *log.refused)):
            SignedCheckpoint.parse(note)
        for key in log.keys:
            VerifierKey.parse(key)
    return found


def _written(known: dict[str, Remembered]) -> bytes:
    logs = {
        origin: {"keys": list(log.keys), "note": log.note, "refused": list(log.refused)}
        for origin, log in sorted(known.items())
    }
    return json.dumps({"logs": logs}, ensure_ascii=False, indent=1).encode() + b"\n"
