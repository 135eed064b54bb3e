"""Model versions as the control plane knows them; MLflow's registry has the same for its own users."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, select

from bongsu.domain.codes import run as codes
from bongsu.domain.ids import RunId
from bongsu.domain.labels import Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.suspension import Suspension
from bongsu.domain.uses import UseClass
from bongsu.store.faults import readable
from bongsu.store.hidden_runs import as_told, hidden_runs
from bongsu.store.listing import Listing, columns
from bongsu.store.locks import hold_model
from bongsu.store.near_names import names_near
from bongsu.store.portions import PORTION, portions
from bongsu.store.records import ModelVersionRecord
from bongsu.store.schema import aliases, model_versions
from bongsu.store.scope import owned, tenant_of, visible
from bongsu.store.suspensions import suspensions_of
from bongsu.store.upsert import insert_absent, put
from bongsu.store.version_pages import Named, by_version, number_in, page_of_versions, versions_named

_NAMED = ("name", "version", "ministry", "label", "useClass", "digest", "runId", "stageId", "title", "createdAt")
MODELS = Listing(by_version(model_versions), columns(model_versions, *_NAMED), closed={"useClass": UseClass})
_REFERENCE = re.compile(r"^(?:models:/)?(?P<name>[^@/]+)(?:[@/](?P<which>[^@/]+))?$")


def add_version(connection: Connection, record: ModelVersionRecord) -> None:
    """Record a version and its aliases once; an alias moves to it. Whoever suspends the model waits for the end of the
    transaction, or this does: whether it is suspended is asked for afterwards (:func:`bongsu.store.locks.hold_model`).
    """
    hold_model(connection, record.name)
    tenant = {"tenant": tenant_of(connection)}
    row = {
        "name": record.name,
        "version": record.version,
        "digest": record.digest,
        "label": record.label,
        "use_class": record.use_class,
        "ministry": record.ministry,
        "run_id": record.run_id,
        "stage_id": record.stage_id,
        "title": record.title[:200],
        "metrics": json.dumps(record.metrics),
        "link": record.link,
        "created_at": record.created_at,
    }
    insert_absent(connection, model_versions, tenant | row)
    for alias in sorted(record.aliases):
        put(connection, aliases, tenant | {"name": record.name, "alias": alias, "version": record.version})


def list_versions(
    connection: Connection,
    name: str | None = None,
    wanted: PageRequest = WHOLE,
) -> list[ModelVersionRecord]:
    """By name, newest version first.

    Args:
        connection: of one tenant, if the list is read by the page.
        name: only versions of this model.
        wanted: which of them, in the order of :data:`MODELS`.
    """
    query = select(model_versions).where(visible(connection, model_versions))
    listing = as_told(connection, MODELS, model_versions.c.run_id, wanted.filters)
    rows = connection.execute(page_of_versions(listing, query, name, wanted)).all()
    return _records(connection, rows)


def find_version(connection: Connection, reference: str) -> ModelVersionRecord:
    """``NAME@3``, ``NAME/3``, ``NAME@alias``, ``models:/NAME/3``; ``NAME`` alone is its newest version.

    Raises ``run.unknown-model``.
    """
    match = _REFERENCE.fullmatch(reference)
    found = _newest(connection, match["name"], match["which"]) if match else None
    if found is None:
        raise codes.UNKNOWN_MODEL.error(model=reference)
    return found


def find_versions(connection: Connection, wanted: Iterable[Named]) -> dict[Named, ModelVersionRecord]:
    """Those of these versions that there are for who reads, for the reader of one tenant."""
    query = select(model_versions).where(visible(connection, model_versions))
    some = versions_named(model_versions, query, wanted)
    rows = [row for portion in some for row in connection.execute(portion)]
    return {(one.name, one.version): one for one in _records(connection, rows)}


def registered_at(
    connection: Connection, names: Iterable[str], digests: Iterable[str]
) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """When these bytes were registered under these names, as far as who reads may see it.

    Returns:
        By name and digest, numbers of versions and seconds since the epoch; newest version first.
    """
    c = model_versions.c
    query = select(c.name, c.digest, c.version, c.created_at).where(visible(connection, model_versions))
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    named = set(names)
    for some in portions(sorted(set(digests))):
        # By the bytes alone: a name has more versions than bytes have names.
        for row in connection.execute(query.where(c.digest.in_(some)).order_by(c.version.desc())):
            if row.name in named:
                found.setdefault((row.name, row.digest), []).append((row.version, row.created_at))
    return found


def model_names_near(connection: Connection, wanted: str) -> list[str]:
    """Names of models that somebody may have meant, as far as who reads may see them."""
    return names_near(connection, model_versions.c.name, wanted)


def is_name_of_another(connection: Connection, name: str, ministry: str) -> bool:
    """Whether another ministry than this has a model of this name, as far as who reads may see it."""
    here = select(model_versions.c.name).where(visible(connection, model_versions), model_versions.c.name == name)
    # Two looks into the index, on both sides of the ministry's own versions, of which there may be many.
    sides = (model_versions.c.ministry < ministry, model_versions.c.ministry > ministry)
    return any(connection.execute(here.where(side).limit(1)).first() is not None for side in sides)


def _newest(connection: Connection, name: str, which: str | None) -> ModelVersionRecord | None:
    """The newest version of a name that has this number or this alias; of all, if neither is asked for."""
    c = model_versions.c
    query = select(model_versions).where(visible(connection, model_versions), c.name == name)
    if which is not None:
        aliased = select(aliases.c.version).where(
            owned(connection, aliases), aliases.c.name == name, aliases.c.alias == which
        )
        number = number_in(which)
        numbers = {*connection.execute(aliased).scalars(), *([] if number is None else [number])}
        query = query.where(c.version.in_(sorted(numbers)))
    rows = connection.execute(query.order_by(c.version.desc()).limit(1 if which is None else None)).all()
    return next(iter(_records(connection, rows[:1])), None)


def versions_of_digests(
    connection: Connection, digests: Sequence[str], names: Collection[str] | None = None
) -> dict[str, ModelVersionRecord]:
    """The newest version of each artifact that is registered, under one of ``names`` if they are given."""
    of_these = and_(visible(connection, model_versions), model_versions.c.digest.in_(digests))
    query = select(model_versions).where(of_these).order_by(model_versions.c.created_at)
    if names is not None:
        query = query.where(model_versions.c.name.in_(names))
    return {record.digest: record for record in _records(connection, connection.execute(query).all())}


def labels_of_versions(connection: Connection, ministry: str, name: str) -> dict[int, Label]:
    """Of each version of the ministry's model, by its number; whatever the reader sees, for what is decided."""
    query = select(model_versions.c.version, model_versions.c.label).where(
        model_versions.c.name == name, model_versions.c.ministry == ministry
    )
    return {row.version: Label.parse(row.label) for row in connection.execute(query)}


def names_registered_by(connection: Connection, run_ids: Iterable[str]) -> dict[str, list[str]]:
    """The names, in order, under which each of these runs has registered a model; one that has registered none is left
    out."""
    found: dict[str, set[str]] = {}
    for some in portions(sorted(run_ids)):
        query = select(model_versions.c.run_id, model_versions.c.name).where(model_versions.c.run_id.in_(some))
        for row in connection.execute(query):
            found.setdefault(row.run_id, set()).add(row.name)
    return {run_id: sorted(names) for run_id, names in found.items()}


def _records(connection: Connection, rows: Sequence[Any]) -> list[ModelVersionRecord]:
    """With their aliases, and whether they are suspended; of a run that the reader may not see there is no name."""
    names = {row.name for row in rows}
    named, stopped = _aliases(connection, names), suspensions_of(connection, names)
    hidden = hidden_runs(connection, (row.run_id for row in rows))
    versions = [_version(connection, row, named.get((row.name, row.version), []), stopped) for row in rows]
    return [replace(one, run_id=RunId("")) if one.run_id in hidden else one for one in versions]


def _aliases(connection: Connection, names: Collection[str]) -> dict[tuple[str, int], list[str]]:
    """Of each version of these models, by name and number."""
    named: dict[tuple[str, int], list[str]] = {}
    query = select(aliases).where(owned(connection, aliases))
    if len(names) <= PORTION:  # above this, reading all aliases is as fast
        query = query.where(aliases.c.name.in_(sorted(names)))
    for row in connection.execute(query) if names else ():
        named.setdefault((row.name, row.version), []).append(row.alias)
    return named


def _version(
    connection: Connection, row: Any, named: Sequence[str], stopped: Sequence[Suspension]
) -> ModelVersionRecord:
    values = {name: value for name, value in row._mapping.items() if name != "tenant"}
    with readable(connection, model_versions, f"{row.name}/{row.version}"):
        Label.parse(row.label)
        values |= {"metrics": json.loads(row.metrics), "aliases": tuple(sorted(named))}
        for one in stopped[::-1]:  # the oldest counts
            if one.tenant == row.ministry and one.covers(row.name, row.version):
                values |= {"suspended_at": one.suspended_at, "suspended_by": one.suspended_by}
        return ModelVersionRecord(**values)
