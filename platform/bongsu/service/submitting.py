"""Submit a plan: one transaction, after which the run exists whatever happens."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.gate import objections
from bongsu.service.platform import Platform
from bongsu.store.records import RunRecord
from bongsu.store.runs import create_run, get_run, open_run_of
from bongsu.store.submitters import note_submitter

_TRIES = 5


@dataclass(frozen=True)
class Submission:
    """``created`` is False if an unfinished run of the same plan was found: it goes on, there is no second one."""

    run: RunRecord
    created: bool


def submit(platform: Platform, plan: RunPlan, by: str = "") -> Submission:
    """Record a run of ``plan``, or find the one that is under way; a finished one is no obstacle to another.

    Args:
        platform: what to work on.
        plan: what to run.
        by: id of whoever submits it; empty in a home of one person. They do not decide on what comes of it.

    Raises:
        BongsuError: what rules over uses, data and models have against it where ministries share the store.
    """
    plan_hash = plan.hash
    for left in range(_TRIES - 1, -1, -1):
        try:
            with platform.database.write() as connection:
                now = platform.clock()
                problems = objections(connection, plan, now)
                if problems:
                    raise BongsuError(problems)
                known = open_run_of(connection, plan_hash)
                if known is not None:
                    _note(connection, known.id, by, now)
                    return Submission(known, created=False)
                run_id = platform.new_run_id(now)
                create_run(connection, run_id, plan, now)
                _note(connection, run_id, by, now)
                return Submission(get_run(connection, run_id), created=True)
        except IntegrityError:
            # Another process submitted the same plan, or drew the same id, at this very moment.
            if not left:
                raise
    raise AssertionError("unreachable")


def _note(connection: Connection, run_id: str, by: str, now: float) -> None:
    if by:
        note_submitter(connection, run_id, by, now)
