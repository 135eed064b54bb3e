"""Schemas say what documents have: of each type, what is written fits, and what is not written does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, NewType, TypedDict, TypeVar

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel

from bongsu.domain.document_schemas import schema_of
from bongsu.domain.documents import plain
from bongsu.domain.labels import Label
from bongsu.domain.phrases import Words, phrase

T = TypeVar("T")
Name = NewType("Name", str)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    """A part; see :class:`bongsu.domain.labels.Label`. None of ``colour`` is told.

    Attributes:
        made_at: seconds since the epoch.
    """

    name: Name
    made_at: float
    ended_at: float | None
    share: float
    why: Words = ""
    colour: Colour | None = None


class Inner(BaseModel):
    said: Words = ""
    wanted: int = 3


class Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    inner_one: Inner
    held_in: frozenset[str] = frozenset()


class _Counted(TypedDict):
    count: int


class Row(_Counted, total=False):
    model_name: str


@dataclass(frozen=True)
class Whole(Generic[T]):
    items: Sequence[T]
    by_name: Mapping[str, T]


@dataclass(frozen=True)
class Tree:
    below: tuple[Tree, ...]


@dataclass(frozen=True)
class Pair:
    ends: tuple[int, str]
    kind: Literal["a", "b"]
    anything: Any
    told: Annotated[Mapping[str, Any], WithJsonSchema({"title": "Told", "type": "object", "maxProperties": 1})]


PART = Part(Name("a"), 1.0, None, math.nan, phrase("{one}", one=1), Colour.RED)
WRITTEN: list[tuple[Any, object]] = [
    (Part, PART),
    (list[Part], [PART]),
    (Whole[Part], Whole([PART], {"a": PART})),
    (Part | None, None),
    (Model, Model(inner_one=Inner(said=phrase("x")), held_in=frozenset({"a"}))),
    (Label, Label()),
    (Row, {"count": 1, "model_name": "x"}),
    (Row, {"count": 1}),
    (Tree, Tree((Tree(()),))),
    (Pair, Pair((1, "x"), "a", {"b": [1]}, {"x": 1})),
]


def fits(kind: Any, document: Any) -> bool:
    validator = Draft202012Validator(schema_of(kind), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return bool(validator.is_valid(document))


@pytest.mark.parametrize(("kind", "value"), WRITTEN)
def test_what_is_written_fits(kind: Any, value: object) -> None:
    Draft202012Validator.check_schema(schema_of(kind))
    assert fits(kind, plain(value))


@pytest.mark.parametrize(
    "change",
    [
        {"madeAt": 1.0},
        {"madeAt": None},
        {"endedAt": 1.0},
        {"share": "much"},
        {"why": {"template": "x"}},
        {"colour": "green"},
        {"name": None},
        {"more": 1},
    ],
)
def test_what_is_not_written_does_not_fit(change: dict[str, object]) -> None:
    assert not fits(Part, plain(PART) | change)


@pytest.mark.parametrize("key", ["name", "madeAt", "endedAt", "share", "why", "colour"])
def test_no_key_is_left_out(key: str) -> None:
    assert not fits(Part, {name: value for name, value in plain(PART).items() if name != key})


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Row, {"model_name": "x"}),
        (Row, {"count": 1, "modelName": "x"}),
        (Model, {"innerOne": {"said": "x"}, "heldIn": []}),
        (Model, {"inner_one": {"said": "x", "wanted": 3}, "heldIn": []}),
        (Whole[Part], {"items": [1], "byName": {}}),
        (Tree, {"below": [{"above": []}]}),
        (Pair, {"ends": [1, "x", 2], "kind": "a", "anything": 1, "told": {}}),
        (Pair, {"ends": [1, "x"], "kind": "c", "anything": 1, "told": {}}),
        (Pair, {"ends": [1, "x"], "kind": "a", "anything": 1, "told": {"a": 1, "b": 2}}),
    ],
)
def test_what_is_alike_does_not_fit(kind: Any, document: object) -> None:
    assert not fits(kind, document)


def test_classes_are_definitions_by_name_with_what_they_say_of_themselves() -> None:
    definitions = schema_of(Whole[Part])["$defs"]
    assert definitions["Part"]["description"] == "A part; see `Label`. null of `colour` is told."
    assert set(schema_of(Pair)["$defs"]) == {"Pair", "Told"}


def test_two_classes_of_one_name_are_refused() -> None:
    other = dataclass(type("Part", (), {"__annotations__": {"x": int}}))
    with pytest.raises(TypeError, match="two classes are called Part"):
        schema_of(tuple[Part, other])  # type: ignore[valid-type]


def test_a_type_that_nobody_can_write_is_refused() -> None:
    with pytest.raises(TypeError, match="nobody knows how"):
        schema_of("Part")
