"""Texts in Korean and English: one switch, ``BONGSU_LANG`` or ``--lang``, else the locale's language.

English sentences are the message ids (gettext); ``locale/ko/LC_MESSAGES/bongsu.mo`` holds the Korean ones.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LANGUAGES = ("ko", "en")
LOCALES = Path(__file__).parent.parent / "locale"


class _Active:
    """The language in force. One process shows one language, and gettext's own interface is global too."""

    language = "en"
    translation = gettext.NullTranslations()


def choose_language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """``--lang ko`` or ``--lang=ko``, else ``BONGSU_LANG``, else ``LC_ALL``/``LC_MESSAGES``/``LANG``."""
    for place, argument in enumerate(arguments):
        if argument == "--lang" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
    names = ("BONGSU_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((environment[name] for name in names if environment.get(name)), "en")
    return "ko" if chosen.lower().startswith("ko") else "en"


def use_language(language: str) -> None:
    """Switch all texts; called once, before the commands are built, because their help is text too."""
    _Active.language = language if language in LANGUAGES else "en"
    _Active.translation = gettext.translation("bongsu", LOCALES, languages=[_Active.language], fallback=True)


def language() -> str:
    return _Active.language


def translate(text: str) -> str:
    return _Active.translation.gettext(text) if text else ""


_: Callable[[str], str] = translate
