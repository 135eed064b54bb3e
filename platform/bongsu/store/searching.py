"""Things whose name, title or digest holds some text, newest first, as far as the reader sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table, func, or_, select

from bongsu.domain.searching import Found, SearchKind
from bongsu.store.schema import artifacts, dataset_versions, model_versions, runs
from bongsu.store.scope import visible


@dataclass(frozen=True)
class _Place:
    table: Table
    inside: tuple[Column[Any], ...]
    beginnings: tuple[Column[Any], ...]
    name: Callable[[Any], str]
    title: Callable[[Any], str]


def _version(row: Any) -> str:
    return f"{row.name}/{row.version}"


_PLACES: Mapping[SearchKind, _Place] = {
    SearchKind.RUN: _Place(runs, (runs.c.pipeline,), (runs.c.id,), lambda row: row.id, lambda row: row.pipeline),
    SearchKind.MODEL: _Place(
        model_versions,
        (model_versions.c.name, model_versions.c.title),
        (model_versions.c.digest,),
        _version,
        lambda row: row.title,
    ),
    SearchKind.DATASET: _Place(
        dataset_versions,
        (dataset_versions.c.name, dataset_versions.c.origin),
        (dataset_versions.c.digest,),
        _version,
        lambda row: row.origin,
    ),
    SearchKind.ARTIFACT: _Place(
        artifacts, (artifacts.c.title,), (artifacts.c.digest,), lambda row: row.digest, lambda row: row.title
    ),
}


def find(connection: Connection, kind: SearchKind, text: str, limit: int) -> Iterator[Found]:
    """At most ``limit`` things, newest first.

    Args:
        connection: reads, as whoever asks.
        kind: of what is looked for.
        text: a part of a name or a title, in capitals or not, or the beginning of an id or a digest.
        limit: how many.
    """
    place = _PLACES[kind]
    wanted = text.lower()
    holds = [func.lower(column).contains(wanted, autoescape=True) for column in place.inside]
    begins = [column.startswith(wanted, autoescape=True) for column in place.beginnings]
    if kind is not SearchKind.RUN:
        begins += [column.startswith(f"sha256-{wanted}", autoescape=True) for column in place.beginnings]
    query = select(place.table).where(visible(connection, place.table), or_(*holds, *begins))
    for row in connection.execute(query.order_by(place.table.c.created_at.desc()).limit(limit)):
        yield Found(kind, place.name(row), row.tenant, place.title(row), row.label, row.created_at)
