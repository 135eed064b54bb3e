"""Nodes to plain values, ``${params.x}`` filled in.

In ``with`` and ``inputs`` of a stage, ``${matrix.x}`` and escapes stay for the planner, which fills them for every
point. ``parameters``, ``metadata`` and conditions take no templates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from bongsu.domain.codes import spec as graph_codes
from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.links import KnownNames
from bongsu.domain.templates import MAX_FAULTS, MAX_FILLED, Hole, Template, parse_template
from bongsu.specfile.nodes import MapNode, Node, ScalarNode
from bongsu.specfile.parameters import Parameters
from bongsu.specfile.parse import MAX_CHARACTERS


@dataclass
class Substituted:
    """Plain data, and what was found on the way.

    Attributes:
        broken: paths of values that could not be worked out.
        changed: paths of texts that no longer read as they stand in the file.
    """

    data: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)
    broken: set[FieldPath] = field(default_factory=set)
    changed: set[FieldPath] = field(default_factory=set)


def substitute(root: MapNode, parameters: Parameters) -> Substituted:
    """The whole file as dicts, lists and scalars."""
    walk = _Walk(parameters)
    result = Substituted({})
    walk.result = result
    walk.length = root.length
    data = walk.value(root, ())
    assert isinstance(data, dict)
    result.data = data
    return result


class _Walk:
    """``length``: characters of the file, texts that were filled in so far counted as they became."""

    result: Substituted
    length: int

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._known = KnownNames(sorted(parameters.values.keys() | parameters.broken))

    def value(self, node: Node, path: FieldPath) -> Any:
        if isinstance(node, ScalarNode):
            text = node.value
            return self._text(text, path) if isinstance(text, str) and "${" in text else text
        if isinstance(node, MapNode):
            for key in node.items:
                if "${" in key:
                    args = {"text": key}
                    self._find(Finding(graph_codes.TEMPLATE_NOT_HERE, (*path, key), args, at_key=True))
                    self.result.broken.add((*path, key))
            return {key: self.value(item, (*path, key)) for key, item in node.items.items()}
        return [self.value(item, (*path, index)) for index, item in enumerate(node.items)]

    def _text(self, text: str, path: FieldPath) -> Any:
        template = parse_template(text)
        zone = _zone(path)
        if zone == "later":
            return self._for_later(text, template, path)
        if zone != "now" and template.holes:
            return self._refuse(text, template.holes[0], zone, path)
        faulty = (fault for hole in template.holes for fault in self._faults(hole, path))
        faults = list(islice(faulty, MAX_FAULTS))
        for fault in faults:
            self._find(fault)
        names = {hole.name for hole in template.holes}
        if faults or not names <= self._parameters.values.keys() or names & self._parameters.broken:
            self.result.broken.add(path)
            return None
        if not self._fits(text, template, path):
            return None
        self.result.changed.add(path)
        return template.fill({"params": self._parameters.values})

    def _for_later(self, text: str, template: Template, path: FieldPath) -> Any:
        """Fill parameters in, if all of them are known; the planner reports those that are not."""
        known = self._parameters.values
        names = {hole.name for hole in template.holes if hole.scope == "params"}
        if names & self._parameters.broken or (self._parameters.uncertain and not names <= known.keys()):
            self.result.broken.add(path)
            return None
        if not names or not names <= known.keys():
            return text
        if not self._fits(text, template, path):
            return None
        self.result.changed.add(path)
        return template.fill_some("params", known)

    def _fits(self, text: str, template: Template, path: FieldPath) -> bool:
        """Whether the text may be filled in; the first that makes the file too large is told, and those after it
        are passed over."""
        length = template.length({"params": self._parameters.values})
        if length > max(MAX_FILLED, len(text)):
            args: dict[str, Any] = {"count": f"{length:,}", "limit": f"{MAX_FILLED:,}"}
            self._find(Finding(codes.TEXT_TOO_LONG, path, args))
            self.result.broken.add(path)
            return False
        before = self.length
        self.length += max(0, length - len(text))
        if self.length <= MAX_CHARACTERS:
            return True
        if before <= MAX_CHARACTERS:
            self._find(Finding(codes.TOO_LARGE_EXPANDED, path, {"limit": f"{MAX_CHARACTERS:,}"}))
        self.result.broken.add(path)
        return False

    def _refuse(self, text: str, hole: Hole, zone: str, path: FieldPath) -> str:
        self.result.broken.add(path)
        if zone == "condition" and hole.is_valid:
            name = f"{hole.scope}.{hole.name}"
            self._find(Finding(codes.CONDITION_TEMPLATE, path, {"name": name}, hole.offset))
        else:
            self._find(Finding(graph_codes.TEMPLATE_NOT_HERE, path, {"text": hole.text}, hole.offset))
        return text

    def _faults(self, hole: Hole, path: FieldPath) -> list[Finding]:
        if not hole.is_valid:
            return [Finding(graph_codes.BAD_TEMPLATE, path, {"text": hole.text}, hole.offset)]
        if hole.scope == "matrix":
            return [Finding(graph_codes.TEMPLATE_NOT_HERE, path, {"text": hole.text}, hole.offset)]
        known = self._parameters.values.keys() | self._parameters.broken
        if hole.name in known or self._parameters.uncertain:
            return []
        args = {"name": hole.name, **self._known.told(hole.name)}
        return [Finding(graph_codes.UNKNOWN_PARAMETER, path, args, hole.offset)]

    def _find(self, finding: Finding) -> None:
        self.result.findings.append(finding)


def _zone(path: FieldPath) -> str:
    """``now``: parameters only; ``later``: matrix too; ``condition`` and ``none``: no template."""
    if path[:1] != ("spec",) or path[1:2] == ("parameters",):
        return "none"
    if path[1:2] == ("stages",) and len(path) > 3:
        if path[3] in ("with", "inputs"):
            return "later"
        if path[3] == "when":
            return "condition"
    return "now"
