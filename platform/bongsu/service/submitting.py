"""Submit a plan: one transaction, after which the run exists whatever happens."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.plan import RunPlan
from bongsu.service.platform import Platform
from bongsu.store.audit import append
from bongsu.store.records import RunRecord
from bongsu.store.runs import create_run, get_run, open_run_of

_TRIES = 5


@dataclass(frozen=True)
class Submission:
    """``created`` is False if an unfinished run of the same plan was found: it goes on, there is no second one."""

    run: RunRecord
    created: bool


def submit(platform: Platform, plan: RunPlan) -> Submission:
    """Record a run of ``plan``, or find the one that is under way; a finished one is no obstacle to another."""
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
                run = get_run(connection, run_id)
                append(connection, _submitted(platform.author, run, plan))
                return Submission(run, created=True)
        except IntegrityError:
            # Another process submitted the same plan, or drew the same id, at this very moment.
            if not left:
                raise
    raise AssertionError("unreachable")


def _submitted(author: Author, run: RunRecord, plan: RunPlan) -> AuditEvent:
    facts = {"pipeline": run.pipeline, "ministry": run.ministry, "plan": run.plan_hash, "useClass": run.use_class}
    return author.did("run.submit", f"run:{run.id}", run.created_at, plan.label, facts)
