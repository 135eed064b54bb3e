"""A run in which there is something of everything that a document of a run can hold."""

from __future__ import annotations

from reconciler_world import registering_stage, registration_inputs
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.domain.ids import AttemptId
from bongsu.service.submitting import submit


def run_with_everything(place: Place) -> str:
    """A stage that failed once, and a model that was registered."""

    def fate(attempt: AttemptId) -> None:
        if attempt.stage_id == "a" and attempt.number == 1:
            place.cluster.fail(attempt)
        else:
            place.cluster.succeed(attempt)

    place.fate = fate
    inputs = registration_inputs(place.platform.artifacts)  # type: ignore[arg-type]
    plan = plan_of(stage("a", retries=1), registering_stage("register", "a"), inputs=inputs)
    run = submit(place.platform, plan).run
    assert drive(place.platform, [run.id]).runs[0].state.value == "succeeded"
    return run.id
