"""What the thing carries that somebody names, as far as it exists for them: what a log says of it is for whoever may
see the thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Table, select

from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.domain.people import Actor, ActorKind
from bongsu.policy.access import Thing, sees
from bongsu.store.permits import find_access_permit, find_data_permit, permits_for
from bongsu.store.proposals import get_proposal
from bongsu.store.schema import artifacts, dataset_versions, model_versions, runs

_NAMED = re.compile(r"(model|dataset):([^/]+)(?:/([1-9][0-9]{0,8}))?")
_OTHER = re.compile(r"(artifact|run|attempt|approval|permit):(.+)")
_VERSIONS: dict[str, tuple[Table, str]] = {
    "model": (model_versions, "ministry"),
    "dataset": (dataset_versions, "tenant"),
}
_LONGEST = 200
# Of the runs that a few letters begin, which name none of them.
_MOST = 100


def label_seen(connection: Connection, actor: Actor, object_: str, now: float) -> Label:
    """The label of what has this name in a log, e.g. ``model:axk1/3``, or the highest where several have it.

    What is hidden from the actor counts for nothing: they typed its name, and an entry that carried its label would
    tell whoever reads it that there is such a thing. So does what the log names otherwise (grants, uses, people).

    Args:
        connection: reads whatever there is.
        actor: who named it; a worker's attempt is known to it.
        object_: as the log has it.
        now: seconds since the epoch.
    """
    things = list(_things(connection, object_)) if len(object_) <= _LONGEST else []
    if not things or actor.kind is ActorKind.WORKER:
        return high_water_mark(thing.label for thing in things)
    permits = permits_for(connection, actor.ministries, now)
    moment = datetime.fromtimestamp(now, UTC)
    return high_water_mark(thing.label for thing in things if sees(actor, thing, permits, moment))


def _things(connection: Connection, object_: str) -> Iterator[Thing]:
    named, other = _NAMED.fullmatch(object_), _OTHER.fullmatch(object_)
    if named:
        yield from _versions(connection, *named.groups())
    elif other:
        kind, rest = other.groups()
        match kind:
            case "artifact":
                yield from _rows(connection, artifacts, artifacts.c.digest == rest, object_)
            case "run":
                yield from _rows(connection, runs, runs.c.id.startswith(rest, autoescape=True), object_)
            case "attempt":
                yield from _rows(connection, runs, runs.c.id == rest.partition("/")[0], object_)
            case "approval":
                yield from _of_proposal(connection, rest)
            case "permit":
                yield from _of_permit(connection, rest)


def _versions(connection: Connection, kind: str, name: str, version: str | None) -> Iterator[Thing]:
    table, whose = _VERSIONS[kind]
    query = select(table.c[whose], table.c.version, table.c.label).where(table.c.name == name)
    if version is not None:
        query = query.where(table.c.version == int(version))
    for ministry, number, label in connection.execute(query):
        yield Thing(f"{kind}:{name}/{number}", ministry, Label.parse(label))


def _rows(connection: Connection, table: Table, which: ColumnElement[bool], object_: str) -> Iterator[Thing]:
    query = select(table.c.tenant, table.c.label).where(which).limit(_MOST)
    for tenant, label in connection.execute(query):
        yield Thing(object_, tenant, Label.parse(label))


def _of_proposal(connection: Connection, proposal_id: str) -> Iterable[Thing]:
    """With the label that its object had then, and what it carries now."""
    found = get_proposal(connection, proposal_id)
    if found is None:
        return []
    bound = Label.parse(found.binding.label) if found.binding.label else OPEN
    return [
        Thing(found.binding.object, found.tenant, bound),
        *_things(connection, found.binding.object),
    ]


def _of_permit(connection: Connection, permit_id: str) -> Iterable[Thing]:
    data = find_data_permit(connection, permit_id)
    if data is not None:
        return list(_versions(connection, "dataset", data.name, str(data.version)))
    access = find_access_permit(connection, permit_id)
    return [] if access is None else list(_things(connection, access.object))
