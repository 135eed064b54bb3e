"""Resume a run: what did not succeed begins anew, what succeeded stays as long as its outputs do."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from bongsu.artifacts.checking import fault_of
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest, RunId, StageId, digest_of
from bongsu.domain.labels import Label
from bongsu.domain.phrases import phrase
from bongsu.domain.plan import PlannedStage
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.run import RunState, StageState
from bongsu.machine.requirements import with_included
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.gate import objections
from bongsu.reconciler.loading import load_facts
from bongsu.reconciler.stopping import suspended_of
from bongsu.service.catalogue import InstalledStages
from bongsu.service.grants.reserving import refused_of_grant, set_aside_again
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, record_refusal
from bongsu.service.repeating import held_result, repeated
from bongsu.service.secrets import fingerprints
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.history import NewEvent, append_events
from bongsu.store.ministries import is_governed
from bongsu.store.records import RunRecord
from bongsu.store.requests import RequestKey, note_request
from bongsu.store.runs import claim_version, find_run, get_run, move_run
from bongsu.store.stages import reopen_stage
from bongsu.store.submitters import note_submitter


def resume(platform: Platform, run: str, key: RequestKey | None = None) -> RunRecord:
    """Make a run ready to be driven again; :func:`bongsu.service.driving.drive` does that.

    A run that is under way (its driver was killed) is left as it is. Of one that is over, the stages that failed or
    were cancelled begin anew, and those that were skipped because of them; so do those whose outputs are gone or
    damaged. Numbers of attempts go on.

    Args:
        platform: what to work on.
        run: an id, a unique beginning of one, or ``latest``.
        key: of the request; one that comes again finds the run that it resumed, or found under way, whatever became
            of it since.

    Raises:
        BongsuError: ``run.unknown``, ``run.ambiguous``, ``run.not-resumable``, ``run.still-cancelling``,
            ``api.key-used-otherwise``; as for submitting it, whatever keeps it from beginning anything: a use or a
            permit that ended, a suspended model; ``run.made-suspended``; and
            ``run.code-changed``, ``run.requirements-changed`` and ``run.secret-changed``, one for each stage that is
            still to run: its outputs would be remembered as those of the older code, or of the other secret;
            ``artifact.missing`` and ``artifact.corrupt`` for requirements files that were sent with the run.
        ReservationRefused: its grant does not pay for what is still to do.
    """
    asked = Ask.of(platform, "run.resume", f"run:{run}")
    try:
        return retry_on_conflict(partial(_resume, asked, run, key))
    except BongsuError as error:
        record_refusal(refused_of_grant(platform, error) or asked, error)
        raise


def _resume(asked: Ask, run: str, key: RequestKey | None) -> RunRecord:
    platform = asked.platform
    with platform.read() as connection:
        before = repeated(connection, key, platform.clock())
        if before is not None:
            return before
        facts = load_facts(connection, find_run(connection, run).id)
    record = facts.run
    if record.state is RunState.SUCCEEDED:
        raise codes.NOT_RESUMABLE.error(run=record.id, state=phrase(record.state.value))
    if record.state is RunState.CANCELLING:
        raise codes.STILL_CANCELLING.error(run=record.id)
    # The artifact store may be far away: nobody waits for it with the database in hand.
    again = _to_do_again(facts, _without_outputs(platform, facts)) if record.state.is_final else frozenset()
    _refuse_changed(platform, facts, again)
    if not record.state.is_final:
        if key is not None:
            with platform.write() as connection:
                if held_result(connection, key, platform.clock()) is None:
                    note_request(connection, key, record.id, platform.clock())
        return record
    _refuse_suspended(platform, record.id)
    with platform.write() as connection:
        claim_version(connection, record.id, record.version)
        now = platform.clock()
        problems = objections(connection, facts.plan, now)
        if problems:
            raise BongsuError(problems)
        if key is not None:
            note_request(connection, key, record.id, now)
        _reopen(connection, facts, again, now)
        to_do = [planned for planned in facts.plan.stages if planned.id in again]
        if is_governed(connection):  # who has it go on does not decide on what comes of it
            note_submitter(connection, record.id, platform.actor.id, now)
        set_aside_again(platform, connection, record.id, facts.plan, to_do, now)
        resumed = get_run(connection, record.id)
        did = replace(asked, object=f"run:{record.id}")
        done(connection, did, Label.parse(record.label), stages=sorted(again))
        return resumed


def _refuse_changed(platform: Platform, facts: RunFacts, again: Set[StageId]) -> None:
    secret = fingerprints(platform.environment)
    installed = InstalledStages()
    changed: list[Problem] = []
    for planned in facts.plan.stages:
        if facts.stages[planned.id].state.is_final and planned.id not in again:
            continue
        if planned.uses not in installed or installed[planned.uses].code != planned.code:
            changed.append(codes.CODE_CHANGED.at(stage=planned.id, uses=planned.uses))
        changed += _other_requirements(platform, planned)
        for name in installed[planned.uses].secrets if planned.uses in installed else ():
            if secret(name) != planned.secrets.get(name, ""):
                changed.append(codes.SECRET_CHANGED.at(stage=planned.id, name=name))
    if changed:
        raise BongsuError(changed)


def _refuse_suspended(platform: Platform, run: RunId) -> None:
    meant = suspended_of(platform.database, run)
    if meant is not None:
        models = ", ".join(meant.models) or phrase("a model")
        raise codes.MADE_SUSPENDED.error(run=run, models=models)


def _other_requirements(platform: Platform, planned: PlannedStage) -> Iterator[Problem]:
    file = planned.environment.requirements if planned.environment else None
    if planned.requirements_tree:
        fault = fault_of(platform.artifacts, planned.requirements_tree)
        if fault is not None:
            yield fault
    elif file and not _is_as_planned(Path(file), planned.requirements):
        yield codes.REQUIREMENTS_CHANGED.at(stage=planned.id, path=file)


def _is_as_planned(file: Path, planned: Digest | None) -> bool:
    try:
        return digest_of(with_included(file)) == planned
    except OSError:
        return False


def _without_outputs(platform: Platform, facts: RunFacts) -> set[StageId]:
    """Stages that are done and whose outputs cannot be used any more."""
    return {
        name
        for name, record in facts.stages.items()
        if record.state.has_output
        and any(fault_of(platform.artifacts, ref.digest) for ref in (record.outputs or {}).values())
    }


def _to_do_again(facts: RunFacts, lost: Set[StageId]) -> frozenset[StageId]:
    again: set[StageId] = set()
    # What is made anew may come out otherwise. If it does not, the cache has what follows from it.
    remade = set(lost)
    for planned in facts.plan.stages:
        state = facts.stages[planned.id].state
        if any(name in remade for name in planned.upstream):
            remade.add(planned.id)
        if (
            state in (StageState.FAILED, StageState.CANCELLED)
            or planned.id in remade
            or (state is StageState.SKIPPED and any(name in again for name in planned.upstream))
        ):
            again.add(planned.id)
    return frozenset(again)


def _reopen(connection: Connection, facts: RunFacts, again: Set[StageId], now: float) -> None:
    log = [NewEvent("run", body={"state": RunState.PENDING.value, "reason": "resumed"})]
    for stage_id in (planned.id for planned in facts.plan.stages if planned.id in again):
        reopen_stage(connection, facts.stages[stage_id], len(facts.attempts.get(stage_id, ())), now)
        log.append(NewEvent("stage", stage_id, body={"state": StageState.WAITING.value}))
    move_run(connection, facts.run, RunState.PENDING, now)
    append_events(connection, facts.run.id, now, log)
