"""The reconciler as operators see it: its decisions in the log, their sums in metrics, its steps in traces."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.run import StageState
from bongsu.reconciler.actions import Action, FinishAttempt, MoveRun, MoveStage, RequestAttempt, StopAttempt
from bongsu.reconciler.driver import LOOK_S
from bongsu.reconciler.facts import RunFacts
from bongsu.service.observing.metrics import Metrics
from bongsu.service.observing.tracing import Tracing

_log = logging.getLogger("bongsu.reconciler")
_WAITING = ("inputs", "retry", "turn")


class Watched(Collector):
    """Implements :class:`bongsu.reconciler.observing.Observer`.

    Args:
        metrics: gets the sums, and tells at each scrape what the driver has in its hands.
        tracing: gets the steps in which something was decided.
        monotonic: seconds that only grow.
    """

    def __init__(self, metrics: Metrics, tracing: Tracing, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._tracing = tracing
        self._monotonic = monotonic
        self._known: Mapping[RunId, RunFacts] | None = None
        self._step_ended = 0.0
        metrics.registry.register(self)

    @contextmanager
    def leading(self, known: Mapping[RunId, RunFacts]) -> Iterator[None]:
        self._step_ended, self._known = self._monotonic(), known
        _log.info("This process drives runs from now on.")
        try:
            yield
        finally:
            self._known = None
            _log.info("This process drives no runs any more.")

    @contextmanager
    def step(self) -> Iterator[None]:
        began = self._monotonic()
        try:
            with self._tracing.step():
                yield
        except Exception:
            self._metrics.step_failures.inc()
            raise
        finally:
            self._step_ended = self._monotonic()
            self._metrics.step_seconds.observe(self._step_ended - began)

    def decided(self, before: RunFacts, actions: Sequence[Action], now: float) -> None:
        if actions:
            self._tracing.decided()
        kinds = _Kinds(before)
        for action in actions:
            self._count(before, action, kinds, now)
            told = _told(action, kinds)
            if told is not None:
                facts = {"run": before.run.id, "label": before.run.label, **told}
                _log.info("Decided on a run.", extra={"facts": facts})

    def launched(self, facts: RunFacts, attempt: AttemptId) -> None:
        kinds = _Kinds(facts)
        self._metrics.launches.labels(kinds.kind(attempt.stage_id)).inc()
        self._tracing.launched(attempt.run_id, kinds.told(attempt.stage_id), attempt.number)
        told = {"run": attempt.run_id, "label": facts.run.label, **kinds.told(attempt.stage_id)}
        _log.info("The executor was asked for an attempt.", extra={"facts": {**told, "attempt": attempt.number}})

    def passed_over(self, run: RunId) -> None:
        self._metrics.runs_passed_over.inc()
        _log.warning("A run is left where it stands.", extra={"facts": {"run": run}})

    def failed(self) -> None:
        self._metrics.step_failures.inc()

    def _count(self, before: RunFacts, action: Action, kinds: _Kinds, now: float) -> None:
        match action:
            case MoveStage(new=new) if new.is_final:
                self._metrics.stage_outcomes.labels(kinds.kind(action.stage_id), new.value).inc()
            case FinishAttempt(attempt=attempt, state=state):
                kind = kinds.kind(attempt.stage_id)
                self._metrics.attempt_outcomes.labels(kind, state.value).inc()
                if action.held is not None:
                    self._metrics.attempt_seconds.labels(kind).observe(max(0.0, action.held[1] - action.held[0]))
                record = before.attempts[attempt.stage_id][-1]
                told = kinds.told(attempt.stage_id)
                self._tracing.attempted(attempt.run_id, told, attempt.number, state.value, record.requested_at, now)

    # -- at a scrape -------------------------------------------------------------------------------------------

    def collect(self) -> Iterable[Metric]:
        """What the driver has in its hands; zeros where another process drives. Counted here, so that a step is not
        slowed down by it."""
        known = self._known
        facts = list(known.values()) if known is not None else []
        leader = GaugeMetricFamily("bongsu_is_leader", "1 in the process that drives runs, 0 in the others.")
        leader.add_metric([], float(known is not None))
        yield leader
        lag = GaugeMetricFamily("bongsu_reconcile_lag_seconds", "How late the next step is; 0 while it is in time.")
        late = self._monotonic() - self._step_ended - LOOK_S
        lag.add_metric([], max(0.0, late) if known is not None else 0.0)
        yield lag
        live = [one for one in facts if not one.run.state.is_final]
        active = GaugeMetricFamily("bongsu_runs_driven", "Runs under way in this process.")
        active.add_metric([], len(live))
        yield active
        waiting, running = _depths(live)
        queue = GaugeMetricFamily("bongsu_stages_waiting", "Stages that wait, by what for.", labels=["why"])
        for why in _WAITING:
            queue.add_metric([why], waiting[why])
        yield queue
        under_way = GaugeMetricFamily("bongsu_stages_running", "Stages of which an attempt is under way.")
        under_way.add_metric([], running)
        yield under_way


def _depths(live: Iterable[RunFacts]) -> tuple[Counter[str], int]:
    """How many stages wait for what, and how many are under way."""
    waiting, running = Counter[str](), 0
    for facts in live:
        for stage, record in facts.stages.items():
            match record.state:
                case StageState.WAITING:
                    waiting["inputs"] += 1
                case StageState.READY:
                    is_again = len(facts.attempts.get(stage, ())) > record.reopened_after
                    waiting["retry" if is_again else "turn"] += 1
                case StageState.RUNNING:
                    running += 1
    return waiting, running


class _Kinds:
    """Stages of a run by what they do and where they stand in the plan: their names are people's own words."""

    def __init__(self, facts: RunFacts) -> None:
        self._places = {planned.id: (place, planned.uses) for place, planned in enumerate(facts.plan.stages, 1)}

    def kind(self, stage: StageId) -> str:
        return self._places[stage][1]

    def told(self, stage: StageId) -> dict[str, Any]:
        place, kind = self._places[stage]
        return {"stage": place, "kind": kind}


def _told(action: Action, kinds: _Kinds) -> dict[str, Any] | None:
    """What the log says of a decision; None for what goes along with one."""
    match action:
        case MoveRun(new=new):
            return {"act": "run", "state": new.value}
        case MoveStage(stage_id=stage, old=old, new=new):
            return {"act": "stage", **kinds.told(stage), "from": old.value, "state": new.value}
        case RequestAttempt(attempt=attempt):
            return {"act": "attempt", **kinds.told(attempt.stage_id), "attempt": attempt.number}
        case StopAttempt(attempt=attempt, reason=reason):
            told = kinds.told(attempt.stage_id)
            return {"act": "stop", **told, "attempt": attempt.number, "reason": reason.value}
        case FinishAttempt(attempt=attempt, state=state):
            told = kinds.told(attempt.stage_id)
            return {"act": "attempt-over", **told, "attempt": attempt.number, "state": state.value}
        case _:
            return None
