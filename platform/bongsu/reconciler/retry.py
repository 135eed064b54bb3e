"""Whether a failed attempt is followed by another, and when. Facts in, decision out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bongsu.domain.attempt import FailureReason
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.pipeline import Retries
from bongsu.domain.run import AttemptState
from bongsu.store.records import AttemptRecord

# Attempts whose worker or control plane vanished are not the stage's fault; this many in a row, none of which came
# further than the one before, are too many.
MAX_LOST_IN_A_ROW = 5


@dataclass(frozen=True)
class RetryDecision:
    """Try again after ``wait_s`` seconds from the end of the last attempt, or give up for ``reason``."""

    again: bool
    wait_s: float = 0.0
    reason: Words = ""


def decide_retry(retries: Retries, attempts: Sequence[AttemptRecord]) -> RetryDecision:
    """What follows the last of ``attempts``, which are over and in the order of their numbers.

    A lost attempt is tried again at once and does not count; a failure that another attempt cannot change is not
    tried again; any other waits ``backoff * factor ** n``, at most ``maxBackoff``.
    """
    last = attempts[-1]
    if last.state is AttemptState.LOST:
        lost = _lost_without_progress(attempts)
        if lost >= MAX_LOST_IN_A_ROW:
            return RetryDecision(False, reason=_lost_too_often(last, lost))
        return RetryDecision(True)
    reason = last.failure.message if last.failure else last.state.value
    if last.failure is not None and not last.failure.retryable:
        return RetryDecision(False, reason=reason)
    failed = sum(attempt.state in (AttemptState.FAILED, AttemptState.TIMED_OUT) for attempt in attempts)
    if failed > retries.limit:
        return RetryDecision(False, reason=reason)
    wait = retries.backoff.total_seconds() * retries.factor ** (failed - 1)
    return RetryDecision(True, min(wait, retries.max_backoff.total_seconds()))


def is_due(decision: RetryDecision, ended_at: float | None, now: float) -> bool:
    """True once the wait is over. A clock that was moved back behind the end makes nobody wait for it."""
    ended = ended_at or 0.0
    return now >= ended + decision.wait_s or now < ended


def _lost_too_often(last: AttemptRecord, lost: int) -> Words:
    """With what was last heard of it, and where to look: that it was lost is no cause."""
    failure = last.failure
    heard = as_phrase(failure.message) if failure else phrase(N_("Nothing was heard of it."))
    step = last.last_step
    if step:
        heard = phrase(N_("{heard} It had come to step {step}."), heard=heard, step=step)
    look = N_("See `bongsu logs {run} {stage}`, and memory, disk and network of the machine that it ran on.")
    told = phrase(look, run=last.id.run_id, stage=last.id.stage_id)
    fix = as_phrase(failure.fix) if failure and failure.fix else told
    words = N_(
        "its worker was lost {lost} times in a row, none of which came further. The last time: {heard} {fix}"
    )
    return phrase(words, lost=lost, heard=heard, fix=fix)


def _lost_without_progress(attempts: Sequence[AttemptRecord]) -> int:
    count = 0
    for place in range(len(attempts) - 1, -1, -1):
        failure = attempts[place].failure
        if attempts[place].state is not AttemptState.LOST:
            break
        if failure is not None and failure.reason is FailureReason.DRIVER_ENDED:
            continue  # says nothing about the stage, however often somebody does it
        before = max((attempt.last_step or 0 for attempt in attempts[:place]), default=0)
        if (attempts[place].last_step or 0) > before:
            break
        count += 1
    return count
