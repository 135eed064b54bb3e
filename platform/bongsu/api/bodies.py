"""Bodies of requests: read as documents are written, described as such, and refused with everything that is wrong.

Whatever a body is for, its texts hold no character that nobody sees, its numbers are ones that every database and
every reader of JSON keeps as they are, and it is not nested deeper than anything here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, Field, fields
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, get_args, get_type_hints

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, TypeAdapter, model_validator

from bongsu.api.answers import bad_body
from bongsu.api.declared import Declaration, outside_every_class, record_declaration
from bongsu.domain.codes import api as codes
from bongsu.domain.documents import MOMENT, TIME, camel, seconds_of
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.read_documents import Unlike, read, read_as
from bongsu.domain.unseen import first_unseen
from bongsu.domain.uses import UseClass

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def _of_calendar(moment: datetime) -> datetime:
    seconds_of(moment)
    return moment


Time = Annotated[AwareDatetime, AfterValidator(_of_calendar)]
"""A time in an address."""
_DEEPEST = 32
# Beyond it a number is not the same for everybody who reads JSON (RFC 8259, section 6).
_MOST = 2**53
_MOST_FAULTS = 20
_KINDS = {
    "string": N_("a text"),
    "number": N_("a number"),
    "integer": N_("a whole number"),
    "boolean": N_("true or false"),
    "array": N_("a list"),
    "null": N_("null"),
}


class Body(BaseModel):
    """What every model of a body is made from.

    Raises:
        BongsuError: ``api.bad-request`` for each text and number that no body may hold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Keys whose texts are files or values of them, which their own readers look at and name a line of.
    read_elsewhere: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _holds_nothing_strange(cls, document: Any) -> Any:
        if isinstance(document, dict):
            looked_at = {key: value for key, value in document.items() if key not in cls.read_elsewhere}
            _raise_all(_strange(looked_at))
        return document


def body_of(kind: type[T], declares: Declaration | None = None, **given: Callable[[Request], Any]) -> Any:
    """A dependency that reads the body as a dataclass ``kind``: keys in camelCase, times as ISO 8601 writes them.

    Args:
        kind: of the arguments.
        declares: what is tried with a body that names use classes; required of one that does.
        given: fields that the address says, and not the body.
    """
    naming = {camel(field.name) for field in fields(kind) if _names_classes(kind, field)}
    assert bool(naming) == bool(declares), kind

    async def found(request: Request) -> T:
        document = _parsed(await request.body())
        _raise_all(_strange(document))
        outside = outside_every_class(document, naming)
        theirs = {f"body.{problem.field_path}" for problem in outside}
        unlike = [problem for problem in _unlike(kind, document, set(given)) if problem.args["place"] not in theirs]
        if declares is not None and outside:
            refusal = BongsuError([*outside, *unlike][:_MOST_FAULTS])
            await run_in_threadpool(record_declaration, request, declares, document, refusal)
            raise refusal
        _raise_all(unlike)
        told = {camel(name): say(request) for name, say in given.items()}
        moments = {camel(one.name) for one in fields(kind) if _is_moment(kind, one)}
        as_seconds = {key: _seconds(document[key]) for key in moments & document.keys()}
        try:
            return read(kind, document | as_seconds | told)
        except Unlike as error:
            raise bad_body("body", " ".join(str(error).split())) from None

    return Depends(found)


def described(kind: type[Any], *given: str) -> dict[str, Any]:
    """What OpenAPI says of such a body."""
    properties, required = {}, []
    for field in fields(kind):
        if field.name in given:
            continue
        name = camel(field.name)
        properties[name] = _schema_of(kind, field)
        if _is_required(field):
            required.append(name)
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except RecursionError:
        raise bad_body("body", _too_deep()) from None
    except ValueError:
        raise bad_body("body", phrase(N_("it is not JSON"))) from None
    if not isinstance(document, dict):
        raise bad_body("body", phrase(N_("it is no object")))
    return document


def _strange(document: dict[str, Any]) -> Iterator[Problem]:
    """Texts and numbers that no body may hold; looked for without recursion, which a body could exhaust."""
    left: list[tuple[str, Any, int]] = [("body", document, 0)]
    while left:
        place, value, depth = left.pop()
        if depth > _DEEPEST:
            yield _bad(place, _too_deep())
            return
        if isinstance(value, dict):
            for key in value:
                if unseen := first_unseen(key):
                    yield _bad(place, phrase(N_("a key holds {character}"), character=unseen))
                    return
            left += [(f"{place}.{key:.60}", item, depth + 1) for key, item in value.items()]
        elif isinstance(value, list):
            left += [(f"{place}.{number}", item, depth + 1) for number, item in enumerate(value)]
        elif fault := _fault_in(value):
            yield _bad(place, fault)


def _fault_in(value: Any) -> Words | None:
    if isinstance(value, str) and (unseen := first_unseen(value)):
        return phrase(N_("it holds {character}, which nobody sees"), character=unseen)
    if isinstance(value, float) and not math.isfinite(value):
        return phrase(N_("it has to be a finite number"))
    if isinstance(value, int | float) and abs(value) > _MOST:
        return phrase(N_("a number is at most {most}"), most=_MOST)
    return None


def _unlike(kind: Any, document: dict[str, Any], given: set[str]) -> Iterator[Problem]:
    """Every key that is unknown, is missing, or has another value than its field takes."""
    known = {camel(field.name): field for field in fields(kind) if field.name not in given}
    for key in document:
        if key not in known:
            words = N_("there is no such key; there are {known}")
            yield _bad(f"body.{key:.60}", phrase(words, known=", ".join(sorted(known))))
    for key, field in known.items():
        wanted = _wanted(_schema_of(kind, field))
        if key not in document:
            if _is_required(field):
                yield _bad(f"body.{key}", phrase(N_("it is missing, and has to be {wanted}"), wanted=wanted))
        elif not _fits(kind, field, document[key]):
            yield _bad(f"body.{key}", phrase(N_("it has to be {wanted}"), wanted=wanted))


def _fits(kind: Any, field: Field[Any], value: Any) -> bool:
    try:
        if value is None and _may_be_null(kind, field):
            return True
        if _is_time(kind, field):
            _seconds(value, takes_number=_is_moment(kind, field))
        else:
            read_as(get_type_hints(kind)[field.name], value)
    except ValueError:
        return False
    return True


def _seconds(value: Any, *, takes_number: bool = True) -> float:
    """Since the epoch. Raises ValueError for what is no time with its zone."""
    if takes_number and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return seconds_of(datetime.fromtimestamp(value, UTC))
        except (OverflowError, OSError):
            raise ValueError("no time") from None
    if not isinstance(value, str):
        raise ValueError("no time")
    return seconds_of(datetime.fromisoformat(value))


def _wanted(schema: dict[str, Any]) -> Words:
    """What a schema takes, in words."""
    if schema.get("format") == "date-time":
        return phrase(N_("a time as ISO 8601 writes it, with its zone, such as 2026-07-01T09:00:00+09:00"))
    if "enum" in schema:
        return phrase(N_("one of {values}"), values=", ".join(map(str, schema["enum"])))
    either = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if either:
        return _wanted(either[0])
    if schema.get("type") == "array":
        return phrase(N_("a list, of which each is {wanted}"), wanted=_wanted(schema.get("items", {})))
    return as_phrase(_KINDS.get(schema.get("type", ""), N_("what the schema says")))


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _is_moment(kind: Any, field: Field[Any]) -> bool:
    """Whether it holds seconds under a name that does not say so."""
    hint = get_type_hints(kind, include_extras=True)[field.name]
    return MOMENT in getattr(hint, "__metadata__", ())


def _is_time(kind: Any, field: Field[Any]) -> bool:
    return field.name.endswith(TIME) or _is_moment(kind, field)


def _names_classes(kind: Any, field: Field[Any]) -> bool:
    hint = get_type_hints(kind)[field.name]
    return UseClass in (hint, *get_args(hint))


def _may_be_null(kind: Any, field: Field[Any]) -> bool:
    return type(None) in get_args(get_type_hints(kind)[field.name])


def _bad(place: str, detail: Words) -> Problem:
    return codes.BAD_REQUEST.at(place=place, detail=detail)


def _too_deep() -> Words:
    return phrase(N_("it is nested deeper than {deepest} levels"), deepest=_DEEPEST)


def _raise_all(problems: Iterable[Problem]) -> None:
    found = list(islice(problems, _MOST_FAULTS))
    if found:
        raise BongsuError(found)


def _schema_of(kind: Any, field: Field[Any]) -> dict[str, Any]:
    time: dict[str, Any] = {"type": "string", "format": "date-time"}
    if _is_moment(kind, field):
        number = {"type": "number", "description": "Seconds since the epoch, as older clients say it."}
        return {"anyOf": [time, number]}
    if not field.name.endswith(TIME):
        return _schema(get_type_hints(kind)[field.name])
    return {"anyOf": [time, {"type": "null"}]} if _may_be_null(kind, field) else time


def _schema(hint: Any) -> dict[str, Any]:
    """With whatever it refers to in its place: a reference would begin at the root of the whole document."""
    found = TypeAdapter(hint).json_schema()
    definitions = found.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(one) for one in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref", "")
        rest = {key: whole(value) for key, value in part.items() if key != "$ref"}
        return whole(definitions[reference.removeprefix("#/$defs/")]) | rest if reference else rest

    return dict(whole(found))
