"""The file in which a log, or its end, leaves the house: one JSON object a line, so that it can be read as it comes.

In this order: a head; the public keys; checkpoints with what witnesses signed, the smallest first; entries by position;
an end. An entry has the hash of its leaf beside it, so that a changed one is found to the letter; one that whoever
exported it may not see has the hash alone. A file of lines has no tables that lie and nothing that unpacks to a
thousand times its size.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from bongsu.domain.messages import N_
from bongsu.domain.signed_notes import decoded

FORMAT = "bongsu-audit/v1"
LONGEST_LINE = 1_048_576
"""In bytes; an entry tells facts, and no content."""


@dataclass(frozen=True)
class Head:
    """Attributes:
    origin: name of the log.
    begin: position of the first entry.
    edge: roots of the complete subtrees over the entries before that, largest first.
    size: of the log; the last entry's position and one.
    """

    origin: str
    begin: int
    edge: tuple[bytes, ...]
    size: int


@dataclass(frozen=True)
class KeyLine:
    """A public key that whoever exported the log says to be its own, or a witness's."""

    key: str


@dataclass(frozen=True)
class CheckpointLine:
    """A signed note."""

    note: str


@dataclass(frozen=True)
class EntryLine:
    """``entry`` is None where only the hash is shown."""

    position: int
    leaf: bytes
    entry: str | None


@dataclass(frozen=True)
class EndLine:
    """How many entries there were."""

    entries: int


Line = Head | KeyLine | CheckpointLine | EntryLine | EndLine


def written(line: Line) -> str:
    """One line with its end."""
    document: dict[str, Any]
    match line:
        case Head():
            edge = [_text(one) for one in line.edge]
            document = {
                "format": FORMAT,
                "origin": line.origin,
                "begin": line.begin,
                "size": line.size,
                "edge": edge,
            }
        case KeyLine():
            document = {"key": line.key}
        case CheckpointLine():
            document = {"checkpoint": line.note}
        case EntryLine():
            document = {"position": line.position, "leaf": _text(line.leaf)}
            document |= {} if line.entry is None else {"entry": line.entry}
        case EndLine():
            document = {"end": line.entries}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """Lines with their ends; one that is too long is cut where nobody needs to read on."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line


def parsed(raw: bytes) -> Line:
    """What :func:`written` wrote. Raises ValueError."""
    if len(raw) > LONGEST_LINE:
        raise ValueError(N_("the line is too long"))
    if not raw.endswith(b"\n"):
        raise ValueError(N_("the line is cut off"))
    try:
        document = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise ValueError(N_("it is not JSON")) from None
    if not isinstance(document, dict):
        raise ValueError(N_("it is not a line of a bundle"))
    kind = next((kind for kind in _KINDS if kind in document), None)
    # A key under another name would be an entry that seems to have no text.
    if kind is None or not document.keys() <= {kind, *_BESIDE.get(kind, ())}:
        raise ValueError(N_("it is not a line of a bundle"))
    return _KINDS[kind](document)


def _head(document: dict[str, Any]) -> Head:
    if document["format"] != FORMAT:
        raise ValueError(N_("this form of bundle is not known"))
    edge = document.get("edge")
    if not isinstance(edge, list) or len(edge) > 63:
        raise ValueError(N_("it is not a line of a bundle"))
    hashes = tuple(map(_hash, edge))
    return Head(_string(document, "origin"), _number(document, "begin"), hashes, _number(document, "size"))


def _entry(document: dict[str, Any]) -> EntryLine:
    entry = _string(document, "entry") if "entry" in document else None
    return EntryLine(_number(document, "position"), _hash(document.get("leaf")), entry)


_KINDS: Mapping[str, Callable[[dict[str, Any]], Line]] = {
    "format": _head,
    "key": lambda document: KeyLine(_string(document, "key")),
    "checkpoint": lambda document: CheckpointLine(_string(document, "checkpoint")),
    "position": _entry,
    "end": lambda document: EndLine(_number(document, "end")),
}
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "format": ("origin", "begin", "edge", "size"),
    "position": ("leaf", "entry"),
}


def _string(document: dict[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or any("\ud800" <= letter <= "\udfff" for letter in found):
        raise ValueError(N_("it is not a line of a bundle"))
    return found


def _number(document: dict[str, Any], name: str) -> int:
    found = document.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1 << 62:
        raise ValueError(N_("a size or a position is a whole number without leading zeroes"))
    return found


def _hash(value: object) -> bytes:
    data = decoded(value) if isinstance(value, str) else b""
    if len(data) != 32:
        raise ValueError(N_("a hash has 32 bytes"))
    return data


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
