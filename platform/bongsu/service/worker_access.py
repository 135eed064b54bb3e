"""Tokens of workers, and what they may do with them: given out for an attempt that is under way, and looked at again
for everything that is asked for with one."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from sqlalchemy import Connection

from bongsu.domain.codes import client as client_codes
from bongsu.domain.codes import identity as codes
from bongsu.domain.codes import run as run_codes
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.labels import high_water_mark
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.domain.worker_leave import GRANTED, ReadLeave, WorkerPass, WorkerToken
from bongsu.identity.attempt_tokens import AttemptGrant, issue_attempt_token
from bongsu.identity.key_file import KeyFile
from bongsu.policy.decision import Decision
from bongsu.policy.worker import WorkerAction, WorkerAsk, worker_may
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.loading import load_facts
from bongsu.service.audit.reads import record_read
from bongsu.service.governance.launching import taken_by, worker_rules
from bongsu.service.governance.permission import require_allowed
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, record_refusal, refusals_recorded
from bongsu.service.signing_keys import KeyUse, signing_keys
from bongsu.store.attempts import attempts_of, find_live
from bongsu.store.database import Database
from bongsu.store.records import AttemptRecord
from bongsu.store.runs import get_plan, get_run
from bongsu.store.scope import EVERYTHING


def worker_token(database: Database, keys: KeyFile, attempt: AttemptId, now: float) -> WorkerToken:
    """A token for the worker of an attempt that was asked for.

    While the attempt waits for its turn it holds for a day, and from its begin for an hour, or as long as the attempt
    may take if that is less; the lifetime is told from then on.

    Raises:
        BongsuError: ``run.unknown`` or ``run.unknown-attempt`` if there is no such attempt under way;
            ``identity.key-file``.
    """
    with database.read(EVERYTHING) as connection:
        run = get_run(connection, attempt.run_id)
        record = _live(connection, attempt)
        plan = get_plan(connection, attempt.run_id)
    timeout = plan.stage(attempt.stage_id).timeout
    left_s = None
    if timeout is not None and record.started_at is not None:
        left_s = max(record.started_at + timeout.total_seconds() - now, 0.0)
    grant = AttemptGrant(attempt, run.ministry, left_s, has_begun=record.started_at is not None)
    return WorkerToken(token=issue_attempt_token(keys.ring(), grant, now), lifetime=grant.working_life_s)


def passes_of(
    database: Database, keys: KeyFile, clock: Callable[[], float], url: str
) -> Callable[[AttemptId], WorkerPass]:
    """What an executor asks for when it is about to start an attempt: gives the pass of its worker.

    Args:
        database: with the attempts.
        keys: with which the control plane signs.
        clock: seconds since the epoch.
        url: where workers reach the API.

    Raises:
        BongsuError: ``client.bad-server-url``; what it gives raises as :func:`worker_token` does.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise client_codes.BAD_SERVER_URL.error(url=url, detail=N_("workers could not ask there"))

    def pass_of(attempt: AttemptId) -> WorkerPass:
        made = worker_token(database, keys, attempt, clock())
        return WorkerPass(token=made.token, lifetime=made.lifetime, url=url.rstrip("/"))

    return pass_of


def renewed_worker_token(platform: Platform, actor: Actor, attempt: AttemptId) -> WorkerToken:
    """Another token for a worker whose own still holds. Raises as :func:`worker_token`, and ``identity.worker-scope``
    for anybody else."""
    require_worker(platform, actor, WorkerAsk(WorkerAction.RENEW_TOKEN, attempt))
    keys = signing_keys(platform.home, KeyUse.ATTEMPTS, platform.clock)
    return worker_token(platform.database, keys, attempt, platform.clock())


def leave_to_read(platform: Platform, actor: Actor, attempt: AttemptId, digest: Digest) -> ReadLeave:
    """Whether the worker of an attempt may read a tree now. A no is recorded, and so is who reads what is labelled.

    Args:
        platform: of the ministry of the run.
        actor: as its token was verified.
        attempt: for which it asks.
        digest: of the tree.

    Raises:
        BongsuError: ``identity.worker-scope`` if the tree is none of the attempt's, or the attempt another's;
            ``governance.no-such`` if the attempt is being stopped; ``run.database-damaged``.
    """
    ask = WorkerAsk(WorkerAction.READ_INPUT, attempt, digest)
    decisions: list[Decision] = []
    with platform.read() as connection:
        # The run is read once, whatever is asked of it: there may be thousands of stages, each with its inputs.
        facts = _facts_of(connection, actor.attempt)
        taken = taken_by(facts, actor.attempt) if facts is not None and actor.attempt is not None else {}
        scope = worker_may(actor, ask, taken)
        if scope.allowed:
            assert facts is not None, "it takes something"
            decisions = worker_rules(connection, facts, attempt, digest, platform.clock())
    _require(platform, actor, ask, scope)
    try:
        require_allowed(*decisions)
    except BongsuError as error:
        record_refusal(_asked(platform, actor, ask.action.value, attempt), error, digest=digest)
        return ReadLeave.refused(error)
    label = high_water_mark(tree.ref.label for tree in taken[digest])
    record_read(platform, actor, Tenant(_ministry(actor)), f"artifact:{digest}", label, platform.author.request_id)
    return GRANTED


def require_worker(platform: Platform, actor: Actor, ask: WorkerAsk) -> None:
    """Raise ``identity.worker-scope`` unless the worker may do this, which names no tree; what it was refused is
    recorded.

    Args:
        platform: with the attempt.
        actor: as its token was verified.
        ask: what it asks for.
    """
    _require(platform, actor, ask, worker_may(actor, ask, ()))


def _require(platform: Platform, actor: Actor, ask: WorkerAsk, decision: Decision) -> None:
    if not decision.allowed:
        with refusals_recorded(_asked(platform, actor, ask.action.value, ask.attempt), **decision.facts):
            decision.require()


def refuse_elsewhere(platform: Platform, actor: Actor, door: str) -> BongsuError:
    """The refusal of a worker at a door that is none of its own, which is recorded: its token may be in other hands.

    Args:
        platform: of the ministry of its run.
        actor: the worker.
        door: as the log names it, e.g. ``GET /v1/runs``.
    """
    key = actor.attempt.key if actor.attempt else ""
    detail = phrase(N_("{door} is nothing for workers"), door=door)
    error = codes.WORKER_SCOPE.error(attempt=key, action=door, detail=detail)
    record_refusal(_asked(platform, actor, "tokens.misuse", actor.attempt), error, door=door)
    return error


def _asked(platform: Platform, actor: Actor, action: str, attempt: AttemptId | None) -> Ask:
    """What a worker asks for, in the ministry of its run."""
    return Ask(
        platform,
        actor,
        tenant=Tenant(_ministry(actor)),
        action=action,
        object=f"attempt:{attempt.key if attempt else ''}",
        request_id=platform.author.request_id,
    )


def _ministry(actor: Actor) -> str:
    return next(iter(actor.roles), "")


def _facts_of(connection: Connection, attempt: AttemptId | None) -> RunFacts | None:
    """Of the run of an attempt; None without one. What is damaged of it is told as that: if it were as if it did not
    exist, the worker would be taken for lost."""
    if attempt is None:
        return None
    try:
        return load_facts(connection, attempt.run_id)
    except BongsuError as error:
        if error.problems[0].code is not run_codes.UNKNOWN_RUN:
            raise
        return None


def _live(connection: Connection, attempt: AttemptId) -> AttemptRecord:
    known = attempts_of(connection, attempt.run_id, [attempt.stage_id])
    record = next((one for one in known if one.id == attempt), None)
    if record is None or find_live(connection, attempt) is None:
        numbers = ", ".join(str(one.id.number) for one in known) or "0"
        raise run_codes.UNKNOWN_ATTEMPT.error(stage=attempt.stage_id, number=attempt.number, known=numbers)
    return record
