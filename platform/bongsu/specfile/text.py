"""From bytes to text: size, encoding, and characters that nobody can see."""

from __future__ import annotations

import re
import unicodedata

from bongsu.domain.codes import specfile as codes
from bongsu.domain.problems import BongsuError, Location

MAX_BYTES = 2**20

# Controls but tab, line feed and carriage return; line and paragraph separators, which YAML 1.1 and 1.2 read
# differently; direction marks, with which a file shows other than it says; half surrogates; non-characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
    "\ud800-\udfff]"
)
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


def decode(data: bytes, file: str) -> str:
    """The text of a file, without a byte order mark. CRLF stays as it is.

    Raises:
        BongsuError: the file is too large, not UTF-8, or holds characters that nobody can see.
    """
    if len(data) > MAX_BYTES:
        raise codes.FILE_TOO_LARGE.error(Location(file, 1, 1), limit="1 MiB")
    for mark, name in _BOMS.items():
        if data.startswith(mark):
            raise codes.ENCODING.error(Location(file, 1, 1), detail=f"its first bytes say {name}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        detail = f"byte 0x{data[error.start]:02X} has no meaning there"
        raise codes.ENCODING.error(place_of(before, len(before), file), detail=detail) from None
    check_characters(text, file)
    return text


def check_characters(text: str, file: str) -> None:
    """Raise BongsuError for characters that nobody can see; the first ten of them."""
    found = []
    for match in _UNSEEN.finditer(text):
        where = place_of(text, match.start(), file)
        found.append(codes.CONTROL_CHARACTER.at(where, character=name_of(match[0])))
        if len(found) == 10:
            break
    if found:
        raise BongsuError(found)


def unseen(text: str) -> str | None:
    """Name of the first character in ``text`` that nobody can see."""
    match = _UNSEEN.search(text)
    return name_of(match[0]) if match else None


def name_of(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def place_of(text: str, index: int, file: str) -> Location:
    """Line and column of a character; lines end with LF, CRLF or CR."""
    before = text[:index].replace("\r\n", "\n").replace("\r", "\n")
    return Location(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
