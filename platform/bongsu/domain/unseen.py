"""Characters that nobody can see, or with which a text shows other than it says.

Two sets. *Controls* move a cursor, colour a terminal or turn the direction of writing: they are written out wherever
text from a user, a file or a worker is shown. *Unseen* characters are controls and everything else that leaves no
mark (Unicode's Default_Ignorable_Code_Point, https://www.unicode.org/reports/tr44/): two names that differ in one of
them look equal, and a forbidden word with one inside is not found, so input that holds one is refused.

Refused as well are the joiners U+200C and U+200D and the Hangul fillers: neither Korean nor English needs them. A
variation selector passes behind a symbol, because the emoji ⚠️ is written with one; elsewhere it is refused.
"""

from __future__ import annotations

import re
import unicodedata

# C0 but tab, line feed and carriage return; DEL and C1; line and paragraph separators, which YAML 1.1 and 1.2 read
# differently; marks of direction; half surrogates; the byte order mark and non-characters.
_CONTROLS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ufeff\ufffe\uffff\ud800-\udfff"
)
_IGNORABLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u206f\u3164\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SYMBOL = "\u2000-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_UNSEEN = re.compile(f"[{_CONTROLS}{_IGNORABLE}]|(?<![{_SYMBOL}])[\ufe00-\ufe0f]")
_TO_ESCAPE = re.compile(f"[{_CONTROLS}\r]")


def find_unseen(text: str) -> list[re.Match[str]]:
    """Every place of a character that input may not hold; tab, line feed and carriage return are no such."""
    return list(_UNSEEN.finditer(text))


def first_unseen(text: str) -> str | None:
    """Name of the first character in ``text`` that nobody can see."""
    match = _UNSEEN.search(text)
    return name_of(match[0]) if match else None


def name_of(character: str) -> str:
    """``U+200B ZERO WIDTH SPACE``; ``byte 0xFF, which is no UTF-8`` for what Python keeps of an undecodable byte."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"byte 0x{number - 0xDC00:02X}, which is no UTF-8"
    return f"U+{number:04X} {unicodedata.name(character, '')}".rstrip()


def escaped(text: str) -> str:
    """Text that a terminal shows as it is: controls as ``\\x1b`` or ``\\u202e``, new lines and tabs as they are."""
    return _TO_ESCAPE.sub(_written_out, text)


def escaped_json(text: str) -> str:
    """JSON that says the same: controls inside its strings as ``\\u009b``."""
    return _TO_ESCAPE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _written_out(match: re.Match[str]) -> str:
    number = ord(match[0])
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
