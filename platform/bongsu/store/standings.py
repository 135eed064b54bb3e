"""Where models stand, as it was last seen: so that a change is recorded once."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from bongsu.policy.standing import Verdict
from bongsu.store.schema_governance import model_standings


def note_standing(connection: Connection, key: tuple[str, str, int], verdict: Verdict, now: float) -> bool:
    """Note where a version stands; False if that was known. The caller has locked the model.

    Args:
        connection: in a transaction.
        key: ministry, name and version.
        verdict: what was found.
        now: seconds since the epoch.
    """
    tenant, name, version = key
    columns = model_standings.c
    here = (columns.tenant == tenant) & (columns.name == name) & (columns.version == version)
    lapses = json.dumps([str(lapse.what) for lapse in verdict.lapses], ensure_ascii=False)
    known = connection.execute(select(columns.standing, columns.lapses).where(here)).one_or_none()
    if known is not None and (known.standing, known.lapses) == (verdict.standing.value, lapses):
        return False
    connection.execute(delete(model_standings).where(here))
    connection.execute(
        insert(model_standings).values(
            tenant=tenant,
            name=name,
            version=version,
            standing=verdict.standing.value,
            since=verdict.since,
            lapses=lapses,
            noted_at=now,
        )
    )
    return True


def standings_of(connection: Connection, name: str) -> Sequence[tuple[int, str]]:
    """Versions of a model and where they stand, as far as it was noted."""
    query = select(model_standings.c.version, model_standings.c.standing).where(model_standings.c.name == name)
    return [(row.version, row.standing) for row in connection.execute(query.order_by(model_standings.c.version))]
