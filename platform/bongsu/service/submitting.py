"""Submit a plan: one transaction, after which the run exists whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.gate import objections
from bongsu.service.grades import refuse_while_stating
from bongsu.service.grants.reserving import ReservationRefused, refused_of_grant, set_aside
from bongsu.service.inputs.bringing import Brought, bring, note_brought
from bongsu.service.platform import Platform
from bongsu.service.recording import record_refusal
from bongsu.service.repeating import repeated
from bongsu.store.audit import append_all
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.locks import hold_labels
from bongsu.store.ministries import is_governed
from bongsu.store.records import RunRecord
from bongsu.store.requests import RequestKey, note_request
from bongsu.store.runs import create_run, get_run, open_run_of
from bongsu.store.submitters import note_submitter


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
    except ReservationRefused as error:
        asked = refused_of_grant(platform, error)
        if asked is not None:
            record_refusal(asked, error)
        raise


def _submit(platform: Platform, plan: RunPlan, key: RequestKey | None) -> Submission:
    brought = bring(platform, plan)
    # Another process may be first at this very moment: with the plan, the request, or the id that was drawn.
    return retry_on_conflict(partial(_created, platform, plan, brought, key))


def _created(platform: Platform, plan: RunPlan, brought: Sequence[Brought], key: RequestKey | None) -> Submission:
    with platform.write() as connection:
        now = platform.clock()
        before = repeated(connection, key, now)
        if before is not None:
            return Submission(before, created=False)
        if brought:
            hold_labels(connection)  # before any row that whoever holds them may be waiting for
        refuse_while_stating(connection, plan.floor)
        problems = objections(connection, plan, now)
        if problems:
            raise BongsuError(problems)
        known = open_run_of(connection, plan.hash)
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


def _submitted(author: Author, run: RunRecord, plan: RunPlan) -> AuditEvent:
    facts = {"pipeline": run.pipeline, "ministry": run.ministry, "plan": run.plan_hash, "useClass": run.use_class}
    return author.did("run.submit", f"run:{run.id}", run.created_at, plan.label, facts)
