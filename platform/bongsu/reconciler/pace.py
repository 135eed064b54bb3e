"""When a run needs a look although nothing happens: retries and timeouts. Pure."""

from __future__ import annotations

from bongsu.domain.run import StageState
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.retry import decide_retry

NEVER = float("inf")


def next_deadline(facts: RunFacts, now: float) -> float:
    """Seconds from ``now`` until something of the run becomes due; infinite if nothing does. What is due already
    waits for something else, such as free cores."""
    if facts.run.state.is_final or not facts.attempts:
        return NEVER
    due = [NEVER]
    for planned in facts.plan.stages:
        tries = facts.attempts.get(planned.id, ())
        if not tries:
            continue
        last, record = tries[-1], facts.stages[planned.id]
        if record.state is StageState.READY and last.finished_at is not None:
            counted = tries[record.reopened_after :]
            wait = decide_retry(planned.retries, counted).wait_s if counted else 0.0
            due.append(last.finished_at + wait - now)
        elif record.state is StageState.RUNNING and planned.timeout and last.started_at and not last.stop_reason:
            due.append(last.started_at + planned.timeout.total_seconds() - now)
    return min(seconds for seconds in due if seconds > 0)
