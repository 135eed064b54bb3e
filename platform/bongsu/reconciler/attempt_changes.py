"""What became of a live attempt, from three witnesses: the store, the executor, the artifact store. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bongsu.domain.attempt import AttemptResult, Failure, FailureReason, Observation, Phase
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.run import AttemptState, StopReason
from bongsu.reconciler.facts import WorldFacts
from bongsu.store.records import AttemptRecord


@dataclass(frozen=True)
class Started:
    """It runs since ``at`` (seconds since the epoch), and the store does not know it yet."""

    at: float


@dataclass(frozen=True)
class Stop:
    """It must end."""

    reason: StopReason


@dataclass(frozen=True)
class Ended:
    state: AttemptState
    outcome: AttemptResult | Failure | None


Change = Started | Stop | Ended

_LOST = {
    Phase.SUCCEEDED: N_("The attempt ended without leaving a result."),
    Phase.CANCELLED: N_("The attempt was ended from outside."),
}


def changes_of(
    attempt: AttemptRecord, timeout: timedelta | None, world: WorldFacts, cancelling: bool
) -> list[Change]:
    """What is new about the attempt; nothing if all is as the store has it.

    A result record decides, whatever the executor says. Where there is none, the executor is believed when it says
    that the attempt is over; an attempt that the executor was asked for and has no trace of ended as its failure
    record says, or is lost.
    """
    outcome = world.outcomes.get(attempt.id)
    if isinstance(outcome, AttemptResult):
        return [Ended(AttemptState.SUCCEEDED, outcome)]
    seen = world.observations.get(attempt.id)
    if seen is None:
        return []
    was_asked_for = attempt.state is AttemptState.RUNNING or outcome is not None
    if seen.phase.is_final or (seen.phase is Phase.ABSENT and was_asked_for):
        return [_without_result(attempt, timeout, seen, outcome)]
    if seen.phase is Phase.ABSENT and (attempt.stop_reason or cancelling):
        # It was recorded, and the executor was never asked: there is nothing to stop.
        return [Ended(AttemptState.CANCELLED, None)]
    return _under_way(attempt, timeout, seen, now=world.now, cancelling=cancelling)


def held_span(
    attempt: AttemptRecord, seen: Observation | None, outcome: AttemptResult | Failure | None, now: float
) -> tuple[float, float] | None:
    """From when until when an attempt that is over held what it asked for, from its admission to its release.

    The executor's word comes first, then the worker's own. An attempt of which nobody knows that it began was never
    admitted. Where nobody says when it was released, it was held until now.
    """
    result = outcome if isinstance(outcome, AttemptResult) else None
    admitted = attempt.started_at
    if admitted is None and seen is not None and seen.started_at is not None:
        admitted = seen.started_at.timestamp()
    if admitted is None and result is not None:
        admitted = result.started_at.timestamp()
    if admitted is None:
        return None
    if seen is not None and seen.finished_at is not None:
        return admitted, seen.finished_at.timestamp()
    return admitted, result.finished_at.timestamp() if result else now


def _without_result(
    attempt: AttemptRecord, timeout: timedelta | None, seen: Observation, outcome: Failure | None
) -> Ended:
    failure = outcome or seen.failure
    if attempt.stop_reason is StopReason.CANCELLED:
        return Ended(AttemptState.CANCELLED, None)
    if attempt.stop_reason is StopReason.TIMED_OUT:
        return Ended(AttemptState.TIMED_OUT, _late(timeout))
    if failure is not None and failure.reason.loses_attempt:
        return Ended(AttemptState.LOST, failure)
    if outcome is not None or seen.phase is Phase.FAILED:
        return Ended(AttemptState.FAILED, failure)
    if failure is None:
        message = _LOST.get(seen.phase, N_("The attempt is gone without a trace."))
        failure = Failure(reason=FailureReason.WORKER_LOST, message=message)
    return Ended(AttemptState.LOST, failure)


def _under_way(
    attempt: AttemptRecord, timeout: timedelta | None, seen: Observation, *, now: float, cancelling: bool
) -> list[Change]:
    found: list[Change] = []
    started = attempt.started_at
    if seen.phase is Phase.RUNNING and attempt.state is AttemptState.REQUESTED:
        started = seen.started_at.timestamp() if seen.started_at else now
        found.append(Started(started))
    if attempt.stop_reason:
        return found
    if cancelling:
        found.append(Stop(StopReason.CANCELLED))
    elif started is not None and timeout is not None and now > started + timeout.total_seconds():
        found.append(Stop(StopReason.TIMED_OUT))
    return found


def _late(timeout: timedelta | None) -> Failure:
    limit = timeout.total_seconds() if timeout else 0.0
    return Failure(
        reason=FailureReason.TIMEOUT,
        message=phrase(N_("It took longer than {limit:g} s."), limit=limit),
        fix=N_("Raise `timeout`, or give the stage more resources or less work."),
    )
