"""Carrying out decisions: one transaction moves the state, and writes beside it the log, the lineage, the cache and
what the tracking server is to be told. Nothing outside of the store happens here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.audit import AuditEvent, Author
from bongsu.domain.ids import Digest, StageId
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.plan import PlannedInput, PlannedStage
from bongsu.domain.publication import MetricPoint, Publication, SuspensionChanged, VersionRegistered
from bongsu.domain.run import AttemptState, RunState
from bongsu.planner.taken_trees import InputTrees
from bongsu.reconciler import announcements, provenance
from bongsu.reconciler.actions import (
    Action,
    FinishAttempt,
    MarkStarted,
    MoveRun,
    MoveStage,
    RecordVersion,
    RefuseLaunch,
    RememberOutputs,
    RequestAttempt,
    StopAttempt,
    TakeOutputs,
    folded,
    stage_of,
)
from bongsu.reconciler.charging import Charging
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.watching import Unsaved
from bongsu.store import (
    artifacts,
    attempts,
    cache,
    history,
    label_flow,
    label_telling,
    lineage,
    models,
    outbox,
    stages,
)
from bongsu.store.artifacts import Maker
from bongsu.store.audit import append_all
from bongsu.store.cache import CacheEntry
from bongsu.store.history import NewEvent
from bongsu.store.label_releases import settled
from bongsu.store.locks import hold_labels, hold_model
from bongsu.store.receipts import rise
from bongsu.store.records import ModelVersionRecord
from bongsu.store.runs import claim_version, move_run, raise_label
from bongsu.store.stages import StageMove
from bongsu.store.suspensions import suspended_since


def apply(
    connection: Connection,
    facts: RunFacts,
    actions: Sequence[Action],
    now: float,
    unsaved: Sequence[Unsaved] = (),
) -> set[StageId]:
    """Carry out ``actions``, which were decided on ``facts``, in the caller's transaction.

    Args:
        connection: in a transaction.
        facts: the run as it was read.
        actions: in order.
        now: seconds since the epoch.
        unsaved: what attempts reported meanwhile; it is written before their end is.

    Returns:
        Stages of which something was changed, be it of one of their attempts; nothing of any other was.

    Raises:
        StaleRun: somebody else changed the run meanwhile; nothing was done.
    """
    # Before the run's row, which whoever holds these may be waiting for; see bongsu.store.locks for the order.
    for name in sorted({one.registered.version.name for one in actions if isinstance(one, RecordVersion)}):
        hold_model(connection, name)
    hold_labels(connection)
    claim_version(connection, facts.run.id, facts.run.version)
    applier = _Applier(connection, facts, now)
    for one in unsaved:
        applier.save(one)
    for action in actions:
        applier.carry_out(action)
    applier.write_log()
    applier.charge()
    applier.record()
    touched = {stage_of(action) for action in actions} | {one.attempt.stage_id for one in unsaved}
    return {stage_id for stage_id in touched if stage_id is not None}


class _Applier:
    def __init__(self, connection: Connection, facts: RunFacts, now: float) -> None:
        self._db = connection
        self._facts = facts
        self._run = facts.run
        self._now = now
        self._planned = {planned.id: planned for planned in facts.plan.stages}
        self._stages = dict(facts.stages)
        self._trees = InputTrees(facts.plan)
        self._charging = Charging(connection, facts, now)
        self._log: list[NewEvent] = []
        self._audit: list[AuditEvent] = []
        self._author = Author(facts.run.tenant)

    def carry_out(self, action: Action) -> None:
        match action:
            case MoveRun():
                self._move_run(action)
            case MoveStage():
                self._move_stage(action)
            case RequestAttempt():
                self._request(action)
            case RefuseLaunch():
                self._audit.append(self._refused(action))
            case MarkStarted(attempt, at):
                attempts.mark_started(self._db, attempt, at)
                gpus = self._charging.admitted(self._planned[attempt.stage_id], at)
                self._note("attempt-started", attempt.stage_id, attempt.number, **gpus)
            case StopAttempt(attempt, reason):
                attempts.ask_to_stop(self._db, attempt, reason)
                self._note("attempt-stopping", attempt.stage_id, attempt.number, reason=reason.value)
            case FinishAttempt():
                self._finish(action)
            case TakeOutputs():
                self._take(action)
            case RememberOutputs():
                cache.remember(self._db, self._cache_entry(action))
            case RecordVersion():
                self._record_version(action)

    def _cache_entry(self, action: RememberOutputs) -> CacheEntry:
        return CacheEntry(
            key=action.key,
            pipeline=self._run.pipeline,
            run_id=self._run.id,
            stage_id=action.stage_id,
            parts=action.parts,
            outputs=action.outputs,
            metrics=action.metrics,
            seconds=action.seconds,
            created_at=self._now,
        )

    def save(self, reported: Unsaved) -> None:
        """What an attempt said of itself."""
        attempt = reported.attempt
        if reported.points:
            history.add_metric_points(self._db, attempt, reported.points)
        attempts.note_progress(self._db, attempt, reported.step, reported.cursor)
        self._log += reported.log

    def write_log(self) -> None:
        history.append_events(self._db, self._run.id, self._now, self._log)

    def charge(self) -> None:
        """Book what GPUs were used. Whoever books waits for the grant's row, and then for the log's head: never the
        other way round."""
        self._charging.book(is_over=self._run.state.is_final)

    def record(self) -> None:
        """For good, as the last thing that the transaction does."""
        append_all(self._db, self._audit)

    def _move_run(self, action: MoveRun) -> None:
        move_run(self._db, self._run, action.new, self._now)
        self._note("run", state=action.new.value)
        self._run = replace(self._run, state=action.new)
        if action.new is RunState.RUNNING:
            self._graph(provenance.of_inputs([self._given(entry) for entry in self._facts.plan.inputs]))
            self._tell(announcements.run_opened(self._facts, self._now))
        elif action.new.is_final:
            self._tell(announcements.run_closed(self._run, self._now))

    def _given(self, entry: PlannedInput) -> PlannedInput:
        """An input that is known from now on, with its own label: what a pipeline states of known bytes holds for its
        run, not for all who take them."""
        ref = settled(self._db, entry.ref)  # it may have been planned before a downgrade
        artifacts.note_new(self._db, ref, f"inputs.{entry.name}", self._now)
        known = artifacts.find_owned(self._db, ref.digest)
        assert known is not None
        return entry.model_copy(update={"ref": ref.model_copy(update={"label": Label.parse(known.label)})})

    def _move_stage(self, action: MoveStage) -> None:
        move = StageMove(self._run.id, action.stage_id, action.old, action.new, self._now, action.reason)
        stages.move_stage(self._db, move)
        self._stages[action.stage_id] = folded(self._stages[action.stage_id], action)
        extra: dict[str, Any] = {"reason": str(action.reason)} if action.reason else {}
        self._note("stage", action.stage_id, state=action.new.value, **extra)

    def _request(self, action: RequestAttempt) -> None:
        attempts.request_attempt(self._db, action.attempt, self._now)
        stages.set_cache_key(self._db, self._run.id, action.attempt.stage_id, action.key)
        self._note("attempt-requested", action.attempt.stage_id, action.attempt.number)

    def _finish(self, action: FinishAttempt) -> None:
        attempt = action.attempt
        attempts.finish_attempt(self._db, attempt, action.state, self._now, action.outcome)
        failure = action.outcome if isinstance(action.outcome, Failure) else None
        extra: dict[str, Any] = (
            {"cause": failure.reason, "message": str(failure.message), "fix": str(failure.fix)} if failure else {}
        )
        before = self._facts.attempts[attempt.stage_id][-1]
        planned = self._planned[attempt.stage_id]
        extra |= self._charging.released(planned, before, action.held, action.state.value)
        self._note("attempt-finished", attempt.stage_id, attempt.number, state=action.state.value, **extra)
        if action.state is AttemptState.CANCELLED and before.state is AttemptState.REQUESTED:
            return  # it never began: there is nothing to tell
        if failure:
            self._note_artifacts(planned, failure.evidence.values())
        item = announcements.attempt_finished(
            self._facts,
            announcements.Ending(planned, before, action.state, action.outcome),
            self._trees.of(planned, self._stages),
            self._history(attempt.stage_id),
            self._now,
        )
        self._tell(item)

    def _take(self, action: TakeOutputs) -> None:
        planned = self._planned[action.stage_id]
        notes = action.result.notes if isinstance(action.result, AttemptResult) else {}
        outcome = stages.StageOutcome(action.outputs, action.metrics, notes, action.key)
        stages.set_outcome(self._db, self._run.id, action.stage_id, outcome)
        self._stages[action.stage_id] = folded(self._stages[action.stage_id], action)
        inputs = self._trees.of(planned, self._stages)
        reused = action.result is None
        self._graph(provenance.of_stage(self._facts, planned, inputs, action.outputs, reused=reused))
        self._note_artifacts(planned, action.outputs.values(), reused=reused)
        # Labels of what it took may have risen since the plan was made.
        self._risen(label_flow.flow_into_stage(self._db, self._run.id, action.stage_id))
        if reused:
            self._tell(announcements.stage_cached(self._facts, planned, action, inputs, self._now))

    def _note_artifacts(
        self, planned: PlannedStage, refs: Collection[ArtifactRef], *, reused: bool = False
    ) -> None:
        """From now on these bytes are known for what they are; the run is worth no less protection than they. What an
        earlier run had made is what it was: taking it again for a run that is declared to be more raises nothing.
        Labels of bytes that rose since it was decided hold for the stage that gave them."""
        label = Label.parse(self._run.label)
        for ref in refs:
            maker = Maker(self._run.id, planned.id)
            settled_ref = settled(self._db, ref)
            if not (artifacts.note_new(self._db, settled_ref, planned.title, self._now, maker) or reused):
                self._risen(artifacts.note_artifact(self._db, settled_ref, planned.title, self._now, maker))
            label = label.join(ref.label)
        known = label_telling.tree_labels(self._db, (ref.digest for ref in refs))
        late = [ref.digest for ref in refs if not ref.label.dominates(known[ref.digest])]
        label = high_water_mark((known[digest] for digest in late), label)
        if str(label) != self._run.label:
            raise_label(self._db, self._run.id, label)
            label_telling.tell(self._db, [self._run.id], [])
            self._run = replace(self._run, label=str(label))

    def _record_version(self, action: RecordVersion) -> None:
        request, version = action.registered.request, action.registered.version
        record = ModelVersionRecord(
            name=version.name,
            version=version.version,
            digest=request.model.digest,
            label=str(request.model.label),
            use_class=request.use_class,
            ministry=request.ministry,
            run_id=self._run.id,
            stage_id=action.stage_id,
            title=request.title,
            metrics=request.metrics,
            link=version.link,
            created_at=self._now,
            aliases=(request.alias,) if request.alias else (),
        )
        models.add_version(self._db, record)
        self._graph(provenance.of_version(action.registered))
        label_flow.flow_into_version(self._db, version.name, version.version)
        self._audit.append(self._registered(record))
        self._tell(VersionRegistered(request=request, version=version.version))
        if suspended_since(self._db, request.ministry, version.name, version.version) is not None:
            self._tell(
                SuspensionChanged(
                    run_id=self._run.id, name=version.name, version=version.version, ministry=request.ministry
                )
            )
        self._note("registered", action.stage_id, name=version.name, version=version.version)

    def _registered(self, record: ModelVersionRecord) -> AuditEvent:
        facts: dict[str, Any] = {"digest": record.digest, "run": record.run_id, "useClass": record.use_class}
        facts["aliases"] = list(record.aliases)
        object_ = f"model:{record.name}/{record.version}"
        return self._author.did("model.register", object_, self._now, Label.parse(record.label), facts)

    def _refused(self, action: RefuseLaunch) -> AuditEvent:
        """In the name of whoever launches: nobody asks. ``submitter`` is whose run it is."""
        more, label = {"stage": action.stage_id, "submitter": self._run.submitted_by}, Label.parse(self._run.label)
        run = f"run:{self._run.id}"
        return self._author.was_refused("stage.launch", run, self._now, action.problems, more, label)

    def _risen(self, labels: Mapping[Digest, Label]) -> None:
        self._audit += rise(self._db, self._author, labels, self._now)

    def _history(self, stage_id: StageId) -> tuple[MetricPoint, ...]:
        points = history.metric_points_of(self._db, self._run.id, stage_id)
        return tuple(MetricPoint(name=n, step=s, value=v, time=t) for _stage, n, s, v, t in points)

    def _graph(self, graph: provenance.Graph) -> None:
        nodes, edges = graph
        lineage.put_nodes(self._db, nodes)
        lineage.put_edges(self._db, edges, self._run.id, self._now)

    def _tell(self, item: Publication) -> None:
        outbox.put(self._db, self._run.id, item)

    def _note(
        self, type_: str, stage_id: StageId | None = None, attempt: int | None = None, **body: object
    ) -> None:
        self._log.append(NewEvent(type_, stage_id, attempt, body))
