"""What is bound by proposals to lift suspensions: the suspension, and every version that would be let go."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, select

from bongsu.domain.approval import Binding, ProposalKind
from bongsu.domain.ids import digest_of
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.suspension import Suspension
from bongsu.store.portions import portions
from bongsu.store.schema import model_versions


def lift_bindings(connection: Connection, suspensions: Collection[Suspension]) -> dict[str, Binding]:
    """By the id of the suspension. A version that is registered meanwhile makes it another one: nobody has looked at
    that."""
    bindings = {}
    for one, rows in _versions(connection, suspensions):
        versions = sorted((row.version, row.digest) for row in rows)
        bindings[one.id] = Binding(
            kind=ProposalKind.LIFT,
            object=one.object,
            target=one.id,
            content=digest_of(json.dumps(versions).encode()),
            evidence=(),
            plan_hash="",
            label=str(_label(rows)),
            use_class="",
            evidence_ends_at=None,
        )
    return bindings


def labels_of_suspended(connection: Connection, suspensions: Collection[Suspension]) -> list[Label]:
    """What the versions that each of these means carry now, in the order of the suspensions."""
    return [_label(rows) for _one, rows in _versions(connection, suspensions)]


def _versions(connection: Connection, suspensions: Collection[Suspension]) -> list[tuple[Suspension, list[Any]]]:
    """Each with the versions that it means, whether it was lifted or not; asked once for all of them."""
    c = model_versions.c
    ministries = sorted({one.tenant for one in suspensions})
    found: dict[tuple[str, str], list[Any]] = {}
    for some in portions(sorted({one.name for one in suspensions})):
        query = select(c.ministry, c.name, c.version, c.digest, c.label).where(
            c.name.in_(some), c.ministry.in_(ministries)
        )
        for row in connection.execute(query):
            found.setdefault((row.ministry, row.name), []).append(row)
    return [
        (one, [row for row in found.get((one.tenant, one.name), ()) if one.version in (None, row.version)])
        for one in suspensions
    ]


def _label(rows: Iterable[Any]) -> Label:
    return high_water_mark(Label.parse(row.label) for row in rows)
