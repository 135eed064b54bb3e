"""The name that a person probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice nearest to ``word``, or None if none is near. Ties go to the alphabetically first."""
    # Imported only once somebody mistyped something: it costs 50 ms.
    from rapidfuzz import fuzz, process

    def folded(text: str) -> str:
        return text.lower().replace("_", "").replace("-", "")

    found = process.extractOne(word, sorted(set(choices)), scorer=fuzz.ratio, processor=folded, score_cutoff=65)
    return str(found[0]) if found else None
