"""What ministries have of others: trees that one shared with another by an access permit, be it over by now, and those
of them that a run of the other took, which therefore lie in its own part of the artifact store."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Select, Table, Text, and_, cast, literal, select, union_all

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.tenants import HOME, Tenant
from bongsu.store.artifacts import find_owned, note_artifact
from bongsu.store.audit_reading import entries_of
from bongsu.store.portions import portions
from bongsu.store.schema import artifacts, dataset_versions, model_versions
from bongsu.store.schema_governance import access_permits
from bongsu.store.scope import inside, tenant_of

TAKEN = "permit.take"
"""The action of the entry in both logs: its facts are ``digest``, ``giver`` and ``ministry``."""


@dataclass(frozen=True)
class _Share:
    """That a ministry was ever given access to a version of another one; ``label`` is what it carries there now."""

    giver: Tenant
    ministry: Tenant
    object: str
    digest: Digest
    label: Label


def received_by(connection: Connection, digests: Iterable[Digest]) -> frozenset[tuple[Tenant, Digest]]:
    """Which ministries have which of these trees because a run took them by an access permit."""
    return frozenset((ministry, digest) for _giver, ministry, digest in _taken(connection, digests))


def label_at_givers(connection: Connection, digest: Digest) -> Label | None:
    """What these bytes carry at the ministries that share them with this one, or did; None where the ministry has
    them of its own, or nobody shared them."""
    ministry = tenant_of(connection)
    if ministry == HOME:
        return None
    shares = [one for one in _shares(connection, [digest]) if one.ministry == ministry]
    if not shares:
        return None
    is_own = find_owned(connection, digest) is not None
    if is_own and (ministry, digest) not in received_by(connection, [digest]):
        return None
    return high_water_mark(one.label for one in shares)


def was_shared(connection: Connection, digest: Digest) -> bool:
    """Whether another ministry shares a version of these bytes with this one, or did."""
    ministry = tenant_of(connection)
    return ministry != HOME and any(one.ministry == ministry for one in _shares(connection, [digest]))


def rise(
    connection: Connection, author: Author, risen: Mapping[Digest, Label], at: float, reason: str = ""
) -> list[AuditEvent]:
    """Raise what other ministries took of trees whose labels rose, and whatever they made of it, and what others took
    of that; as entries of every log that tells of it.

    Args:
        connection: in the transaction in which they rose.
        author: who raised them, in whose log.
        risen: with the labels that they carry now.
        at: seconds since the epoch.
        reason: why, for the log of that ministry alone.
    """
    events = author.raised(risen, at, reason)
    waiting = [(tenant_of(connection), dict(risen))] if risen else []
    while waiting:
        giver, labels = waiting.pop()
        taken: dict[Tenant, set[Digest]] = {}
        for by, ministry, digest in _taken(connection, labels):
            if by == giver:
                taken.setdefault(ministry, set()).add(digest)
        for ministry, digests in sorted(taken.items()):
            wanted = {digest: labels[digest] for digest in sorted(digests)}
            higher = _raised_in(connection, ministry, wanted, at)
            told = replace(author, tenant=ministry, actor=Author().actor).raised(higher, at)
            events += [replace(event, facts={**event.facts, "giver": giver}) for event in told]
            if higher:
                waiting.append((ministry, higher))
    return events


def _raised_in(
    connection: Connection, ministry: Tenant, labels: Mapping[Digest, Label], at: float
) -> dict[Digest, Label]:
    higher: dict[Digest, Label] = {}
    with inside(connection, ministry):
        for digest, label in labels.items():
            known = find_owned(connection, digest)
            if known is not None:
                ref = ArtifactRef(digest=digest, type=known.type, size=known.size, label=label)
                higher |= note_artifact(connection, ref, known.title, at)
    return higher


def _taken(connection: Connection, digests: Iterable[Digest]) -> Iterator[tuple[Tenant, Tenant, Digest]]:
    """Giver, taker and tree of each entry, which the log of the giver has; without repetition."""
    wanted = set(digests)
    objects: dict[Tenant, set[str]] = {}
    for share in _shares(connection, wanted):
        objects.setdefault(share.giver, set()).add(share.object)
    seen = set()
    for giver, named in sorted(objects.items()):
        for stored in entries_of(connection, giver, TAKEN, named):
            facts = json.loads(stored.entry)["facts"]
            taken = giver, Tenant(facts["ministry"]), Digest(facts["digest"])
            if facts["giver"] == giver and taken[2] in wanted and taken not in seen:
                seen.add(taken)
                yield taken


def _shares(connection: Connection, digests: Collection[Digest]) -> list[_Share]:
    found = []
    for some in portions(sorted(digests)):
        both = union_all(_versions("model", model_versions, some), _versions("dataset", dataset_versions, some))
        for row in connection.execute(both):
            label = Label.parse(row.label).join(Label.parse(row.tree) if row.tree else Label())
            giver, ministry = Tenant(row.giver), Tenant(row.ministry)
            found.append(_Share(giver, ministry, row.object, Digest(row.digest), label))
    return found


def _versions(kind: str, table: Table, digests: Collection[Digest]) -> Select[tuple[str, ...]]:
    """Of one kind that have these bytes and stand in an access permit, with the label of the giver's tree."""
    named = literal(f"{kind}:") + table.c.name + literal("/") + cast(table.c.version, Text)
    permit = and_(access_permits.c.object == named, access_permits.c.giver == table.c.tenant)
    tree = and_(artifacts.c.tenant == table.c.tenant, artifacts.c.digest == table.c.digest)
    columns = access_permits.c.giver, access_permits.c.ministry, access_permits.c.object
    return (
        select(*columns, table.c.digest, table.c.label, artifacts.c.label.label("tree"))
        .join_from(table, access_permits, permit)
        .outerjoin(artifacts, tree)
        .where(table.c.digest.in_(digests))
    )
