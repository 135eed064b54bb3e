"""What Ray's errors, and the ends of its processes, mean for a person."""

from __future__ import annotations

import signal

from bongsu.domain.attempt import Failure, FailureReason, Observation, Phase
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.executors.local_ray.endings import Ending

DRIVER_ENDED = Failure(reason=FailureReason.DRIVER_ENDED, message=N_("The process that ran this attempt is gone."))


def failure_from_ray(error: BaseException) -> Failure:
    """A cause and a way out for an exception that ``ray.get`` raised."""
    import ray.exceptions as known

    text = str(error)
    if isinstance(error, known.OutOfMemoryError):
        return _out_of_memory(N_("Ray ended the worker because this machine ran out of memory."), text)
    if isinstance(error, known.RuntimeEnvSetupError):
        return Failure(
            reason=FailureReason.ENVIRONMENT_FAILED,
            message=N_("Ray could not make the stage's environment."),
            fix=N_("Check the stage's environment; see the detail."),
            detail=text[-4000:],
        )
    if isinstance(error, known.NodeDiedError | known.LocalRayletDiedError | known.OwnerDiedError):
        told = text.splitlines()[0] if text else type(error).__name__
        return ray_died(phrase(N_("it says {told}"), told=told))
    if isinstance(error, known.WorkerCrashedError | known.RaySystemError | known.TaskCancelledError):
        return worker_gone(text)
    return Failure(
        reason=FailureReason.STAGE_ERROR, message=f"{type(error).__name__}: {text[:500]}", detail=text[-4000:]
    )


def worker_gone(detail: str) -> Failure:
    """A worker process ended and left no record; :func:`worker_ended` looks closer."""
    return Failure(
        reason=FailureReason.WORKER_LOST,
        message=N_("The worker process ended in the middle of the stage."),
        fix=N_("See the log for its last words; a crash in native code or a full memory are the usual causes."),
        detail=detail[-4000:],
    )


def worker_ended(failure: Failure, ending: Ending, memory_kills: int) -> Observation:
    """What the end of a worker alone means: LOST if somebody outside ended it, FAILED if it may do so again.

    Args:
        failure: as :func:`failure_from_ray` has it.
        ending: how its process ended, if that is known.
        memory_kills: processes that the kernel ended for want of memory while the attempt ran.
    """
    if failure.reason is FailureReason.EXECUTOR_FAILED:
        return Observation(phase=Phase.LOST if failure.retryable else Phase.FAILED, failure=failure)
    if failure.reason is not FailureReason.WORKER_LOST:
        return Observation(phase=Phase.FAILED, failure=failure)
    is_killed = ending.status is None or ending.is_from_outside
    # That end is SIGKILL; who sends another signal is somebody.
    if memory_kills and is_killed and ending.signal in (None, signal.SIGKILL):
        killed = N_("The kernel ended the worker process because memory had run out.")
        return Observation(phase=Phase.FAILED, failure=_out_of_memory(killed, failure.detail))
    if ending.status is None:
        return Observation(phase=Phase.FAILED, failure=failure)
    message = phrase(N_("The worker process {ending} in the middle of the stage."), ending=ending.words)
    if ending.is_from_outside:
        fix = N_("Nothing, if it was meant; else look who ends processes on this machine.")
        told = failure.model_copy(update={"message": message, "fix": fix})
        return Observation(phase=Phase.LOST, failure=told)
    return Observation(phase=Phase.FAILED, failure=failure.model_copy(update={"message": message}))


def ray_died(message: Words) -> Failure:
    """Ray is gone, and the attempt with it, which had no part in that."""
    return Failure(
        reason=FailureReason.EXECUTOR_FAILED,
        message=phrase(N_("Ray ended under the attempt: {message}."), message=message),
        fix=N_("Nothing: Ray is started again, and the stage goes on from its last checkpoint."),
    )


def ray_died_too_often(message: Words, times: int) -> Failure:
    """Starting Ray once more is no good."""
    return Failure(
        reason=FailureReason.EXECUTOR_FAILED,
        message=phrase(N_("Ray ended {times} times; the last time {message}."), times=times, message=message),
        fix=N_(
            "Find out what ends it: `bongsu doctor`, the kernel's log, ray.log in the home, Ray's own logs in its "
            "temporary directory. `bongsu resume` goes on from the last checkpoints."
        ),
        retryable=False,
    )


def ray_unusable(message: str) -> Failure:
    """Ray did not start, or cannot be reached; the stage has no part in it."""
    return Failure(
        reason=FailureReason.EXECUTOR_FAILED,
        message=phrase(N_("Ray does not work: {message}"), message=message),
        fix=N_("Run `bongsu doctor`; see ray.log in the home, and Ray's own logs in its temporary directory."),
        retryable=False,
    )


def own_fault(error: Exception) -> Failure:
    """A mistake in Bongsu's own code; neither Ray nor the stage has a part in it."""
    return Failure(
        reason=FailureReason.EXECUTOR_FAILED,
        message=phrase(N_("Bongsu failed over the attempt: {error}"), error=f"{type(error).__name__}: {error}"),
        fix=N_("This is a fault of Bongsu; report it with the run's id."),
        retryable=False,
    )


def not_taken(error: BaseException) -> Failure:
    """Ray does not take what it is asked for."""
    return ray_unusable(str(error))


def _out_of_memory(message: str, detail: str) -> Failure:
    return Failure(
        reason=FailureReason.OUT_OF_MEMORY,
        message=message,
        fix=N_("Run fewer stages at once, ask for more memory, or lower microBatch."),
        detail=detail[-4000:],
    )
