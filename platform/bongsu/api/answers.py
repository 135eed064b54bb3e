"""Answers: a document with its tag, the fields that were asked for, and lists by the page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Header, Query, Request
from fastapi.responses import JSONResponse, Response

from bongsu.domain.codes import api as codes
from bongsu.domain.documents import plain
from bongsu.domain.phrases import Words
from bongsu.domain.problems import BongsuError
from bongsu.store.requests import KEPT_S

T = TypeVar("T")
MOST_ITEMS = 500
# What each reader of JSON takes as a number.
_LARGEST = 1 << 53

Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="At most this many, 50 if not given.")]
Cursor = Annotated[str, Query(max_length=1000, description="`next` of the page before.")]
Fields = Annotated[
    str, Query(max_length=500, description="Only these keys of each document, separated by commas; all if empty.")
]
Filter = Annotated[
    str,
    Query(
        max_length=2000,
        description="Only items of which this holds, e.g. `state : running, failed AND createdAt >="
        ' "2026-11-01T00:00:00Z"`. Which fields there are depends on the list; an unknown one is refused with'
        " those that there are, and so is a value that a field never has.",
    ),
]
IdempotencyKey = Annotated[
    str,
    Header(
        max_length=200,
        pattern=r"^[\x21-\x7e]*$",
        description="Drawn by the client for one request and sent with each try of it: it is carried out once. A key"
        f" holds for {KEPT_S / 86_400:.0f} days, and is as a new one afterwards; under that of a correction of a grant"
        " the ledger has one entry for good.",
    ),
]
Ministry = Annotated[
    str | None, Query(max_length=40, description="Which ministry; may be left out by who acts in one only.")
]


def bad_body(place: str, detail: Words) -> BongsuError:
    """``api.bad-request`` for a body that cannot be read."""
    return codes.BAD_REQUEST.error(place=place, detail=detail.rstrip(".") if isinstance(detail, str) else detail)


def answer(request: Request, document: Any, fields: str = "", status: int = 200, *, about: str = "") -> Response:
    """A document or a list of them, as JSON with a strong tag: who has it already is told so (RFC 9110, 13.1.2).

    Args:
        request: that is answered.
        document: what :func:`bongsu.domain.documents.plain` writes.
        fields: what is asked for of it; all if empty.
        status: of the answer.
        about: key of the document within it that lists show: what is no key of the whole is one of that.

    Raises:
        BongsuError: ``api.unknown-field``.
    """
    return written(request, bytes(JSONResponse(only(plain(document), fields, about)).body), status)


def written(request: Request, body: bytes, status: int = 200) -> Response:
    """As :func:`answer`, of a document that is JSON already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Language"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if status == 200 and request.method in ("GET", "HEAD") and (tag in known or "*" in known):
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "application/json")


def only(document: Any, fields: str, about: str = "") -> Any:
    """What ``fields`` names of a document, or of each in a list or in a page's ``items``; ``about`` as of
    :func:`answer`."""
    if not fields:
        return document
    wanted = names_in(fields)
    if isinstance(document, dict) and isinstance(document.get("items"), list) and "next" in document:
        return document | {"items": [_only(item, wanted) for item in document["items"]]}
    if isinstance(document, list):
        return [_only(item, wanted) for item in document]
    return _about(document, wanted, about) if about else _only(document, wanted)


def names_in(fields: str) -> list[str]:
    """What ``fields`` names, each once."""
    return list(dict.fromkeys(name.strip() for name in fields.split(",") if name.strip()))


def refuse_unknown(wanted: Iterable[str], known: Collection[str]) -> None:
    """Raises ``api.unknown-field`` for a name that is none of the keys of a document."""
    for name in wanted:
        if name not in known:
            raise codes.UNKNOWN_FIELD.error(field=name, known=", ".join(sorted(known)))


def _about(document: dict[str, Any], wanted: list[str], about: str) -> dict[str, Any]:
    inner: dict[str, Any] = document[about]
    refuse_unknown(wanted, document.keys() | inner.keys())
    of_inner = [name for name in wanted if name not in document]
    found = _only(document, [name for name in wanted if name in document])
    return found if about in found or not of_inner else found | {about: _only(inner, of_inner)}


def _only(document: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    refuse_unknown(wanted, document)
    return {name: document[name] for name in wanted}


@dataclass(frozen=True)
class Place:
    """Where a page begins: behind the item with this key, in a list that was asked for in this way."""

    key: tuple[Any, ...]


def place_of(cursor: str, asked: str, *kinds: type) -> Place | None:
    """Of a cursor; None for the beginning.

    Args:
        cursor: as the client gave it back.
        asked: what else was asked for: a cursor of one list is none of another.
        kinds: of the parts of its key: ``str``, ``int`` or ``float``.

    Raises:
        BongsuError: ``api.bad-cursor``.
    """
    if not cursor:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(found, list) or not found or found[0] != _short(asked):
            raise codes.BAD_CURSOR.error()
        return Place(tuple(_part(kind, part) for kind, part in zip(kinds, found[1:], strict=True)))
    except (ValueError, RecursionError, binascii.Error):
        raise codes.BAD_CURSOR.error() from None


def _part(kind: type, part: Any) -> Any:
    """Raises ValueError for what is no part of any key of ours, and what a database would not take."""
    match part:
        case str() if kind is str and "\0" not in part:
            part.encode()
            return part
        case bool():
            pass
        case int() if kind is int and abs(part) <= _LARGEST:
            return part
        case int() | float() if kind is float and abs(part) <= _LARGEST:
            return float(part)
    raise ValueError(f"{part!r:.60} is not of {kind}")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list; ``next`` is the cursor of what follows, None at the end."""

    items: Sequence[T]
    next: str | None


def page(
    found: Sequence[T],
    limit: int,
    asked: str,
    key: Callable[[T], tuple[Any, ...]],
    told: Callable[[T], Any] = plain,
) -> Page[Any]:
    """A page of what was found.

    Args:
        found: one item more than fits, if there are more.
        limit: how many fit.
        asked: as of :func:`place_of`.
        key: what an item is found by again.
        told: an item's document.
    """
    shown = found[:limit]
    behind = None
    if len(found) > limit:
        text = json.dumps([_short(asked), *key(shown[-1])], separators=(",", ":"))
        behind = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return Page([told(one) for one in shown], behind)


def _short(asked: str) -> str:
    return hashlib.sha256(asked.encode()).hexdigest()[:12]
