"""Is a text in the wanted language?"""

from __future__ import annotations

import re

_HANGUL = re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]")  # escapes: editors compose characters
_HANJA = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")


def hangul_share(text: str) -> float:
    """Share of Hangul among letters, 0 to 1. Hanja count neither way: Korean law writes both."""
    hangul = len(_HANGUL.findall(text))
    others = len(_LETTER.findall(text)) - len(_HANJA.findall(text))
    return hangul / others if others else 0.0


def identified(text: str) -> str:
    """ISO 639-1 code of the likeliest language (py3langid, whose model is part of the package)."""
    import py3langid

    code, _ = py3langid.classify(text[:20_000])
    return str(code)
