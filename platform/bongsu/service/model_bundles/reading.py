"""Reading a bundle: nothing of it is believed before it is signed, and every byte has to be the one that belongs there.

The signature is looked at before the document is parsed, the document before any file is read. After that each file is
read once, in its order, and hashed on its way to wherever it goes.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from bongsu.artifacts.bundle_form import DOCUMENT, END, NOTE, TREE, Member, NotOfThisForm, Tape
from bongsu.domain.artifact import FileEntry
from bongsu.domain.codes import bundle as codes
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.messages import N_
from bongsu.domain.model_bundles import LONGEST_DOCUMENT, BundleDocument, Malformed, note_text
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.signed_notes import LONGEST_NOTE, SignatureKind, SignedNote, VerifierKey
from bongsu.policy.bundles import signed
from bongsu.service.audit.verifying import open_regular

_MOST_OF_A_NOTE = 4 * LONGEST_NOTE
_NOT_UTF8 = N_("it is not UTF-8")


class Sink(Protocol):
    """Takes the bytes of one file."""

    def write(self, data: bytes, /) -> object: ...


Taking = Callable[[FileEntry], AbstractContextManager[Sink]]


@dataclass(frozen=True)
class Head:
    """What stands before the files.

    Attributes:
        digest: of the document, which is what is signed.
        signers: whose signatures are good, those that were named first.
    """

    document: BundleDocument
    digest: Digest
    note: SignedNote
    signers: tuple[VerifierKey, ...]


class BundleFile:
    """A bundle on its way through.

    Args:
        file: opened for reading bytes, at its beginning.
        name: of the file, for messages.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._name = name
        self._tape = Tape(file)
        self._size = _size_of(file)

    def head(self, keys: Sequence[VerifierKey] | None) -> Head:
        """The document, once it is signed.

        Args:
            keys: by one of which it has to be signed; None to be content with the keys that the document names.

        Raises:
            BongsuError: ``bundle.malformed``, ``bundle.truncated``, ``bundle.bad-document``,
                ``bundle.document-changed``, ``bundle.wrong-signature``, ``bundle.unsigned``.
        """
        with self._told():
            first, raw, at = self._tape.small(LONGEST_DOCUMENT)
            second, written, note_at = self._tape.small(_MOST_OF_A_NOTE)
        digest = digest_of(raw)
        note, origin = self._note(written, digest, note_at)
        if keys is not None:
            signed(self._name, note, origin, keys).require()
        try:
            document = BundleDocument.parse(raw)
        except Malformed as error:
            raise self._bad(error.detail) from None
        if document.origin != origin:
            raise self._bad(N_("it is signed in the name of another log"))
        signers = self._signers(document, note)
        time = document.exported_at // 1000
        with self._told():
            self._tape.compare(Member(DOCUMENT, len(raw), time), first, at)
            self._tape.compare(Member(NOTE, len(written), time), second, note_at)
        self._fits(document)
        return Head(document, digest, note, signers)

    def files(self, document: BundleDocument, taking: Taking) -> None:
        """Everything behind the head; what goes into ``taking`` is good only if this comes to its end.

        Raises:
            BongsuError: ``bundle.malformed``, ``bundle.truncated``; ``bundle.file-changed`` for every file that is not
                the one that was signed, all together.
        """
        time, changed = document.exported_at // 1000, []
        with self._told():
            for entry in document.files:
                self._tape.expect(Member(TREE + entry.path, entry.size, time))
                problem = self._file(entry, taking)
                changed += [problem] if problem else []
            self._tape.end()
        if changed:
            raise BongsuError(changed)

    def _file(self, entry: FileEntry, taking: Taking) -> Problem | None:
        seen = hashlib.sha256()
        with taking(entry) as sink:
            for piece in self._tape.pieces(entry.size):
                seen.update(piece)
                sink.write(piece)
        found = seen.hexdigest()
        if found == entry.sha256:
            return None
        return codes.FILE_CHANGED.at(path=entry.path, file=self._name, found=found, expected=entry.sha256)

    def _note(self, written: bytes, digest: Digest, offset: int) -> tuple[SignedNote, str]:
        """With the log in whose name it is signed."""
        try:
            text = written.decode()
            note = SignedNote.parse(text)
        except UnicodeDecodeError:
            raise codes.MALFORMED.error(file=self._name, offset=offset, detail=as_phrase(_NOT_UTF8)) from None
        except ValueError as error:
            raise codes.MALFORMED.error(file=self._name, offset=offset, detail=as_phrase(str(error))) from None
        origin = note.text.split("\n")[1]
        if note.text != note_text(origin, digest) or str(note) != text:
            raise codes.DOCUMENT_CHANGED.error(file=self._name)
        return note, origin

    def _signers(self, document: BundleDocument, note: SignedNote) -> tuple[VerifierKey, ...]:
        """One good signature by each key that the document names, in its order, and no other."""
        try:
            keys = tuple(map(VerifierKey.parse, document.signers))
        except ValueError as error:
            raise self._bad(as_phrase(str(error))) from None
        named = [(key.name, key.id) for key in keys]
        is_theirs = all(key.kind is SignatureKind.LOG and key.name == document.origin for key in keys)
        if not is_theirs or len(set(keys)) != len(keys) or list(map(str, keys)) != list(document.signers):
            raise self._bad(N_("its keys are not those of the log that it names"))
        if named != [(line.name, line.key_id) for line in note.signatures]:
            raise self._bad(N_("its signatures are not those of the keys that it names"))
        for key in keys:
            signed(self._name, note, document.origin, [key]).require()
        return keys

    def _fits(self, document: BundleDocument) -> None:
        """A file on a disk tells its size, so that nothing is read of one that cannot be whole."""
        if self._size is None:
            return
        time = document.exported_at // 1000
        lengths = (Member(TREE + one.path, one.size, time).length for one in document.files)
        expected = self._tape.offset + sum(lengths) + len(END)
        if self._size < expected:
            detail = phrase(N_("it has {found} of {expected} bytes"), found=self._size, expected=expected)
            raise codes.TRUNCATED.error(file=self._name, detail=detail)
        if self._size > expected:
            detail = phrase(N_("it has {found} bytes instead of {expected}"), found=self._size, expected=expected)
            raise codes.MALFORMED.error(file=self._name, offset=expected, detail=detail)

    def _bad(self, detail: Words) -> BongsuError:
        return codes.BAD_DOCUMENT.error(file=self._name, detail=as_phrase(detail))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except NotOfThisForm as error:
            if error.is_cut:
                raise codes.TRUNCATED.error(file=self._name, detail=as_phrase(error.detail)) from None
            detail = as_phrase(error.detail)
            raise codes.MALFORMED.error(file=self._name, offset=error.offset, detail=detail) from None


class _Nowhere:
    def write(self, data: bytes, /) -> object:
        return len(data)


def inspect_bundle(path: Path, keys: Sequence[VerifierKey] | None) -> Head:
    """Read a bundle to its end, anywhere, and keep nothing of it.

    Args:
        path: of the file.
        keys: as of :meth:`BundleFile.head`.

    Raises:
        BongsuError: as :meth:`BundleFile.head` and :meth:`BundleFile.files`; ``bundle.missing``, ``bundle.unreadable``.
    """
    with opened(path) as bundle:
        head = bundle.head(keys)
        bundle.files(head.document, lambda _entry: nullcontext(_Nowhere()))
    return head


@contextmanager
def opened(path: Path, title: str = "") -> Iterator[BundleFile]:
    """A file as a bundle; ``title`` is what messages call it, if not by its path.

    Raises:
        BongsuError: ``bundle.missing``, ``bundle.unreadable``.
    """
    with open_file(path, title) as file:
        yield BundleFile(file, title or str(path))


def open_file(path: Path, title: str = "") -> IO[bytes]:
    """As :func:`opened`, to be closed by the caller."""
    name = title or str(path)
    try:
        return open_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        raise codes.MISSING.error(file=name) from None
    except OSError as error:
        raise codes.UNREADABLE.error(file=name, detail=as_phrase(error.strerror or str(error))) from None


def _size_of(file: IO[bytes]) -> int | None:
    """In bytes; None for what does not tell."""
    try:
        found = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
