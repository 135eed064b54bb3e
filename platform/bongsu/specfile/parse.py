"""YAML text to nodes with places.

libyaml reads events; what they mean is decided here by the rules of YAML 1.2: ``no`` is a text, ``1e-3`` a number.
Nothing recurses, so no text can exhaust the stack, and aliases are counted as if they were written out,
in values and in characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import yaml

from bongsu.domain.codes import specfile as codes
from bongsu.domain.links import MAX_SUGGESTIONS, listed
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError, Code, Location, Problem
from bongsu.domain.scalars import NumberTooLarge, kind_of, parse_scalar
from bongsu.domain.suggest import closest
from bongsu.domain.unseen import first_unseen
from bongsu.specfile.nodes import ListNode, MapNode, Node, Position, ScalarNode
from bongsu.specfile.syntax import syntax_problems

MAX_VALUES = 100_000
MAX_DEPTH = 64
MAX_CHARACTERS = 4 * 2**20
"""Of all texts and keys, aliases written out and parameters filled in."""
_CORE_TAG = "tag:yaml.org,2002:"

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read.

    ``key`` waits for its value; with ``skip`` the value is not kept. With ``is_key`` the whole is a key, and is
    dropped.
    """

    node: ListNode | MapNode
    anchor: str | None
    key: str | None = None
    key_at: Position = (1, 1)
    skip: bool = False
    is_key: bool = False


class _Stop(Exception):
    """Going on would be dangerous or pointless."""


def parse(text: str, file: str) -> tuple[MapNode, list[Problem]]:
    """Read one document.

    Returns:
        Its root, and problems that leave the rest of the file readable (duplicate keys, tags, ...).

    Raises:
        BongsuError: the text is no YAML, is empty, is no mapping, or is built to exhaust memory.
    """
    reader = _Reader(text, file)
    try:
        reader.read()
    except yaml.YAMLError as error:
        raise BongsuError([*reader.problems, *syntax_problems(error, text, file)]) from None
    except _Stop:
        raise BongsuError(reader.problems) from None
    root = reader.root
    if root is None or (isinstance(root, ScalarNode) and root.value is None):
        raise BongsuError([*reader.problems, codes.EMPTY_FILE.at(Location(file, 1, 1))])
    if not isinstance(root, MapNode):
        found = kind_of([] if isinstance(root, ListNode) else root.value)
        expected = phrase(N_("a mapping with the keys {keys}"), keys="apiVersion, kind, metadata, spec")
        problem = codes.WRONG_TYPE.at(Location(file, *root.at), found=found, expected=expected)
        raise BongsuError([*reader.problems, problem])
    return root, reader.problems


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._events = _Loader(text)
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._unknown_aliases = 0
        self.root: Node | None = None
        self.problems: list[Problem] = []

    def read(self) -> None:
        documents = 0
        try:
            while (event := self._events.get_event()) is not None:
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    self._scalar(event)
                elif kind is yaml.MappingStartEvent:
                    self._start(MapNode(_at(event)), event)
                elif kind is yaml.SequenceStartEvent:
                    self._start(ListNode(_at(event)), event)
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self._end()
                elif kind is yaml.AliasEvent:
                    self._alias(event)
                elif kind is yaml.DocumentStartEvent:
                    documents += 1
                    if documents > 1:
                        self._stop(codes.SEVERAL_DOCUMENTS, _at(event))
        finally:
            self._events.dispose()

    def _scalar(self, event: Any) -> None:
        at = _at(event)
        if event.tag is not None:
            self._tag(event)
        if self._awaits_key():
            self._key(event, at)
            return
        value: Any = event.value
        if event.style:  # quoted or a block
            character = first_unseen(value) if event.style == '"' else None
            if character:
                self._find(codes.CONTROL_CHARACTER, at, character=character)
        else:
            value = self._plain(value, at)
            if event.value == "" and self._open and isinstance(self._open[-1].node, MapNode):
                at = self._open[-1].key_at  # an absent value has no place of its own
        node = ScalarNode(at, value, event.start_mark.index, event.end_mark.index, length=len(event.value))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._attach(node)

    def _plain(self, text: str, at: Position) -> Any:
        try:
            return parse_scalar(text)
        except NumberTooLarge:
            self._find(codes.NUMBER, at, text=text[:40])
            return 0

    def _awaits_key(self) -> bool:
        top = self._open[-1] if self._open else None
        return top is not None and isinstance(top.node, MapNode) and top.key is None and not top.skip

    def _key(self, event: Any, at: Position) -> None:
        top = self._open[-1]
        node = top.node
        assert isinstance(node, MapNode)
        top.key_at = at
        top.skip = True
        if not event.style and event.value == "<<":
            node.is_partial = True
            self._find(codes.MERGE_KEY, at)
            return
        if not event.style:
            value = self._plain(event.value, at)
            if not isinstance(value, str):
                self._find(codes.NON_TEXT_KEY, at, found=kind_of(value))
                return
        elif first_unseen(event.value):
            self._find(codes.CONTROL_CHARACTER, at, character=first_unseen(event.value))
            return
        if event.value in node.items:
            self._find(codes.DUPLICATE_KEY, at, key=event.value[:60], first=node.keys[event.value][0])
            return
        top.skip = False
        top.key = event.value

    def _start(self, node: ListNode | MapNode, event: Any) -> None:
        if event.tag is not None:
            self._tag(event)
        if len(self._open) >= MAX_DEPTH:
            self._stop(codes.TOO_DEEP, _at(event), limit=MAX_DEPTH)
        if self._awaits_key():
            top = self._open[-1]
            top.key_at, top.skip = _at(event), True
            self._find(codes.NON_TEXT_KEY, _at(event), found=kind_of([] if isinstance(node, ListNode) else {}))
            self._open.append(_Open(node, None, is_key=True))
            return
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        if done.is_key:
            return
        if done.anchor is not None:
            self._anchors[done.anchor] = done.node
        self._attach(done.node)

    def _alias(self, event: Any) -> None:
        at = _at(event)
        if event.anchor not in self._anchors:
            self._unknown_aliases += 1
            suggestion = None
            if self._unknown_aliases <= MAX_SUGGESTIONS:
                suggestion = closest(
                    event.anchor, (name for name, node in self._anchors.items() if node is not None)
                )
            known = listed([f"&{name}" for name in islice(self._anchors, MAX_SUGGESTIONS)])
            self._find(codes.UNKNOWN_ALIAS, at, name=event.anchor, known=known, suggestion=suggestion)
            target: Node | None = ScalarNode(at, None)
        else:
            target = self._anchors[event.anchor]
            if target is None:
                self._stop(codes.RECURSIVE_ALIAS, at, name=event.anchor)
        if self._awaits_key():
            top = self._open[-1]
            top.key_at, top.skip = at, True
            self._find(codes.NON_TEXT_KEY, at, found=phrase(N_("an alias")))
            return
        assert target is not None
        if len(self._open) + target.height > MAX_DEPTH:
            self._stop(codes.TOO_DEEP, at, limit=MAX_DEPTH)
        self._attach(target, at)

    def _attach(self, node: Node, at: Position | None = None) -> None:
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        parent = top.node
        parent.size += node.size
        parent.length += node.length + len(top.key or "")
        parent.height = max(parent.height, node.height + 1)
        if parent.size > MAX_VALUES:
            self._stop(codes.TOO_MANY_VALUES, at or node.at, limit=f"{MAX_VALUES:,}")
        if parent.length > MAX_CHARACTERS:
            self._stop(codes.TOO_LARGE_EXPANDED, at or node.at, limit=f"{MAX_CHARACTERS:,}")
        if isinstance(parent, ListNode):
            parent.items.append(node)
        elif top.skip:
            top.skip = False
        elif top.key is not None:
            parent.items[top.key] = node
            parent.keys[top.key] = top.key_at
            top.key = None

    def _tag(self, event: Any) -> None:
        if event.tag != "!":
            self._find(codes.TAG, _at(event), tag=event.tag.replace(_CORE_TAG, "!!")[:60])

    def _find(self, code: Code, at: Position, **args: Any) -> None:
        given = {key: value for key, value in args.items() if value is not None}
        self.problems.append(code.at(Location(self._file, *at), **given))

    def _stop(self, code: Code, at: Position, **args: Any) -> None:
        self._find(code, at, **args)
        raise _Stop


def _at(event: Any) -> Position:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1)
