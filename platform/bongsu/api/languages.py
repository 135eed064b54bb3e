"""The language of one request: gettext's catalogue of it, chosen by what the browser asks for."""

from __future__ import annotations

import functools
import gettext
import re
from collections.abc import Callable
from pathlib import Path

LANGUAGES = ("ko", "en")
_LOCALES = Path(__file__).parent.parent / "locale"
_MAX_HEADER = 500
_WISH = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?(?:\s*;\s*q\s*=\s*([01](?:\.\d{0,3})?))?")


def wished_language(accept_language: str, ui_locales: str = "") -> str:
    """``ko`` or ``en``.

    Args:
        accept_language: the header (RFC 9110, section 12.5.4).
        ui_locales: of an OpenID Connect request, which goes before it: languages with blanks between them.
    """
    for wish in ui_locales[:_MAX_HEADER].split():
        if wish.lower().partition("-")[0] in LANGUAGES:
            return wish.lower().partition("-")[0]
    wishes = [
        (float(found[2] or 1), found[1].lower())
        for part in accept_language[:_MAX_HEADER].split(",")
        if (found := _WISH.fullmatch(part.strip()))
    ]
    # Sorting keeps the order of what is wished alike.
    known = [name for weight, name in sorted(wishes, key=lambda wish: -wish[0]) if weight and name in LANGUAGES]
    return known[0] if known else "en"


@functools.cache
def translator(language: str) -> Callable[[str], str]:
    """Says an English sentence of ours in the language."""
    return gettext.translation("bongsu", _LOCALES, languages=[language], fallback=True).gettext
