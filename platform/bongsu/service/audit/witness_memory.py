"""What a witness remembers, in one file: the keys of each log that it was given, and the checkpoint it signed last.

Of a note only those signatures are kept that were verified: whoever carries a request can put lines of others below
it, and what nobody verified must not become what the witness has to read the next time. A part that cannot be read
stands in the way of its own log alone, and stays in the file as it is.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bongsu.artifacts.durable import make_folder, private, read_file, write_whole
from bongsu.domain.checkpoints import SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import as_phrase
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.signed_notes import SignatureLine, SignedNote, VerifierKey

_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True)
class Remembered:
    """What a witness knows of one log.

    Attributes:
        keys: that it was given.
        note: the checkpoint that it signed last, with the log's signatures and its own; empty before the first.
        refused: checkpoints with a good signature of the log that contradicted that; the newest ones.
    """

    keys: tuple[str, ...] = ()
    note: str = ""
    refused: tuple[str, ...] = ()


class KnownLogs:
    """What stands in the file of a witness.

    Args:
        file: whose.
        parts: by the origin of a log, as they stand there.
    """

    def __init__(self, file: Path, parts: Mapping[str, Any]) -> None:
        self._file = file
        self.parts = dict(parts)

    def of(self, origin: str) -> Remembered:
        """What is known of a log; nothing of a new one.

        Raises:
            BongsuError: ``audit.bad-memory-of-log``.
        """
        if origin not in self.parts:
            return Remembered()
        try:
            return _read(origin, self.parts[origin])
        except _UNREADABLE as error:
            detail = as_phrase(str(error))
            raise codes.BAD_MEMORY_OF_LOG.error(origin=origin, file=str(self._file), detail=detail) from None

    def remember(self, origin: str, known: Remembered) -> None:
        self.parts[origin] = json.loads(json.dumps(asdict(known)))

    def damaged(self) -> list[Problem]:
        """One for each log whose part cannot be read."""
        found: list[Problem] = []
        for origin in sorted(self.parts):
            try:
                self.of(origin)
            except BongsuError as error:
                found += error.problems
        return found


class WitnessMemory:
    """The file of a witness. One process at a time works with it, and what is remembered is on the disk before a
    signature leaves the house."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def kept(self) -> Iterator[KnownLogs]:
        """What is known of all logs; changes are written at the end, also when something is refused.

        Raises:
            BongsuError: ``audit.bad-memory`` if it is no such file at all.
        """
        make_folder(self._path.absolute().parent)
        beside = self._path.with_name(self._path.name + ".lock")
        with open(beside, "a", opener=private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = KnownLogs(self._path, self._parts())
            before = dict(known.parts)
            try:
                yield known
            finally:
                if known.parts != before:
                    write_whole(self._path, _written(known.parts))

    def damaged(self) -> list[Problem]:
        """As :meth:`KnownLogs.damaged`. Raises as :meth:`kept`."""
        with self.kept() as known:
            return known.damaged()

    def _parts(self) -> Mapping[str, Any]:
        try:
            parts = json.loads(read_file(self._path))["logs"]
            if not isinstance(parts, dict):
                raise TypeError(N_("it names no logs"))
        except FileNotFoundError:
            return {}
        except (OSError, *_UNREADABLE) as error:
            raise codes.BAD_MEMORY.error(file=str(self._path), detail=as_phrase(str(error))) from None
        return parts


def lines_of(note: SignedNote, keys: Sequence[VerifierKey]) -> tuple[SignatureLine, ...]:
    """Of each of these keys, the first signature under the note that is right."""
    right = ((key, line) for key in keys for line in note.of(key) if key.signed(note.text, line.signature))
    first: dict[VerifierKey, SignatureLine] = {}
    for key, line in right:
        first.setdefault(key, line)
    return tuple(first.values())


def _read(origin: str, part: Any) -> Remembered:
    """Raises one of ``_UNREADABLE``. Older versions kept all lines below a note, more than a note may have; those that
    nobody verified are left out."""
    keys = [VerifierKey.parse(key) for key in part["keys"]]
    note = _pruned(origin, part["note"], keys, is_own=True) if part["note"] else ""
    refused = tuple(_pruned(origin, one, keys) for one in part["refused"])
    return Remembered(tuple(map(str, keys)), note, refused)


def _pruned(origin: str, text: str, keys: Sequence[VerifierKey], *, is_own: bool = False) -> str:
    """A note with the log's signatures, and if it ``is_own``, with the witness's, which is the last line."""
    note = SignedNote.parse(text, is_bounded=False)
    lines = lines_of(note, keys)
    if not lines:
        raise ValueError(N_("no key of the log that the witness was given signed it"))
    own = (note.signatures[-1],) if is_own and note.signatures[-1] not in lines else ()
    pruned = str(SignedNote(note.text, (*lines, *own)))
    if SignedCheckpoint.parse(pruned).checkpoint.origin != origin:
        raise ValueError(N_("it is a checkpoint of another log"))
    return pruned


def _written(parts: Mapping[str, Any]) -> bytes:
    return json.dumps({"logs": dict(sorted(parts.items()))}, ensure_ascii=False, indent=1).encode() + b"\n"
