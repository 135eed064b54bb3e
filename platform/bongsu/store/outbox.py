"""Publications that wait for the tracking server; written with the state they speak of, delivered at least once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, func, insert, select, update

from bongsu.domain.phrases import Words
from bongsu.domain.publication import LabelChanged, Publication, RunRelabelled
from bongsu.domain.tenants import HOME, Tenant
from bongsu.store.json_columns import words_from, words_text
from bongsu.store.schema import outbox, runs

_LONGEST = 2000
_ITEM: TypeAdapter[Publication] = TypeAdapter(Publication)


@dataclass(frozen=True)
class Unreadable:
    """An item that this version does not understand; another one wrote it, or its bytes are damaged.

    Attributes:
        may_open: it is the beginning of its run, as far as can be told.
        why: what is wrong with it.
    """

    run_id: str
    may_open: bool
    why: str


@dataclass(frozen=True)
class Waiting:
    """An undelivered item: its number in the outbox, and whose run it speaks of."""

    number: int
    tenant: Tenant
    item: Publication | Unreadable


def put(connection: Connection, run_id: str, item: Publication) -> None:
    put_all(connection, [(run_id, item)])


def put_all(connection: Connection, items: Sequence[tuple[str, Publication]]) -> None:
    """Items, each under the id of its run, in their order."""
    rows = [
        {
            "run_id": run_id,
            "body": _ITEM.dump_json(item).decode(),
            "tries": 0,
            "done": False,
            "error": "",
            "about_labels": isinstance(item, LabelChanged | RunRelabelled),
        }
        for run_id, item in items
    ]
    if rows:
        connection.execute(insert(outbox), rows)


def waiting(
    connection: Connection, limit: int = 100, skip: Sequence[int] = (), skip_runs: Sequence[str] = ()
) -> list[Waiting]:
    """The oldest undelivered items, in order, without those in ``skip`` and those of the runs in ``skip_runs``."""
    query = (
        select(outbox.c.id, outbox.c.run_id, outbox.c.body, runs.c.tenant)
        .join_from(outbox, runs, runs.c.id == outbox.c.run_id, isouter=True)
        .where(outbox.c.done.is_(False))
        .order_by(outbox.c.id)
        .limit(limit)
    )
    if skip:
        query = query.where(outbox.c.id.not_in(skip))
    if skip_runs:
        query = query.where(outbox.c.run_id.not_in(skip_runs))
    return [
        Waiting(row.id, Tenant(row.tenant or HOME), _read(row.run_id, row.body))
        for row in connection.execute(query)
    ]


def waiting_labels(connection: Connection) -> list[Waiting]:
    """Undelivered items about labels that changed, oldest first; and those that cannot be read and may be about one."""
    query = (
        select(outbox.c.id, outbox.c.run_id, outbox.c.body, runs.c.tenant)
        .join_from(outbox, runs, runs.c.id == outbox.c.run_id, isouter=True)
        .where(outbox.c.about_labels.is_(True), outbox.c.done.is_(False))
        .order_by(outbox.c.id)
    )
    found = [
        Waiting(row.id, Tenant(row.tenant or HOME), _read(row.run_id, row.body))
        for row in connection.execute(query)
    ]
    return [one for one in found if isinstance(one.item, LabelChanged | RunRelabelled | Unreadable)]


def count_told(connection: Connection) -> int:
    return connection.execute(select(func.count()).where(outbox.c.done.is_(True))).scalar_one()


def tell_again(connection: Connection) -> None:
    """Everything that was ever put waits once more, in its order."""
    connection.execute(update(outbox).where(outbox.c.done.is_(True)).values(done=False, tries=0))


def count_waiting(connection: Connection) -> int:
    return connection.execute(select(func.count()).where(outbox.c.done.is_(False))).scalar_one()


def last_error(connection: Connection) -> Words:
    """Why the item that was tried last was not delivered; empty if none has failed."""
    query = (
        select(outbox.c.error).where(outbox.c.done.is_(False), outbox.c.error != "").order_by(outbox.c.id.desc())
    )
    return words_from(connection.execute(query.limit(1)).scalar() or "")


def mark_done(connection: Connection, ids: Sequence[int]) -> None:
    connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(done=True, error=""))


def mark_failed(connection: Connection, item: int, error: Words) -> None:
    stored = words_text(error)
    if len(stored) > _LONGEST:
        stored = str(error)[:_LONGEST]  # half a template would be none
    connection.execute(update(outbox).where(outbox.c.id == item).values(tries=outbox.c.tries + 1, error=stored))


def _read(run_id: str, body: str) -> Publication | Unreadable:
    try:
        return _ITEM.validate_json(body)
    except ValidationError as error:
        return Unreadable(run_id, _may_open(body), error.errors()[0]["msg"])


def _may_open(body: str) -> bool:
    try:
        return bool(json.loads(body)["type"] == "run-opened")
    except (ValueError, KeyError, TypeError):
        return True
