"""From bytes to text: size, encoding, and characters that nobody can see."""

from __future__ import annotations

from bongsu.domain.codes import specfile as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError, Location
from bongsu.domain.unseen import find_unseen, name_of

MAX_BYTES = 2**20

# The longer mark first: it begins with the shorter one.
_BOMS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def decode(data: bytes, file: str) -> str:
    """The text of a file, without a byte order mark. CRLF stays as it is.

    Raises:
        BongsuError: the file is too large, not UTF-8, or holds characters that nobody can see.
    """
    if len(data) > MAX_BYTES:
        raise codes.FILE_TOO_LARGE.error(Location(file, 1, 1), limit="1 MiB")
    for mark, name in _BOMS.items():
        if data.startswith(mark):
            raise codes.ENCODING.error(
                Location(file, 1, 1), detail=phrase(N_("its first bytes say {encoding}"), encoding=name)
            )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        byte = f"0x{data[error.start]:02X}"
        detail = phrase(N_("the byte {byte} has no meaning there"), byte=byte)
        raise codes.ENCODING.error(place_of(before, len(before), file), detail=detail) from None
    check_characters(text, file)
    return text


def check_characters(text: str, file: str) -> None:
    """Raise BongsuError for characters that nobody can see; the first ten of them."""
    found = [
        codes.CONTROL_CHARACTER.at(place_of(text, match.start(), file), character=name_of(match[0]))
        for match in find_unseen(text)[:10]
    ]
    if found:
        raise BongsuError(found)


def place_of(text: str, index: int, file: str) -> Location:
    """Line and column of a character; lines end with LF, CRLF or CR."""
    before = text[:index].replace("\r\n", "\n").replace("\r", "\n")
    return Location(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
