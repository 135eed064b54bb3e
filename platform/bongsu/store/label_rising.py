"""Rows whose labels rise, many at once: as many statements as there are portions of them and labels among them, and
none for each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import Column, Connection, bindparam, select, update

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.store.json_columns import refs_from, refs_json
from bongsu.store.portions import portions
from bongsu.store.schema import stages
from bongsu.store.scope import owned

Stage = tuple[RunId, StageId]
_Key = TypeVar("_Key")
_Name = TypeVar("_Name", bound=str)


def joined(pairs: Iterable[tuple[_Key, Label]]) -> dict[_Key, Label]:
    """Of everything that is named, the join of the labels that stand beside it."""
    found: dict[_Key, Label] = {}
    for key, label in pairs:
        known = found.setdefault(key, label)
        if known is not label and known != label:
            found[key] = known.join(label)
    return found


def raise_rows(connection: Connection, key: Column[str], wanted: Mapping[_Name, Label]) -> set[_Name]:
    """Raise the labels of the connection's rows.

    Args:
        connection: in a transaction that holds the labels.
        key: a column of a table that has labels.
        wanted: by what stands there, what the row has to carry at least.

    Returns:
        Those of the keys of which a row rose.
    """
    table, risen = key.table, set[_Name]()
    mine = owned(connection, table)
    for some in portions(sorted(wanted)):
        named = {str(name): name for name in some}
        changes: dict[tuple[str, str], list[str]] = {}
        for name, known in connection.execute(select(key, table.c.label).where(mine, key.in_(some)).distinct()):
            label = _raised(known, wanted[named[name]])
            if label != known:
                changes.setdefault((known, label), []).append(name)
        for (known, label), names in changes.items():
            which = (mine, key.in_(names), table.c.label == known)
            connection.execute(update(table).where(*which).values(label=label))
            risen |= {named[name] for name in names}
    return risen


@lru_cache(maxsize=4096)  # as of labels themselves, there are few pairs of them
def _raised(known: str, label: Label) -> str:
    return str(Label.parse(known).join(label))


def raise_outputs(connection: Connection, wanted: Mapping[Stage, Mapping[Digest, Label]]) -> None:
    """Raise what stages say of their outputs: of each stage, trees that it gave with what they carry."""
    changes = []
    for some in portions(sorted(wanted)):
        of_these = stages.c.run_id.in_({run for run, _ in some}), stages.c.stage_id.in_({name for _, name in some})
        query = select(stages.c.run_id, stages.c.stage_id, stages.c.outputs).where(*of_these)
        for row in connection.execute(query):
            known = refs_from(row.outputs)
            risen = _risen(known, wanted.get((row.run_id, row.stage_id), {}))
            if risen != known:
                changes.append({"of": row.run_id, "named": row.stage_id, "risen": refs_json(risen)})
    if changes:
        is_it = (stages.c.run_id == bindparam("of")) & (stages.c.stage_id == bindparam("named"))
        connection.execute(update(stages).where(is_it).values(outputs=bindparam("risen")), changes)


def _risen(refs: Mapping[str, ArtifactRef], labels: Mapping[Digest, Label]) -> dict[str, ArtifactRef]:
    return {
        port: ref.model_copy(update={"label": ref.label.join(labels[ref.digest])}) if ref.digest in labels else ref
        for port, ref in refs.items()
    }
