"""Bytes to text: Unicode with or without a byte order mark, and the Korean code page."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
_KOREAN = {
    "euc-kr",
    "euckr",
    "ks_c_5601-1987",
    "ksc5601",
    "ks_c_5601",
    "cp949",
    "x-windows-949",
    "uhc",
    "windows-949",
}


def decode(data: bytes) -> tuple[str, str] | None:
    """The text and the encoding it was in; None if it is none of the known ones.

    A byte order mark decides; then strict UTF-8; then CP949, which contains EUC-KR. Nothing is ever replaced.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], name)
    return _strict(data, "utf-8") or _strict(data, "cp949")


def decode_page(data: bytes) -> tuple[str, str] | None:
    """Like :func:`decode` for HTML: a Korean charset that the page declares is tried before UTF-8."""
    declared = _CHARSET.search(data[:4096])
    if declared and declared[1].decode("ascii").lower() in _KOREAN:
        return _strict(data, "cp949") or decode(data)
    return decode(data)


def _strict(data: bytes, name: str) -> tuple[str, str] | None:
    try:
        return data.decode(name), name
    except UnicodeDecodeError:
        return None
