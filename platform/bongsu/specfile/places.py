"""From a field path to line and column."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from bongsu.domain.fieldpath import FieldPath, Finding, parse_path
from bongsu.domain.problems import Location, Problem
from bongsu.specfile.nodes import MapNode, Node, Position, ScalarNode, child

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Places:
    """Knows where each field of a file stands. Later layers ask it for the place of what they object to."""

    file: str
    text: str
    root: Node

    def locate(self, path: FieldPath | str, *, key: bool = False) -> Location:
        """Where the value at ``path`` stands (its key, with ``key``).

        Of a field that is not in the file: the place of the nearest thing around it that is. A path may be given
        as text, e.g. ``spec.stages[3].with.learningRate``; ValueError if it is none.
        """
        steps = parse_path(path) if isinstance(path, str) else path
        at: Position = self.root.at
        node: Node = self.root
        for number, step in enumerate(steps, 1):
            if number == len(steps) and key and isinstance(node, MapNode) and step in node.keys:
                return Location(self.file, *node.keys[str(step)])
            below = child(node, step)
            if below is None:
                if isinstance(node, MapNode) and number > 1:
                    at = self._key_of(steps[: number - 1]) or at
                break
            node, at = below, below.at
        return Location(self.file, *at)

    def node(self, path: FieldPath) -> Node | None:
        """What stands at ``path``, or None."""
        node: Node | None = self.root
        for step in path:
            node = child(node, step) if node is not None else None
        return node

    def problem(self, finding: Finding) -> Problem:
        """The finding with its place."""
        location = None if finding.offset is None else self._inside(finding)
        return finding.problem(location or self.locate(finding.path, key=finding.at_key))

    def _key_of(self, path: FieldPath) -> Position | None:
        """Place of the key that holds the mapping at ``path``: what is missing in it is best shown there."""
        parent = self.node(path[:-1])
        return parent.keys.get(str(path[-1])) if isinstance(parent, MapNode) else None

    def _inside(self, finding: Finding) -> Location | None:
        """A place inside a text, if the text stands in the file as it is."""
        node = self.node(finding.path)
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or finding.offset is None:
            return None
        written = self.text[node.start : node.end]
        lead = written.find(node.value)
        if lead < 0:
            return None
        index = node.start + lead + min(finding.offset, len(node.value))
        line = bisect_right(self._lines, index)
        return Location(self.file, line, index - self._lines[line - 1] + 1)

    @cached_property
    def _lines(self) -> list[int]:
        """Where each line begins."""
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]
