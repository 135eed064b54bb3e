"""Whether what a model rests on holds: nothing of it suspended, its data permitted for its use."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.people import Actor
from bongsu.domain.problems import Problem
from bongsu.domain.uses import UseClass
from bongsu.policy import data
from bongsu.policy.data import Purpose
from bongsu.policy.decision import Decision
from bongsu.service.governance.subjects import Subject
from bongsu.store.origins import Given, origins_of


def unfit(connection: Connection, actor: Actor, subject: Subject, now: float) -> list[Decision]:
    """What the rules over data and suspensions say of using the model, as far as the actor may know; ``now`` in seconds
    since the epoch."""
    found = subject.found
    if found is None or not found.use_class:
        return []
    origins = origins_of(
        connection, subject.thing.ministry, [Given(subject.thing.object, found.content, ArtifactType.MODEL)]
    )
    purpose = Purpose(UseClass(found.use_class), subject.thing.ministry)
    hidden = origins.hidden_from(actor.clearance, purpose.ministry)
    decided = [one for taken in origins.taken for one in data.decide(purpose, taken, origins.permits, now, hidden)]
    return [replace(one, problem=_of_no_pipeline(one.problem)) for one in decided]


def _of_no_pipeline(problem: Problem | None) -> Problem | None:
    """No file is at fault, in which a place could be named."""
    return replace(problem, field_path="") if problem is not None else None
