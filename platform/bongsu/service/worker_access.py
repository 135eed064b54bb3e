"""Tokens of workers, and what they may do with them: given out for an attempt that is under way, and looked at again
for everything that is asked for with one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, AuditOutcome
from bongsu.domain.codes import identity as codes
from bongsu.domain.codes import run as run_codes
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.identity.attempt_tokens import AttemptGrant, issue_attempt_token
from bongsu.identity.key_file import KeyFile
from bongsu.policy.worker import WorkerAction, WorkerAsk, worker_may
from bongsu.reconciler.launching import attempt_spec
from bongsu.reconciler.loading import load_facts
from bongsu.service.platform import Platform
from bongsu.store import audit
from bongsu.store.attempts import attempts_of, is_live
from bongsu.store.records import AttemptRecord
from bongsu.store.runs import get_plan, get_run


def worker_token(platform: Platform, keys: KeyFile, attempt: AttemptId) -> str:
    """A token for the worker of an attempt that was asked for; the control plane hands it to the executor.

    It holds for as long as the attempt may take from now, or from when it started, and at most a day.

    Raises:
        BongsuError: ``run.unknown`` or ``run.unknown-attempt`` if there is no such attempt under way;
            ``identity.key-file``.
    """
    now = platform.clock()
    with platform.database.read() as connection:
        run = get_run(connection, attempt.run_id)
        record = _live(connection, attempt)
        plan = get_plan(connection, attempt.run_id)
    planned = next(stage for stage in plan.stages if stage.id == attempt.stage_id)
    left_s = None
    if planned.timeout is not None:
        begun = now if record.started_at is None else record.started_at
        left_s = max(begun + planned.timeout.total_seconds() - now, 0.0)
    return issue_attempt_token(keys.ring(), AttemptGrant(attempt, run.ministry, left_s), now)


def renewed_worker_token(platform: Platform, keys: KeyFile, actor: Actor) -> str:
    """Another token for a worker whose own still holds. Raises as :func:`worker_token`, and
    ``identity.not-signed-in`` for anybody else."""
    if actor.attempt is None:
        raise codes.NOT_SIGNED_IN.error()
    require_worker(platform, actor, WorkerAsk(WorkerAction.RENEW_TOKEN, actor.attempt))
    return worker_token(platform, keys, actor.attempt)


def require_worker(platform: Platform, actor: Actor, ask: WorkerAsk, request_id: str = "") -> None:
    """Raise ``identity.worker-scope`` unless the worker may do this; what it was refused is recorded.

    Args:
        platform: with the attempt.
        actor: as its token was verified.
        ask: what it asks for.
        request_id: of the request.
    """
    with platform.database.read() as connection:
        inputs = _inputs(connection, actor.attempt) if _needs_inputs(ask) else ()
    decision = worker_may(actor, ask, frozenset(inputs))
    if decision.problem is None:
        return
    with platform.database.write() as connection:
        ministry = next(iter(actor.roles), "")
        thing = f"attempt:{ask.attempt.key}"[:300]
        event = AuditEvent(Tenant(ministry), actor.id, ask.action.value, thing, platform.clock())
        facts = {"rule": decision.rule, **decision.facts}
        refused = replace(event, outcome=AuditOutcome.REFUSED, facts=facts, request_id=request_id)
        audit.append(connection, refused)
    raise BongsuError([decision.problem])


def _needs_inputs(ask: WorkerAsk) -> bool:
    return ask.action is WorkerAction.READ_INPUT and ask.digest is not None


def _inputs(connection: Connection, attempt: AttemptId | None) -> Iterable[Digest]:
    """Digests that the attempt was handed: the same function of the same facts as when it was launched."""
    if attempt is None:
        return ()
    spec = attempt_spec(load_facts(connection, attempt.run_id), attempt, "")
    return [tree.digest for trees in spec.inputs.values() for tree in trees]


def _live(connection: Connection, attempt: AttemptId) -> AttemptRecord:
    known = attempts_of(connection, attempt.run_id, [attempt.stage_id])
    record = next((one for one in known if one.id == attempt), None)
    if record is None or not is_live(connection, attempt):
        numbers = ", ".join(str(one.id.number) for one in known) or "0"
        raise run_codes.UNKNOWN_ATTEMPT.error(stage=attempt.stage_id, number=attempt.number, known=numbers)
    return record
