"""Texts in Korean and English: one switch, ``BONGSU_LANG`` or ``--lang``, else the locale's language.

English sentences are the message ids (gettext); ``locale/ko/LC_MESSAGES/bongsu.mo`` holds the Korean ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bongsu.domain.phrases import Words, in_words
from bongsu.language.particles import settle_particles
from bongsu.language.translation import LANGUAGES, known_language, translator


class _Active:
    """The language in force. One process shows one language, and gettext's own interface is global too."""

    language = "en"
    translate: Callable[[str], str] = staticmethod(translator("en"))


def choose_language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The last ``--lang ko`` or ``--lang=ko``, before or behind a command, else ``BONGSU_LANG``, else ``LC_ALL``,
    ``LC_MESSAGES`` or ``LANG``."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for place in range(len(options) - 1, -1, -1):
        if options[place] == "--lang" and place + 1 < len(options):
            return known_language(options[place + 1]) or "en"
        if options[place].startswith("--lang="):
            return known_language(options[place].removeprefix("--lang=")) or "en"
    names = ("BONGSU_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((environment[name] for name in names if environment.get(name)), "en")
    return known_language(chosen) or "en"


def use_language(language: str) -> None:
    """Switch all texts; called once, before the commands are built, because their help is text too."""
    _Active.language = language if language in LANGUAGES else "en"
    _Active.translate = translator(_Active.language)


def language() -> str:
    return _Active.language


def translate(text: str) -> str:
    return _Active.translate(text)


_: Callable[[str], str] = translate


def of_count(count: int, one: str, many: str) -> str:
    """``one`` for exactly one, else ``many``, with ``{count}`` filled in. English tells them apart; each has its own
    translation, and languages that do not have the same twice."""
    return (one if count == 1 else many).format(count=count)


def said(words: Words) -> str:
    """Words that came from elsewhere with their values, e.g. why an attempt failed, in the reader's language."""
    return settle_particles(in_words(words, translate))
