"""Words of ours inside a sentence, kept apart from their values so that both can be said in another language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bongsu.domain.messages import N_


@dataclass(frozen=True)
class Phrase:
    """A template and its values, e.g. ``at least {limit}``; ``str()`` is its English."""

    template: str
    values: tuple[tuple[str, object], ...] = ()

    def said(self, translate: Callable[[str], str]) -> str:
        return translate(self.template).format(**{name: said(value, translate) for name, value in self.values})

    def __str__(self) -> str:
        return self.said(str)


class Verbatim(Phrase):
    """Words that have nothing to fill in: braces are braces."""

    def said(self, translate: Callable[[str], str]) -> str:
        return translate(self.template)


class Description(Verbatim):
    """A sentence of its own that stands inside another: without a capital, unless a name begins it."""

    def said(self, translate: Callable[[str], str]) -> str:
        text = super().said(translate)
        return text[:1].lower() + text[1:] if text[1:2].islower() else text


Words = str | Phrase


def phrase(template: str, **values: object) -> Phrase:
    """Args: a sentence's part that ``N_`` marks for translation, and what is filled in."""
    return Phrase(template, tuple(values.items()))


def said(value: object, translate: Callable[[str], str]) -> object:
    """A phrase in words; anything else as it is."""
    return value.said(translate) if isinstance(value, Phrase) else value


def either(words: Sequence[Words]) -> Words:
    """``a, b or c``."""
    *others, last = words
    for place, other in enumerate(reversed(others)):
        last = phrase(
            N_("{one}, {others}") if place else N_("{one} or {other}"), one=other, others=last, other=last
        )
    return last
