"""How many named things carry which label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bongsu.store.schema import dataset_versions, model_versions
from bongsu.store.scope import visible

_TABLES = {"model": model_versions, "dataset": dataset_versions}


@dataclass(frozen=True)
class LabelCount:
    """``count`` versions of a ``kind`` (``model``, ``dataset``) carry ``label``."""

    kind: str
    label: str
    count: int


def counts(connection: Connection) -> Iterator[LabelCount]:
    """Of what the reader sees, by kind and label."""
    for kind, table in _TABLES.items():
        query = select(table.c.label, func.count()).where(visible(connection, table))
        for label, count in connection.execute(query.group_by(table.c.label).order_by(table.c.label)):
            yield LabelCount(kind, label, count)
