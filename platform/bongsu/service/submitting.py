"""Submit a plan: one transaction, after which the run exists whatever happens."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.gate import objections
from bongsu.service.grades import refuse_while_stating
from bongsu.service.grants.reserving import ReservationRefused, record_refused, set_aside
from bongsu.service.inputs.bringing import bring, note_brought
from bongsu.service.platform import Platform
from bongsu.service.repeating import repeated
from bongsu.store.audit import append_all
from bongsu.store.locks import hold_labels
from bongsu.store.ministries import is_governed
from bongsu.store.records import RunRecord
from bongsu.store.requests import RequestKey, note_request
from bongsu.store.runs import create_run, get_run, open_run_of
from bongsu.store.submitters import note_submitter
from bongsu.store.taken import Taken

_TRIES = 5


@dataclass(frozen=True)
class Submission:
    """``created`` is False if an unfinished run of the same plan was found: it goes on, there is no second one."""

    run: RunRecord
    created: bool


def submit(platform: Platform, plan: RunPlan, key: RequestKey | None = None) -> Submission:
    """Record a run of ``plan``, or find the one that is under way; a finished one is no obstacle to another. What it
    takes of other ministries is brought before, and is known to be the ministry's with the run.

    Args:
        platform: what to work on.
        plan: what to run.
        key: of the request; one that comes again is answered with the run that came of it, over or not.

    Raises:
        BongsuError: ``api.key-used-otherwise``; what rules over uses, data and models have against it where ministries
            share the store; what :func:`bongsu.service.inputs.bringing.bring` raises.
        ReservationRefused: its grant does not pay for it; nothing was recorded but the refusal.
    """
    try:
        return _submit(platform, plan, key)
    except ReservationRefused as refused:
        record_refused(platform, platform.actor, refused)
        raise


def _submit(platform: Platform, plan: RunPlan, key: RequestKey | None) -> Submission:
    plan_hash = plan.hash
    brought = bring(platform, plan)
    for left in range(_TRIES - 1, -1, -1):
        try:
            with platform.write() as connection:
                before = repeated(connection, key)
                if before is not None:
                    return Submission(before, created=False)
                now = platform.clock()
                if brought:
                    hold_labels(connection)  # before any row that whoever holds them may be waiting for
                refuse_while_stating(connection, plan.floor)
                problems = objections(connection, plan, now)
                if problems:
                    raise BongsuError(problems)
                known = open_run_of(connection, plan_hash)
                run_id = known.id if known else platform.new_run_id(now)
                if known is None:
                    create_run(connection, run_id, plan, now, platform.actor.id)
                if key is not None:
                    note_request(connection, key, run_id, now)
                if is_governed(connection):  # who submits does not decide on what comes of it
                    note_submitter(connection, run_id, platform.actor.id, now)
                if known is not None:
                    return Submission(known, created=False)
                set_aside(platform, connection, run_id, plan, now)
                taken = note_brought(connection, platform, plan, brought, now)
                run = get_run(connection, run_id)
                append_all(connection, [*taken, _submitted(platform.author, run, plan)])
                return Submission(run, created=True)
        except Taken:
            # Another process was first at this very moment: with the plan, the request, or the id that was drawn.
            if not left:
                raise
    raise AssertionError("unreachable")


def _submitted(author: Author, run: RunRecord, plan: RunPlan) -> AuditEvent:
    facts = {"pipeline": run.pipeline, "ministry": run.ministry, "plan": run.plan_hash, "useClass": run.use_class}
    return author.did("run.submit", f"run:{run.id}", run.created_at, plan.label, facts)
