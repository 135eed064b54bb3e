"""What Ray's errors mean for a person."""

from __future__ import annotations

from bongsu.domain.attempt import Failure, FailureReason


def failure_from_ray(error: BaseException) -> Failure:
    """A cause and a way out for an exception that ``ray.get`` raised."""
    import ray.exceptions as known

    text = str(error)
    if isinstance(error, known.OutOfMemoryError):
        return Failure(
            reason=FailureReason.OUT_OF_MEMORY,
            message="Ray ended the worker because this machine ran out of memory.",
            fix="Run fewer stages at once, ask for more memory, or lower microBatch.",
            detail=text[-4000:],
        )
    if isinstance(error, known.RuntimeEnvSetupError):
        return Failure(
            reason=FailureReason.ENVIRONMENT_FAILED,
            message="Ray could not make the stage's environment.",
            fix="Check the stage's environment; see the detail.",
            detail=text[-4000:],
        )
    if isinstance(error, known.WorkerCrashedError | known.RaySystemError | known.TaskCancelledError):
        return Failure(
            reason=FailureReason.WORKER_LOST,
            message="The worker process ended in the middle of the stage.",
            fix="See the log for its last words; a crash in native code or a full memory are the usual causes.",
            detail=text[-4000:],
        )
    return Failure(
        reason=FailureReason.STAGE_ERROR, message=f"{type(error).__name__}: {text[:500]}", detail=text[-4000:]
    )


def ray_is_out_of_order(error: BaseException) -> Failure:
    """Ray did not start, or does not take what it is asked for; the stage has no part in it."""
    return Failure(
        reason=FailureReason.EXECUTOR_FAILED,
        message=f"Ray does not work: {error}",
        fix="Run `bongsu doctor`; see Ray's own logs in its temporary directory.",
        retryable=False,
    )
