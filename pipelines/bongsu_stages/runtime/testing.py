"""Stages without content: for measuring what the platform itself costs, and for trying its failure paths."""

from __future__ import annotations

import time

from pydantic import Field

from bongsu.domain.ports import Files
from bongsu.domain.stages import Params
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage


class ProbeParams(Params):
    """Parameters of ``probe``."""

    text: str = Field(default="", description="Written to the output")
    seconds: float = Field(default=0.0, ge=0, description="Seconds to sleep first")
    fail: bool = Field(default=False, description="Fail with a StageError, which is not retried")
    fail_until_attempt: int = Field(
        default=0, ge=0, description="Fail, retryably, while the attempt number is below"
    )
    steps: int = Field(default=0, ge=0, description="Progress events to send")
    metric: float = Field(default=0.0, description="Reported as the metric `value`")


@stage(
    "probe",
    params=ProbeParams,
    inputs={"after": Files("Anything; only orders the stages", many=True, optional=True)},
    outputs={"files": Files("One small file")},
)
def probe(ctx: StageContext, params: ProbeParams) -> StageOutputs:
    """Write one small file: a stage that costs nothing, for measuring and for drills."""
    for step in range(params.steps):
        ctx.progress(step + 1, params.steps, value=params.metric)
        time.sleep(params.seconds / params.steps)
    if not params.steps and params.seconds:
        time.sleep(params.seconds)
    if params.fail:
        raise StageError("The probe was told to fail.", "Set fail: false.")
    if ctx.spec.id.number < params.fail_until_attempt:
        raise StageError("The probe fails on this attempt.", "Wait for the retry.", retryable=True)
    with ctx.output("files").create("probe.txt") as file:
        file.write(params.text.encode())
    print(f"probe: {params.text}", flush=True)
    return StageOutputs(metrics={"value": params.metric})
