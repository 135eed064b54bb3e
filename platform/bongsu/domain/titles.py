"""Titles of stages, as people read them."""

from __future__ import annotations

import re

_COORDINATES = re.compile(r" \((?P<inside>\w+=[^()]*)\)$")


def brief(title: str) -> str:
    """A title with the values of its axes only: ``prune 0.5`` for ``prune (keepFraction=0.5)``, ``base`` for
    ``inputs.base``."""
    found = _COORDINATES.search(title)
    if found is None:
        return title.removeprefix("inputs.")
    values = [part.partition("=")[2] for part in found["inside"].split(", ")]
    return " ".join([title[: found.start()], *values])
