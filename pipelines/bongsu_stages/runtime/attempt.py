"""Running one attempt: read inputs, call the stage, commit outputs, write the result record.

The order is what makes a kill at any moment harmless: trees become visible one by one under their digests
(unreferenced, they are garbage and nothing else), and the attempt counts as done when its record stands.
"""

from __future__ import annotations

import contextlib
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pydantic

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.checking import is_damage
from bongsu.artifacts.open import open_store
from bongsu.artifacts.outcomes import recorded_result
from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import (
    SCRATCH,
    AttemptResult,
    AttemptSpec,
    Failure,
    FailureReason,
    failure_key,
    result_key,
)
from bongsu.domain.codes import artifact as codes
from bongsu.domain.events import StageEvent
from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.metrics import not_finite
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.machine.removing import remove_tree
from bongsu_stages.runtime.catalogue import load_stage
from bongsu_stages.runtime.context import StageContext
from bongsu_stages.runtime.faults import full_disk, is_out_of_memory
from bongsu_stages.runtime.leave import UNASKED, Leave, NoLeaveError
from bongsu_stages.runtime.memory import PeakMemory
from bongsu_stages.runtime.stage import StageError

_REASONS = {
    codes.MISSING: FailureReason.INPUT_CORRUPT,
    codes.CORRUPT: FailureReason.INPUT_CORRUPT,
    codes.EMPTY_TREE: FailureReason.BAD_OUTPUT,
    codes.UNSAFE_PATH: FailureReason.BAD_OUTPUT,
    codes.NO_SPACE: FailureReason.STORAGE_FAILED,
    codes.READ_ONLY: FailureReason.STORAGE_FAILED,
    codes.NO_BUCKET: FailureReason.STORAGE_FAILED,
    codes.CREDENTIALS: FailureReason.STORAGE_FAILED,
    codes.DENIED: FailureReason.STORAGE_FAILED,
    codes.CLOCK: FailureReason.STORAGE_FAILED,
    codes.REMOTE_REFUSED: FailureReason.STORAGE_FAILED,
    codes.REMOTE_UNREACHABLE: FailureReason.STORAGE_FAILED,
}


def run_attempt(
    spec: AttemptSpec,
    emit: Callable[[StageEvent], None],
    clock: Callable[[], float],
    leave: Leave = UNASKED,
) -> AttemptResult | Failure:
    """Run the attempt to its end and leave a result or a failure record in the artifact store.

    Never raises for what a stage, the artifact store or the disk does; a stage that ends the process itself is seen by
    the executor. An attempt whose record stands is not run again.

    Args:
        spec: the attempt.
        emit: receives its events.
        clock: seconds since the epoch, for records and events.
        leave: asked for every input before anything of the stage begins, and again before one is opened later.
    """
    store: ArtifactStore | None = None
    scratch: Path | None = None
    context: StageContext | None = None
    peak = PeakMemory()
    try:
        store = open_store(spec.artifact_store, spec.cache)
        standing = recorded_result(store, spec.id)
        if standing is not None:
            return standing
        scratch = _make_scratch(spec)
        context = StageContext(spec, store, scratch, emit, clock, leave)
        with leave.kept():
            for digest in dict.fromkeys(ref.digest for refs in spec.inputs.values() for ref in refs):
                leave.ask(digest)
            result = _execute(spec, context, clock, peak)
        store.put_record(result_key(spec.id), result.model_dump_json().encode())
        return result
    except Exception as error:  # the boundary: whatever is raised becomes a recorded failure
        failure = _set_damaged_aside(store, error) or failure_of(error)
        if context is not None:
            failure = _with_evidence(failure, error, context).model_copy(update={"peak_memory_bytes": peak.bytes})
            _forget_outputs(context)
        _record(failure, spec, store)
        return failure
    finally:
        if scratch is not None:
            remove_tree(scratch)


def leave_failure(spec: AttemptSpec, error: Exception) -> Failure:
    """The failure of an attempt that did not come as far as :func:`run_attempt`, recorded where that can be."""
    failure = failure_of(error)
    _record(failure, spec, None)
    return failure


def _record(failure: Failure, spec: AttemptSpec, store: ArtifactStore | None) -> None:
    with contextlib.suppress(BongsuError, OSError):  # the store itself may be what failed
        store = store or open_store(spec.artifact_store, spec.cache)
        store.put_record(failure_key(spec.id), failure.model_dump_json().encode())


def _set_damaged_aside(store: ArtifactStore | None, error: Exception) -> Failure | None:
    """A tree that an attempt found damaged is no cached result any more: the next run makes it again. None if the
    failure is another, or the store finds nothing."""
    if store is None or not isinstance(error, BongsuError) or not is_damage(error):
        return None
    digests = {str(problem.args["digest"]) for problem in error.problems if problem.code == codes.CORRUPT}
    try:
        withdrawn = [digest for digest in sorted(digests) if store.withdraw(Digest(digest))]
    except (BongsuError, OSError):  # the failure is told in any case
        return None
    if not withdrawn:
        return None
    fix = N_("It was set aside; `bongsu resume` makes it again.")
    return failure_of(error).model_copy(update={"fix": fix})


def _make_scratch(spec: AttemptSpec) -> Path:
    """Beside the log, where an executor finds and clears what a killed attempt left; else a temporary directory."""
    if spec.log_directory is None:
        return Path(tempfile.mkdtemp(prefix=f"{spec.id.job_name}-"))
    scratch = Path(spec.log_directory) / SCRATCH
    remove_tree(scratch)
    scratch.mkdir(parents=True, mode=0o700)
    return scratch


def _execute(
    spec: AttemptSpec, context: StageContext, clock: Callable[[], float], peak: PeakMemory
) -> AttemptResult:
    started = datetime.fromtimestamp(clock(), UTC)
    definition = load_stage(spec.uses)
    if definition.signature.code != spec.code:
        # Its output would be remembered as that of the older code.
        raise StageError(
            phrase(N_("The code of {stage} is not as it was when the run was planned."), stage=spec.uses),
            N_("`bongsu run` plans the file anew; what did not change comes from the cache."),
        )
    params = definition.signature.params.model_validate(spec.params)
    with peak:
        outputs = definition.function(context, params)
    refs = _commit(context, spec.outputs)
    return AttemptResult(
        id=spec.id,
        outputs=refs,
        metrics=outputs.metrics,
        notes={**outputs.notes, **_unmeasured(outputs.metrics)},
        environment=_environment(),
        started_at=started,
        finished_at=datetime.fromtimestamp(clock(), UTC),
        peak_memory_bytes=peak.bytes,
    )


def _unmeasured(metrics: Mapping[str, float]) -> dict[str, str]:
    """A note that names figures which the record cannot hold."""
    lost = [f"{name} ({value})" for name, value in sorted(not_finite(metrics).items())]
    return {"not a number": ", ".join(lost)} if lost else {}


def _commit(context: StageContext, names: Iterable[str]) -> dict[str, ArtifactRef]:
    refs, spec = {}, context.spec
    for name in names:
        manifest = context.output(name).commit()
        refs[name] = ArtifactRef(
            digest=manifest.digest, type=spec.outputs[name], label=spec.label, size=manifest.size
        )
    return refs


def _with_evidence(failure: Failure, error: Exception, context: StageContext) -> Failure:
    """The failure with the outputs that tell of it."""
    if not isinstance(error, StageError) or not error.keep:
        return failure
    with contextlib.suppress(BongsuError, OSError):  # the failure is told in any case
        return failure.model_copy(update={"evidence": _commit(context, error.keep)})
    return failure


def _forget_outputs(context: StageContext) -> None:
    """What a failed attempt has written is of no use to the next, and the disk may be full of it."""
    for writer in context.writers.values():
        with contextlib.suppress(BongsuError, OSError):
            writer.abort()


def _environment() -> dict[str, str]:
    facts = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("torch", "transformers", "ray", "compressed_tensors", "peft"):
        module = sys.modules.get(name)
        if module is not None:
            facts[name] = str(getattr(module, "__version__", ""))
    torch = sys.modules.get("torch")
    if torch is not None:
        facts["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return facts


def failure_of(error: BaseException) -> Failure:
    """Sort an exception into a cause that a person can act on."""
    detail = "".join(traceback.format_exception(error))[-20_000:]
    if isinstance(error, StageError):
        return Failure(
            reason=FailureReason.STAGE_ERROR,
            message=error.message,
            fix=error.fix,
            retryable=error.retryable,
            # A stage that says what is wrong has foreseen it: where it says so concerns nobody.
            detail=detail if error.__cause__ is not None else "",
        )
    if isinstance(error, NoLeaveError):
        return error.failure
    if isinstance(error, BongsuError):
        first = error.problems[0]
        reason = _REASONS.get(first.code, FailureReason.STAGE_ERROR)
        return Failure(
            reason=reason,
            message=first.sentence(),
            fix=first.remedy(),
            retryable=reason == FailureReason.STORAGE_FAILED,
            detail=detail,
        )
    if isinstance(error, pydantic.ValidationError):
        return Failure(reason=FailureReason.BAD_PARAMETERS, message=str(error), retryable=False, detail=detail)
    if is_out_of_memory(error):
        return Failure(
            reason=FailureReason.OUT_OF_MEMORY,
            message=N_("The worker ran out of memory."),
            fix=N_("Ask for more memory, or lower microBatch or sequenceLength."),
            detail=detail,
        )
    disk = full_disk(error)
    if disk is not None:
        return Failure(
            reason=FailureReason.STORAGE_FAILED,
            message=phrase(N_("The disk does not take what the stage writes: {detail}."), detail=disk),
            fix=N_("Make room or the disk writable, and `bongsu resume`."),
            retryable=True,
            detail=detail,
        )
    return Failure(reason=FailureReason.STAGE_ERROR, message=f"{type(error).__name__}: {error}", detail=detail)
