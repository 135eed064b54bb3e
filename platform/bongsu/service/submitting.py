"""Submit a plan: one transaction, after which the run exists whatever happens."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from bongsu.domain.people import Actor
from bongsu.domain.plan import RunPlan
from bongsu.service.grants.reserving import ReservationRefused, record_refused, set_aside
from bongsu.service.owner import OWNER
from bongsu.service.platform import Platform
from bongsu.store.records import RunRecord
from bongsu.store.runs import create_run, get_run, open_run_of

_TRIES = 5


@dataclass(frozen=True)
class Submission:
    """``created`` is False if an unfinished run of the same plan was found: it goes on, there is no second one."""

    run: RunRecord
    created: bool


def submit(platform: Platform, plan: RunPlan, actor: Actor = OWNER) -> Submission:
    """Record a run of ``plan``, or find the one that is under way; a finished one is no obstacle to another.

    Raises:
        ReservationRefused: its grant does not pay for it; nothing was recorded but the refusal.
    """
    try:
        return _submit(platform, plan, actor)
    except ReservationRefused as refused:
        record_refused(platform, actor, refused)
        raise


def _submit(platform: Platform, plan: RunPlan, actor: Actor) -> Submission:
    plan_hash = plan.hash
    for left in range(_TRIES - 1, -1, -1):
        try:
            with platform.database.write() as connection:
                known = open_run_of(connection, plan_hash)
                if known is not None:
                    return Submission(known, created=False)
                now = platform.clock()
                run_id = platform.new_run_id(now)
                create_run(connection, run_id, plan, now)
                set_aside(connection, run_id, plan, now, actor)
                return Submission(get_run(connection, run_id), created=True)
        except IntegrityError:
            # Another process submitted the same plan, or drew the same id, at this very moment.
            if not left:
                raise
    raise AssertionError("unreachable")
