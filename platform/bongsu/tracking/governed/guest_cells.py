"""Cells of shared rows that are their ministry's own business: rows are filtered by the database, cells as they are
loaded. Nobody writes to what is another ministry's, so none of this comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflow.store.model_registry.dbmodels import models as registry
from sqlalchemy import event
from sqlalchemy.orm.attributes import set_committed_value

from bongsu.tracking.governed.viewer import Acting, current_actor

HIDDEN: Mapping[type, tuple[str, ...]] = {
    registry.SqlRegisteredModel: ("description",),
    registry.SqlModelVersion: ("run_id", "run_link", "user_id"),
}
"""What is said of all versions together, and where and by whom one was made; as our own API leaves it empty."""
_WHEN = ("load", "refresh")


def attach() -> None:
    """Leave them empty for guests from now on; once in a process."""
    for mapped in HIDDEN:
        for moment in _WHEN:
            event.listen(mapped, moment, _empty)


def detach() -> None:
    for mapped in HIDDEN:
        for moment in _WHEN:
            event.remove(mapped, moment, _empty)


def _empty(row: Any, _context: Any, _attributes: Any = None) -> None:
    actor = current_actor()
    if isinstance(actor, Acting) and actor.sight is not None and actor.sight.is_guest:
        for name in HIDDEN[type(row)]:
            if name in row.__dict__:
                set_committed_value(row, name, None)
