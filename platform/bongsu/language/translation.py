"""Sentences in a reader's language: English ones are the message ids (gettext), and ``locale/`` has the others."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from bongsu.domain.server_defaults import LANGUAGE

LANGUAGES = ("ko", "en")
_LONGEST = 500
LOCALES = Path(__file__).parent.parent / "locale"


def known_language(name: str) -> str | None:
    """``ko`` for ``ko``, ``KO`` and ``ko_KR.UTF-8``; None for a language that there are no texts in."""
    found = re.match("[a-z]+", name.lower())
    return found[0] if found and found[0] in LANGUAGES else None


@lru_cache(maxsize=len(LANGUAGES))
def translator(language: str) -> Callable[[str], str]:
    """Gives a sentence in ``ko`` or ``en``, placeholders and both forms of particles as they are; read once."""
    translation = gettext.translation("bongsu", LOCALES, languages=[language], fallback=True)
    return lambda text: translation.gettext(text) if text else ""


def preferred_language(header: str | None, default: str = LANGUAGE, wished: str = "") -> str:
    """The language of an answer.

    Args:
        header: ``Accept-Language`` (RFC 9110, 12.5.4); of those we have the first by its weight counts.
        default: where it names none that we have.
        wished: what goes before the header: ``ui_locales`` of an OpenID Connect request, with blanks between them.
    """
    for name in wished[:_LONGEST].split():
        known = known_language(name)
        if known:
            return known
    weighed = []
    for place, part in enumerate((header or "")[:_LONGEST].split(",")):
        name, _, rest = part.strip().partition(";")
        known = known_language(name) if name else None
        match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", rest) if rest else None
        weight = float(match[1]) if match else (0.0 if rest else 1.0)
        if known and weight > 0:
            weighed.append((-weight, place, known))
    return min(weighed)[2] if weighed else default
