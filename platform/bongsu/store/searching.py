"""Things whose name, title or digest holds some text, newest first, as far as the reader sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, Text, and_, cast, func, literal, not_, or_, select

from bongsu.domain.filters import FieldKind, Kind, OneOf
from bongsu.domain.paging import PageRequest
from bongsu.domain.searching import Found, Nearness, SearchKind, number_of
from bongsu.store.listing import Listing, Step, behind, bytewise, columns
from bongsu.store.schema import artifacts, dataset_versions, model_versions, runs
from bongsu.store.scope import visible


@dataclass(frozen=True)
class _Place:
    """Where things of a kind are: ``name`` is by which commands take them, ``alone`` the same without its version."""

    table: Table
    inside: tuple[Column[Any], ...]
    beginnings: tuple[Column[Any], ...]
    name: ColumnElement[str]
    alone: ColumnElement[str]
    title: Callable[[Any], str]


def _version(table: Table) -> ColumnElement[str]:
    found: ColumnElement[str] = table.c.name + literal("/") + cast(table.c.version, Text)
    return found


FIELDS: Mapping[str, Kind] = {
    "kind": OneOf.of(SearchKind),
    "name": FieldKind.WORD,
    "ministry": FieldKind.WORD,
    "label": FieldKind.LABEL,
    "createdAt": FieldKind.TIME,
}
"""What is found can be filtered by."""
_PLACES: Mapping[SearchKind, _Place] = {
    SearchKind.RUN: _Place(runs, (runs.c.pipeline,), (runs.c.id,), runs.c.id, runs.c.id, lambda row: row.pipeline),
    SearchKind.MODEL: _Place(
        model_versions,
        (model_versions.c.name, model_versions.c.title),
        (model_versions.c.digest,),
        _version(model_versions),
        model_versions.c.name,
        lambda row: row.title,
    ),
    SearchKind.DATASET: _Place(
        dataset_versions,
        (dataset_versions.c.name, dataset_versions.c.origin),
        (dataset_versions.c.digest,),
        _version(dataset_versions),
        dataset_versions.c.name,
        lambda row: row.origin,
    ),
    SearchKind.ARTIFACT: _Place(
        artifacts,
        (artifacts.c.title,),
        (artifacts.c.digest,),
        artifacts.c.digest,
        artifacts.c.digest,
        lambda row: row.title,
    ),
}


def find(
    connection: Connection, kind: SearchKind, text: str, nearness: Nearness, wanted: PageRequest
) -> Iterator[Found]:
    """Things of a kind that are so near to a text, newest first, and those of one moment by ministry and name.

    Args:
        connection: reads, as whoever asks.
        kind: of what is looked for.
        text: a part of a name or a title, in capitals or not, or the beginning of an id or a digest.
        nearness: how near; what is nearer is left out.
        wanted: which of them; their key is :attr:`bongsu.domain.searching.Hit.key`.
    """
    place = _PLACES[kind]
    table = place.table
    query = select(table, place.name.label("called")).where(visible(connection, table))
    query = query.where(_is_near(place, kind, text.lower(), nearness))
    tie = (Step(bytewise(connection, table.c.tenant)), Step(bytewise(connection, place.name)))
    order = (Step(table.c.created_at, down=True), *tie)
    if wanted.behind is not None and wanted.behind[0] == nearness:
        query = query.where(_follows(order, kind, wanted.behind))
    fields = {"kind": literal(kind.value), "name": place.name, "ministry": table.c.tenant}
    listing = Listing(order, {**fields, **columns(table, "label", "createdAt")})
    for row in connection.execute(listing.page(query, PageRequest(wanted.filters, wanted.limit))):
        yield Found(kind, row.called, row.tenant, place.title(row), row.label, row.created_at)


def _follows(order: tuple[Step, ...], kind: SearchKind, key: tuple[Any, ...]) -> ColumnElement[bool]:
    """Things of a kind that come behind the one of a key, which is as near and may be of another kind."""
    _nearness, at, number, ministry, name = key
    if number == number_of(kind):
        return behind(order, (at, ministry, name))
    created: ColumnElement[float] = order[0].column
    is_behind: ColumnElement[bool] = created <= at if number < number_of(kind) else created < at
    return is_behind


def _is_near(place: _Place, kind: SearchKind, text: str, nearness: Nearness) -> ColumnElement[bool]:
    is_it = or_(func.lower(place.name) == text, func.lower(place.alone) == text)
    begins_so = func.lower(place.name).startswith(text, autoescape=True)
    if nearness is Nearness.IT:
        return is_it
    if nearness is Nearness.BEGINS_SO:
        return and_(begins_so, not_(is_it))
    holds = [func.lower(column).contains(text, autoescape=True) for column in place.inside]
    begins = [column.startswith(text, autoescape=True) for column in place.beginnings]
    if kind is not SearchKind.RUN:
        begins += [column.startswith(f"sha256-{text}", autoescape=True) for column in place.beginnings]
    return and_(or_(*holds, *begins), not_(begins_so), not_(is_it))
