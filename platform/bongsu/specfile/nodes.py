"""The tree that a pipeline file is read into: values that know their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bongsu.domain.pipeline import Scalar

Position = tuple[int, int]
"""Line and column, counting from 1; columns count characters."""


@dataclass(slots=True)
class ScalarNode:
    """A text, number, true, false or nothing. ``start`` and ``end`` are characters into the file."""

    at: Position
    value: Scalar | None
    start: int = 0
    end: int = 0
    size: int = 1
    height: int = 0
    length: int = 0


@dataclass(slots=True)
class ListNode:
    at: Position
    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 0
    length: int = 0


@dataclass(slots=True)
class MapNode:
    """``items`` by key; ``keys`` has the place of each key. ``is_partial``: keys were left out that were meant to come
    from elsewhere."""

    at: Position
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)
    is_partial: bool = False
    size: int = 1
    height: int = 0
    length: int = 0


Node = ScalarNode | ListNode | MapNode
"""``size`` counts the values in it and ``length`` the characters of their texts and keys, aliases written out;
``height`` the levels below it."""


def child(node: Node, step: str | int) -> Node | None:
    """What stands at a key or an index, or None."""
    if isinstance(node, MapNode) and isinstance(step, str):
        return node.items.get(step)
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def children(node: Node) -> Iterator[tuple[str | int, Node]]:
    if isinstance(node, MapNode):
        yield from node.items.items()
    elif isinstance(node, ListNode):
        yield from enumerate(node.items)
