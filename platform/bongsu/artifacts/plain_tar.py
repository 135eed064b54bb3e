"""Tar archives as anybody may make them, read once from their beginning to their end: its files, and how many folders.

Known are POSIX ustar, names and sizes in its extended headers (POSIX.1-2001, pax), GNU's long names, and GNU's numbers
above 8 GiB. Everything else is refused, so a file has as many bytes as stand in the archive, and nothing of it is held
in memory but a piece, or an extended header that is not large.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bongsu.artifacts.bundle_form import BLOCK, NotOfThisForm, Tape
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase

MOST_EXTENDED = 64 * 1024
"""Bytes of what stands in a header of more than one block."""
_MOST_IN_A_ROW = 4
_FILE, _OLD_FILE, _FOLDER = b"0", b"\x00", b"5"
_PAX, _PAX_OF_ALL, _LONG_NAME = b"x", b"g", b"L"
_EXTENDED = (_PAX, _PAX_OF_ALL, _LONG_NAME)
_NAME, _SIZE, _SUM, _KIND = slice(0, 100), slice(124, 136), slice(148, 156), slice(156, 157)
_MAGIC, _PREFIX = slice(257, 263), slice(345, 500)
# So many digits have all sizes of files that there can be, and the lengths of records.
_MOST_DIGITS = 20


@dataclass(frozen=True)
class TarMember:
    """What stands in an archive. ``name`` as it is there, whatever it may do; ``size`` in bytes."""

    name: str
    size: int
    is_folder: bool


@dataclass(frozen=True)
class _Said:
    """Of the next member, in headers before its own."""

    path: bytes | None = None
    long_name: bytes | None = None
    size: int | None = None


def members_of(tape: Tape) -> Iterator[tuple[TarMember, Iterator[bytes]]]:
    """Each with its content in pieces, which are read before the next one is asked for.

    Raises:
        NotOfThisForm: something is neither a file nor a folder, or no archive; it is cut, or goes on behind its end.
    """
    said, in_a_row = _Said(), 0
    while True:
        start = tape.offset
        header = tape.exactly(BLOCK)
        if not header.strip(b"\x00"):
            break
        _check_sum(header, start)
        size = _number(header[_SIZE], start)
        if header[_KIND] in _EXTENDED:
            in_a_row += 1
            if size > MOST_EXTENDED or in_a_row > _MOST_IN_A_ROW:
                words = phrase(N_("its headers before a file have more than {most} bytes"), most=MOST_EXTENDED)
                raise NotOfThisForm(words, start)
            said = _extended(said, header[_KIND], b"".join(tape.pieces(size)), start)
            continue
        member = _member(header, said, size, start)
        pieces = tape.pieces(member.size)
        yield member, pieces
        for _rest in pieces:
            pass
        said, in_a_row = _Said(), 0
    tape.zeros(BLOCK)
    tape.only_zeros()


def _member(header: bytes, said: _Said, size: int, start: int) -> TarMember:
    raw = _text(header[_NAME])
    prefix = _text(header[_PREFIX])
    if prefix and header[_MAGIC] == b"ustar\x00":  # GNU has other things there
        raw = prefix + b"/" + raw
    raw = next(one for one in (said.path, said.long_name, raw) if one is not None)
    name = raw.decode("utf-8", "surrogateescape")
    kind = header[_KIND]
    size = size if said.size is None else said.size
    is_folder = kind == _FOLDER or (kind == _OLD_FILE and raw.endswith(b"/"))
    if kind not in (_FILE, _OLD_FILE, _FOLDER) or (is_folder and size):
        raise NotOfThisForm(phrase(N_("{name} is not a plain file"), name=repr(name)), start)
    return TarMember(name, size, is_folder)


def _extended(said: _Said, kind: bytes, data: bytes, start: int) -> _Said:
    if kind == _LONG_NAME:
        return replace(said, long_name=_text(data))
    records = _records(data, start)
    if any(key.startswith(b"GNU.sparse") for key in records):
        raise NotOfThisForm(N_("a file with holes is not a plain file"), start)
    if kind == _PAX_OF_ALL:
        if records.keys() & {b"path", b"size"}:
            raise NotOfThisForm(N_("a name or a size for all files is none for one"), start)
        return said
    digits = records.get(b"size")
    if digits is not None and not _is_number(digits):
        raise _no_number(start)
    return replace(said, path=records.get(b"path", said.path), size=said.size if digits is None else int(digits))


def _records(data: bytes, start: int) -> Mapping[bytes, bytes]:
    """``LENGTH KEY=VALUE`` and the end of the line, each; of one key the last."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + _MOST_DIGITS)
        digits = data[at:blank] if blank >= 0 else b""
        end = at + int(digits) if _is_number(digits) else 0
        key, sign, value = data[blank + 1 : end].partition(b"=")
        if end > len(data) or not sign or not value.endswith(b"\n"):
            raise NotOfThisForm(N_("an extended header is not as pax has it"), start)
        found[key] = value[:-1]
        at = end
    return found


def _check_sum(header: bytes, start: int) -> None:
    found = sum(header) - sum(header[_SUM]) + len(header[_SUM]) * ord(" ")
    if found != _number(header[_SUM], start):
        raise NotOfThisForm(phrase(N_("at byte {offset} stands no header of a tar archive"), offset=start), start)


def _number(field: bytes, start: int) -> int:
    """Octal digits, or GNU's binary form, of which those below zero are none."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    digits = field.strip(b" \x00")
    if digits.strip(b"01234567"):
        raise _no_number(start)
    return int(digits or b"0", 8)


def _is_number(digits: bytes) -> bool:
    return digits.isdigit() and len(digits) <= _MOST_DIGITS


def _no_number(start: int) -> NotOfThisForm:
    words: Words = phrase(N_("the header at byte {offset} has a number that is none"), offset=start)
    return NotOfThisForm(words, start)


def _text(field: bytes) -> bytes:
    return field.partition(b"\x00")[0]
