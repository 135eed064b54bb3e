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
        """The sentence. One that its values do not fit is said without them: it may be that of a failure, of which
        nothing else is known."""
        template = translate(self.template)
        try:
            return template.format(**{name: said(value, translate) for name, value in self.values})
        except (LookupError, ValueError, TypeError, AttributeError):
            return template

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


class Clause(Phrase):
    """A sentence that stands at the end of another, which brings the full stop."""

    def said(self, translate: Callable[[str], str]) -> str:
        return super().said(translate).rstrip(".")


Words = str | Phrase


def phrase(template: str, /, **values: object) -> Phrase:
    """Args: a sentence's part that ``N_`` marks for translation, and what is filled in."""
    return Phrase(template, tuple(values.items()))


def clause(words: Words) -> Clause:
    """The words for the end of another sentence."""
    return Clause("{words}", (("words", as_phrase(words)),))


def joined(words: Sequence[Words], between: str = "; ") -> Phrase:
    """One behind the other."""
    values = {f"part{number}": as_phrase(one) for number, one in enumerate(words)}
    return Phrase(between.join(f"{{{name}}}" for name in values), tuple(values.items()))


def as_phrase(words: Words) -> Phrase:
    """Words that are said inside of others: a sentence without values is translated there, too."""
    return words if isinstance(words, Phrase) else Verbatim(words)


def said(value: object, translate: Callable[[str], str]) -> object:
    """A phrase in words; anything else as it is."""
    return value.said(translate) if isinstance(value, Phrase) else value


def in_words(words: Words, translate: Callable[[str], str]) -> str:
    """A sentence in the reader's language; one that has no values is looked up as it stands."""
    return words.said(translate) if isinstance(words, Phrase) else translate(words)


def either(words: Sequence[Words]) -> Words:
    """``a, b or c``."""
    *others, last = words
    for place, other in enumerate(reversed(others)):
        last = phrase(
            N_("{one}, {others}") if place else N_("{one} or {other}"), one=other, others=last, other=last
        )
    return last
