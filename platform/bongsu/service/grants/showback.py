"""Showback: GPU-hours of a period by ministry, programme, grant and model, as rows with a total.

A time that GPUs were held counts for a period as far as it lies in it, so that periods which follow one another give
the whole. What a run made is the model that it registered; several are named together, so that nothing is counted
twice. Of runs that somebody may not know of they see the sum, in a row without a model.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.codes import grants as codes
from bongsu.domain.grants import Dimension, Grant, hours
from bongsu.domain.people import Actor
from bongsu.domain.tenants import HOME
from bongsu.policy.access import Permission, Verdict
from bongsu.policy.grants import moment
from bongsu.service.grants.looking import visible_runs
from bongsu.service.grants.standing import verdict
from bongsu.service.platform import Platform
from bongsu.store.grant_ledger import metered_between
from bongsu.store.grant_use import held_now
from bongsu.store.grants import grants_between
from bongsu.store.models import names_registered_by

BOM = "\ufeff"
"""Excel in Korean takes a CSV file without it for one in the code page 949."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ShowbackRow:
    """What was used under one key; amounts in GPU-milliseconds.

    Attributes:
        key: value of each dimension, in the order of :attr:`Showback.by`; an empty model is that of runs that
            registered none, or that whoever looks may not know of.
        used: by attempts that are over.
        held: by those that run now.
        attempts: how many these are together.
    """

    key: tuple[str, ...]
    used: int
    held: int
    attempts: int


@dataclass(frozen=True)
class Showback:
    """Rows by key, and their sum. Times in seconds since the epoch; the end is exclusive."""

    begins_at: float
    ends_at: float
    by: tuple[Dimension, ...]
    rows: tuple[ShowbackRow, ...]
    used: int
    held: int


@dataclass(frozen=True)
class _Use:
    """GPU-milliseconds of one attempt within the period."""

    grant: Grant
    model: str
    used: int
    held: int


def showback(
    platform: Platform, actor: Actor, begins: float, ends: float, by: Sequence[Dimension] = tuple(Dimension)
) -> Showback:
    """What was used of the grants that the actor may look at.

    Args:
        platform: what to work on.
        actor: who looks.
        begins, ends: of the period, in seconds since the epoch.
        by: what rows are told apart by.

    Raises:
        BongsuError: ``grants.bad-period``.
    """
    if not begins < ends:
        raise codes.BAD_PERIOD.error(begins=moment(begins), ends=moment(ends))
    now = platform.clock()
    parties = None if HOME in actor.ministries else actor.ministries
    uses: list[_Use] = []
    with platform.database.read() as connection:
        for grant in grants_between(connection, parties):
            if verdict(actor, Permission.GRANT_READ, grant, now) is Verdict.ALLOWED:
                uses += _uses_of(connection, actor, grant, (begins, ends), now)
    order = tuple(dict.fromkeys(by))
    rows = tuple(_rows(uses, order))
    return Showback(begins, ends, order, rows, sum(row.used for row in rows), sum(row.held for row in rows))


def as_csv(found: Showback) -> str:
    """The rows as CSV (RFC 4180) with a byte order mark, GPU-hours with nine digits; the last line is the total.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    text.write(BOM)
    writer = csv.writer(text)
    writer.writerow([*(dimension.value for dimension in found.by), "gpuHours", "gpuHoursHeld", "attempts"])
    for row in found.rows:
        writer.writerow([*map(_cell, row.key), _figure(row.used), _figure(row.held), row.attempts])
    blanks = [""] * max(0, len(found.by) - 1)
    head = ["total", *blanks] if found.by else []
    writer.writerow([*head, _figure(found.used), _figure(found.held), sum(row.attempts for row in found.rows)])
    return text.getvalue()


def _uses_of(
    connection: Connection, actor: Actor, grant: Grant, period: tuple[float, float], now: float
) -> Iterable[_Use]:
    entries = metered_between(connection, grant.id, *period)
    held_runs = held_now(connection, grant.id).held.values()
    run_ids = {entry.run_id for entry in entries} | {event.run_id for event in held_runs}
    registered = names_registered_by(connection, visible_runs(connection, actor, grant, run_ids, now))
    models = {run_id: ", ".join(names) for run_id, names in registered.items()}
    for entry in entries:
        if entry.held is not None and (used := entry.held.within(*period)):
            yield _Use(grant, models.get(entry.run_id, ""), used, 0)
    for event in held_runs:
        if held := event.until(now).within(*period):
            yield _Use(grant, models.get(event.run_id, ""), 0, held)


def _rows(uses: Iterable[_Use], by: Sequence[Dimension]) -> Iterable[ShowbackRow]:
    groups: dict[tuple[str, ...], list[_Use]] = {}
    for use in uses:
        groups.setdefault(tuple(_value(use, dimension) for dimension in by), []).append(use)
    for key, group in sorted(groups.items()):
        yield ShowbackRow(key, sum(use.used for use in group), sum(use.held for use in group), len(group))


def _value(use: _Use, dimension: Dimension) -> str:
    match dimension:
        case Dimension.MINISTRY:
            return use.grant.receiver
        case Dimension.PROGRAMME:
            return use.grant.programme
        case Dimension.GRANT:
            return use.grant.id
        case Dimension.MODEL:
            return use.model


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _figure(gpu_ms: int) -> str:
    return f"{hours(gpu_ms):.9f}"
