"""The name that a person probably meant."""

from __future__ import annotations

from collections.abc import Iterable

# Per cent of the characters of both words that stand in both in the same order.
_NEAR = 65
_CERTAIN = 85


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice nearest to ``word``, or None if none is near. Ties go to the alphabetically first."""
    return next((choice for choice, _score in _near(word, choices, _NEAR, most=1)), None)


def all_but_certain(word: str, choices: Iterable[str]) -> str | None:
    """The one choice that ``word`` can hardly fail to mean; None if there is none, or more than one."""
    found = _near(word, choices, _CERTAIN, most=2)
    return found[0][0] if len(found) == 1 else None


def _near(word: str, choices: Iterable[str], least: float, *, most: int) -> list[tuple[str, float]]:
    # Imported only once somebody mistyped something: it costs 50 ms.
    from rapidfuzz import fuzz, process

    found = process.extract(
        word, sorted(set(choices)), scorer=fuzz.ratio, processor=_folded, score_cutoff=least, limit=most
    )
    return [(str(choice), float(score)) for choice, score, _index in found]


def _folded(text: str) -> str:
    return text.lower().replace("_", "").replace("-", "")
