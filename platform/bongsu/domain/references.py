"""References from one stage to another: ``inputs.base``, ``adapt.model``, ``prune[*].model``,
``prune[keepFraction=0.5].model``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"^(?P<source>[a-z][-a-z0-9]*)(?:\[(?P<select>\*|[^\[\]]+)\])?\.(?P<output>[a-zA-Z][a-zA-Z0-9]*)$"
)

Selection = tuple[tuple[str, str], ...]
"""Coordinates that select points of a matrix, values as they are written."""


@dataclass(frozen=True)
class Reference:
    """Where an input comes from.

    Attributes:
        source: name of a stage, or ``inputs``.
        output: name of the stage's output, or of the pipeline's input.
        gather: True for ``[*]``: all points of the matrix.
        point: coordinates that select points, as text, e.g. ``{"keepFraction": "0.5"}``.
    """

    source: str
    output: str
    gather: bool = False
    point: Selection = ()

    @property
    def is_input(self) -> bool:
        return self.source == "inputs"


def parse_reference(text: str) -> Reference | None:
    """The reference, or None if ``text`` is not written like one."""
    match = _REFERENCE.fullmatch(text)
    if not match:
        return None
    select = match["select"]
    if select is None or select == "*":
        return Reference(match["source"], match["output"], gather=select == "*")
    point = parse_point(select)
    return None if point is None else Reference(match["source"], match["output"], point=point)


def parse_point(text: str) -> Selection | None:
    """What stands in brackets, ``keepFraction=0.5, seed=1``, or None if it is not written like that."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(equals and key.strip() and value.strip() for key, equals, value in pairs):
        return None
    return tuple((key.strip(), value.strip()) for key, _, value in pairs)


def written(stage: str, point: Selection) -> str:
    """``prune[keepFraction=0.5, seed=1]``; the name alone without a point."""
    return f"{stage}[{', '.join(f'{axis}={value}' for axis, value in point)}]" if point else stage
