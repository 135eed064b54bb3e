"""References from one stage to another: ``inputs.base``, ``adapt.model``, ``prune[*].model``,
``prune[keepFraction=0.5].model``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"^(?P<source>[a-z][-a-z0-9]*)(?:\[(?P<select>\*|[^\[\]]+)\])?\.(?P<output>[a-zA-Z][a-zA-Z0-9]*)$"
)


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
    point: tuple[tuple[str, str], ...] = ()

    @property
    def is_input(self) -> bool:
        return self.source == "inputs"


def parse_reference(text: str) -> Reference | None:
    """The reference, or None if ``text`` is not written like one."""
    match = _REFERENCE.match(text)
    if not match:
        return None
    select = match["select"]
    if select is None or select == "*":
        return Reference(match["source"], match["output"], gather=select == "*")
    pairs = [part.partition("=") for part in select.split(",")]
    if not all(equals and key.strip() and value.strip() for key, equals, value in pairs):
        return None
    return Reference(match["source"], match["output"], point=tuple((k.strip(), v.strip()) for k, _, v in pairs))
