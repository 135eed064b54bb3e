"""Text as a rule reads it: without the tricks that hide words from it."""

from __future__ import annotations

import re
import unicodedata

# Letters of other scripts, and digits, that are read as Latin letters.
_LOOKALIKES = str.maketrans(
    {
        **dict(zip("аеорсухіјѕԁԛԝһ", "aeopcyxijsdqwh", strict=True)),
        **dict(zip("αβεικνορτυχ", "abeiknoptux", strict=True)),
        **dict(zip("013457@$", "oieasta s".replace(" ", ""), strict=False)),
    }
)
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_SPACED = re.compile(r"(?<=\b\w)[\s._\-*·]+(?=\w\b)")


def readings(text: str) -> list[str]:
    """Ways in which ``text`` can be read, lower case: as it is, without tricks inside words, and without spaces.

    NFKC folds full-width and compatibility forms; invisible characters and combining marks go; look-alike
    letters become Latin ones.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()
    plain = re.sub(r"\s+", " ", plain)
    # Marks on Latin letters go; Hangul must stay composed.
    bare = unicodedata.normalize(
        "NFC", "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    )
    folded = bare.translate(_LOOKALIKES)
    joined = _SPACED.sub("", folded)
    tight = re.sub(r"[\s._\-*·,/|]+", "", folded)
    return list(dict.fromkeys([plain, bare, folded, joined, tight]))
