"""The file of a bundle, to the byte: a tar archive (POSIX pax) of plain files in a fixed order.

Every header follows from a name, a size and one time, and every byte between files is zero. So a reader that knows
these needs no parser of archives: it makes the header that has to stand there and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase

DOCUMENT = "bongsu-model.json"
NOTE = "bongsu-model.note"
TREE = "tree/"
BLOCK = 512
END = bytes(2 * BLOCK)
_PIECE = 1 << 20
_LONGEST_NAME = 100
_SIZE_AT, _SIZE_DIGITS = 124, 11
_LARGEST = 8**_SIZE_DIGITS
_ANY_NAME = "tree/file"


class NotOfThisForm(Exception):
    """What stands in a file at ``offset`` (in bytes) is not what has to stand there."""

    def __init__(self, detail: Words, offset: int, *, is_cut: bool = False) -> None:
        super().__init__(str(detail))
        self.detail = detail
        self.offset = offset
        self.is_cut = is_cut


@dataclass(frozen=True)
class Member:
    """A file of the archive. ``size`` in bytes, ``time`` in whole seconds since the epoch."""

    name: str
    size: int
    time: int

    @property
    def header(self) -> bytes:
        """With the pax records before it, if the name or the size needs any."""
        raw = self.name.encode()
        records = {}
        if len(raw) > _LONGEST_NAME or not raw.isascii():
            records["path"] = self.name
        if self.size >= _LARGEST:
            records["size"] = str(self.size)
        extended = b""
        if records:
            data = b"".join(_record(key, value) for key, value in sorted(records.items()))
            extended = _ustar("pax/header", len(data), self.time, b"x") + padded(data)
        shown = _ANY_NAME if "path" in records else self.name
        return extended + _ustar(shown, 0 if "size" in records else self.size, self.time, b"0")

    @property
    def length(self) -> int:
        """Of header, content and what fills the last block; in bytes."""
        return len(self.header) + self.size + -self.size % BLOCK


Part = tuple[Member, Callable[[], Iterator[bytes]]]
"""A member, and what gives its content in pieces."""


def padded(data: bytes) -> bytes:
    """With zeros to the end of its block."""
    return data + bytes(-len(data) % BLOCK)


class Tape:
    """A file that is read once, from its beginning to its end.

    Args:
        file: opened for reading bytes; a pipe is good, too.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.offset = 0

    def exactly(self, size: int) -> bytes:
        """The next bytes. Raises NotOfThisForm if there are fewer."""
        found = bytearray()
        while len(found) < size:
            piece = self._file.read(min(_PIECE, size - len(found)))
            if not piece:
                words = phrase(N_("it ends after {size} bytes, within a file"), size=self.offset + len(found))
                raise NotOfThisForm(words, self.offset + len(found), is_cut=True)
            found += piece
        self.offset += size
        return bytes(found)

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next bytes in pieces, none of them large, with what fills their block behind them."""
        left = size
        while left:
            piece = self.exactly(min(_PIECE, left))
            left -= len(piece)
            yield piece
        self.zeros(-size % BLOCK)

    def zeros(self, size: int) -> None:
        """Raises NotOfThisForm if there is anything else."""
        start = self.offset
        if self.exactly(size).strip(b"\x00"):
            raise NotOfThisForm(N_("something stands where only zeros may"), start)

    def expect(self, member: Member) -> None:
        """The header of this member. Raises NotOfThisForm for any other."""
        start = self.offset
        self.compare(member, self.exactly(len(member.header)), start)

    def compare(self, member: Member, header: bytes, offset: int) -> None:
        """Raises NotOfThisForm unless ``header``, found at ``offset``, is that of the member."""
        if header != member.header:
            raise NotOfThisForm(phrase(N_("the header of {name} has to stand there"), name=member.name), offset)

    def small(self, most: int) -> tuple[bytes, bytes, int]:
        """The header, the content and the offset of a member whose size only its header says; ``most`` in bytes."""
        start = self.offset
        header = self.exactly(BLOCK)
        digits = header[_SIZE_AT : _SIZE_AT + _SIZE_DIGITS]
        size = int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else most + 1
        if size > most:
            raise NotOfThisForm(N_("it does not begin as a bundle does"), start)
        return header, b"".join(self.pieces(size)), start

    def only_zeros(self) -> None:
        """To the end of the file, however far that is. Raises NotOfThisForm if there is anything else."""
        while piece := self._file.read(_PIECE):
            if piece.strip(b"\x00"):
                raise NotOfThisForm(N_("something stands behind its end"), self.offset)
            self.offset += len(piece)

    def end(self) -> None:
        """Raises NotOfThisForm unless here is the end, as it has to be, and nothing behind it."""
        self.zeros(len(END))
        if self._file.read(1):
            raise NotOfThisForm(N_("something stands behind its end"), self.offset)


def written(parts: Iterable[Part]) -> Iterator[bytes]:
    """The whole file in pieces. Raises what opening a member raises, and ValueError if one has another size."""
    for member, pieces in parts:
        yield member.header
        left = member.size
        for piece in pieces():
            left -= len(piece)
            yield piece
        if left:
            raise ValueError(f"{member.name} is not as large as it was")
        yield bytes(-member.size % BLOCK)
    yield END


def _ustar(name: str, size: int, time: int, kind: bytes) -> bytes:
    before = b"".join(
        [
            name.encode().ljust(_LONGEST_NAME, b"\x00"),
            b"0000644\x00" + b"0000000\x00" * 2,  # mode, user, group
            b"%011o\x00%011o\x00" % (size, time),
        ]
    )
    behind = kind + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\x00" * 2 + bytes(155 + 12)
    checksum = sum(before) + sum(b" " * 8) + sum(behind)
    return before + b"%06o\x00 " % checksum + behind


def _record(key: str, value: str) -> bytes:
    """``LENGTH KEY=VALUE`` and the end of the line, the length's own digits counted (POSIX.1-2001, pax)."""
    rest = f" {key}={value}\n".encode()
    size = len(rest)
    while size != len(rest) + len(str(size)):
        size = len(rest) + len(str(size))
    return str(size).encode() + rest
