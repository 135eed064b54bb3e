"""What exists for a viewer, looked up when their first statement needs it."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.tracking.governed import marks
from bongsu.tracking.governed.viewer import Acting, Sight


def ensure_sight(actor: Acting, connection: Connection) -> None:
    """Raises LookupError if the workspace is none of theirs; whoever binds it has to have looked."""
    if actor.sight is None:
        actor.sight = _look(actor, connection)


def _look(actor: Acting, connection: Connection) -> Sight:
    viewer, workspace = actor.viewer, actor.workspace
    if not viewer.may_enter(workspace):
        raise LookupError(workspace)
    labels = marks.labels_in(connection, workspace)
    seen = {scope: label for scope, label in labels.items() if viewer.clearance.dominates(label)}
    scopes = tuple(sorted(seen))
    if workspace in viewer.ministries:
        return Sight(scopes=scopes, model_scopes=scopes, labels=seen)
    return Sight(
        model_scopes=scopes,
        labels=seen,
        is_guest=True,
        names=tuple(sorted({model.name for model in actor.shared})),
        versions=tuple(sorted(f"{model.name}/{model.version}" for model in actor.shared)),
    )
