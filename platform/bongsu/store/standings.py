"""Where models stand, as it was last seen: so that a change is recorded once."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from bongsu.policy.standing import Verdict
from bongsu.store.schema_governance import model_standings

Key = tuple[str, str, int]
"""Ministry, name and version."""
_C = model_standings.c


def is_noted(connection: Connection, key: Key, verdict: Verdict) -> bool:
    """Whether that is where the version was last seen to stand, for the same reasons."""
    known = connection.execute(select(_C.standing, _C.lapses).where(_here(key))).one_or_none()
    return known is not None and (known.standing, known.lapses) == (verdict.standing.value, _lapses(verdict))


def note_standing(connection: Connection, key: Key, verdict: Verdict, now: float) -> bool:
    """Note where a version stands at ``now`` (seconds since the epoch); False if that was known. The caller has locked
    the model."""
    if is_noted(connection, key, verdict):
        return False
    tenant, name, version = key
    connection.execute(delete(model_standings).where(_here(key)))
    connection.execute(
        insert(model_standings).values(
            tenant=tenant,
            name=name,
            version=version,
            standing=verdict.standing.value,
            since=verdict.since,
            lapses=_lapses(verdict),
            noted_at=now,
        )
    )
    return True


def _here(key: Key) -> ColumnElement[bool]:
    tenant, name, version = key
    return (_C.tenant == tenant) & (_C.name == name) & (_C.version == version)


def _lapses(verdict: Verdict) -> str:
    return json.dumps([str(lapse.what) for lapse in verdict.lapses], ensure_ascii=False)
