"""What the artifact store's records say of an attempt."""

from __future__ import annotations

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.checking import fault_of
from bongsu.artifacts.outcomes import recorded_outcome
from bongsu.domain.attempt import AttemptResult, Failure, FailureReason
from bongsu.domain.ids import AttemptId
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.plan import PlannedStage


def read_outcome(
    artifacts: ArtifactStore, attempt: AttemptId, planned: PlannedStage
) -> AttemptResult | Failure | None:
    """The attempt's result or failure record; None if it left none.

    A result that lacks an output of the plan, or has it with another type, is a failure, and so is one whose trees do
    not stand in the store.

    Raises:
        OSError, BongsuError: the store does not answer at the moment.
    """
    outcome = recorded_outcome(artifacts, attempt)
    if not isinstance(outcome, AttemptResult):
        return outcome
    for name, type_ in planned.outputs.items():
        found = outcome.outputs.get(name)
        if found is None or found.type is not type_:
            return _bad(phrase(N_("It left no output {name} of type {type}."), name=name, type=type_.value))
    return _lost_output(artifacts, outcome) or outcome


def _lost_output(artifacts: ArtifactStore, result: AttemptResult) -> Failure | None:
    for name, ref in result.outputs.items():
        fault = fault_of(artifacts, ref.digest)
        if fault is not None:
            message = phrase(
                N_("Its output {name} is not in the artifact store as it was recorded: {fault}"),
                name=name,
                fault=fault.sentence(),
            )
            fix = N_("Look who changes the artifact store; another attempt makes the output again.")
            return Failure(reason=FailureReason.BAD_OUTPUT, message=message, fix=fix)
    return None


def _bad(message: Words) -> Failure:
    fix = N_("This is a fault of the stage; check that worker and control plane have the same version.")
    return Failure(reason=FailureReason.BAD_OUTPUT, message=message, fix=fix, retryable=False)
