"""Advice about values of the wrong type that templates fill in: quotes help where the value is written, not around
the template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.templates import Hole, parse_template
from bongsu.specfile.nodes import MapNode, Node, ScalarNode, child

_FILLED = {codes.TEXT_OF_NUMBER: codes.FILLED_NUMBER, codes.NUMBER_AS_TEXT: codes.FILLED_TEXT}


def told_of_source(findings: Iterable[Finding], root: MapNode) -> Iterator[Finding]:
    """The findings; those about quotes at a template name what the template stands for, once for all its values."""
    told: set[FieldPath] = set()
    for finding in findings:
        code = _FILLED.get(finding.code)
        hole = _hole(root, finding.path) if code is not None else None
        if code is None or hole is None:
            yield finding
        elif finding.path not in told:
            told.add(finding.path)
            args = {**finding.args, "template": hole.text, "hint": _source(hole)}
            yield Finding(code, finding.path, args)


def _hole(root: MapNode, path: FieldPath) -> Hole | None:
    """The template that the text at ``path`` is; None if it is more than one, or none."""
    node: Node | None = root
    for step in path:
        node = child(node, step) if node is not None else None
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return None
    holes = parse_template(node.value).parts
    return holes[0] if len(holes) == 1 and isinstance(holes[0], Hole) else None


def _source(hole: Hole) -> Phrase:
    if hole.scope == "params":
        return phrase(N_("the default of the parameter {name}"), name=hole.name)
    return phrase(N_("the values of the matrix axis {name}"), name=hole.name)
