"""What an attempt's records in the artifact store say, read the same by whoever asks: worker, executor, reconciler."""

from __future__ import annotations

from pydantic import ValidationError

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.attempt import AttemptResult, Failure, FailureReason, failure_key, result_key
from bongsu.domain.ids import AttemptId
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase


def recorded_outcome(artifacts: ArtifactStore, attempt: AttemptId) -> AttemptResult | Failure | None:
    """The attempt's result, or else its failure; None if it left neither.

    A record that stands and cannot be read, or speaks of another attempt, is a failure that another attempt of the
    same worker would only repeat. It is not passed over: it says that the attempt is over.

    Raises:
        OSError, BongsuError: the store does not answer at the moment.
    """
    result = recorded_result(artifacts, attempt)
    if result is not None:
        return result
    data = artifacts.get_record(failure_key(attempt))
    return None if data is None else _failure(data)


def recorded_result(artifacts: ArtifactStore, attempt: AttemptId) -> AttemptResult | Failure | None:
    """As :func:`recorded_outcome`, of the result alone."""
    data = artifacts.get_record(result_key(attempt))
    if data is None:
        return None
    try:
        result = AttemptResult.model_validate_json(data)
    except ValidationError as error:
        return _bad(phrase(N_("Its result record cannot be read: {detail}."), detail=error.errors()[0]["msg"]))
    if result.id != attempt:
        return _bad(phrase(N_("Its result record speaks of {attempt}."), attempt=result.id.key))
    return result


def _failure(data: bytes) -> Failure:
    try:
        return Failure.model_validate_json(data)
    except ValidationError as error:
        return _bad(phrase(N_("Its failure record cannot be read: {detail}."), detail=error.errors()[0]["msg"]))


def _bad(message: Words) -> Failure:
    fix = N_(
        "Check that worker and control plane have the same version, and who else writes to the artifact store."
    )
    return Failure(reason=FailureReason.BAD_OUTPUT, message=message, fix=fix, retryable=False)
