"""Whether somebody may reach a path below MLflow's artifact root: it has to belong to a thing that exists for them."""

from __future__ import annotations

from mlflow.server.handlers import _get_tracking_store

from bongsu.tracking.governed import changes
from bongsu.tracking.governed.artifact_paths import OfTree, resolve
from bongsu.tracking.governed.labelling import Ledger
from bongsu.tracking.governed.showing import note
from bongsu.tracking.governed.sources import owner_of
from bongsu.tracking.governed.viewer import Acting


def may_reach(path: str | None, writes: bool, actor: Acting) -> bool:
    """False for what is not there for the actor; a file that they write raises what it is written to.

    Called in the actor's name.

    Raises:
        MlflowException: PERMISSION_DENIED, for what may be read only.
    """
    place = resolve(path, actor.workspace) if path else None
    if place is None or (writes and isinstance(place, OfTree)):
        return False
    with _get_tracking_store().ManagedSessionMaker(read_only=not writes) as session:
        owner = owner_of(session, place)
        if owner is None:
            return False
        if writes:
            ledger = Ledger(session.connection(), actor)
            ledger.check_changeable(*owner)
            changes.note(actor, *owner, ledger.raise_to(*owner, [actor.written]))
        note(actor, *owner)
    return True
