"""Stages without content: for measuring what the platform itself costs, and for trying its failure paths."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Literal

from pydantic import Field

from bongsu.domain.messages import N_
from bongsu.domain.ports import Files
from bongsu.domain.stages import Params
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, no_titles, stage

MIB = 1024 * 1024


class ProbeParams(Params):
    """Parameters of ``probe``. What is asked for happens in the order in which it stands here."""

    variable: str = Field(
        default="", description="Name of an environment variable whose value goes into the output"
    )
    lines: int = Field(default=0, ge=0, description="Lines to print, half of them Korean")
    memory: int = Field(default=0, ge=0, description="MiB to allocate and to write to, held until the end")
    child_seconds: float = Field(
        default=0.0,
        ge=0,
        description="Start a process of its own session that sleeps so many seconds, and leave it",
    )
    text: str = Field(default="", description="Written to the output")
    seconds: float = Field(default=0.0, ge=0, description="Seconds to sleep, spread over `steps`")
    steps: int = Field(default=0, ge=0, description="Progress events to send")
    metric: float = Field(default=0.0, description="Reported as the metric `value`")
    crash: Literal["", "exit", "kill"] = Field(
        default="", description="End the worker process: `exit` without a word, `kill` by a signal"
    )
    fail: bool = Field(default=False, description="Fail with a StageError, which is not retried")
    fail_until_attempt: int = Field(
        default=0, ge=0, description="Fail, retryably, while the attempt number is below"
    )
    write_nothing: bool = Field(default=False, description="End without an output, as a faulty stage would")


@stage(
    "probe",
    params=ProbeParams,
    inputs={"after": Files("Anything; only orders the stages", many=True, optional=True)},
    outputs={"files": Files("One small file")},
    for_drills=True,
    titles=no_titles,
)
def probe(ctx: StageContext, params: ProbeParams) -> StageOutputs:
    """Write one small file: a stage that costs nothing, for measuring and for drills.

    Its first message is ``process PID``; if it starts a process, ``child PID`` follows.
    """
    ctx.message(f"process {os.getpid()}")
    _burden(ctx, params)
    held = b"\1" * (params.memory * MIB)
    for step in range(params.steps):
        ctx.progress(step + 1, params.steps, value=params.metric)
        time.sleep(params.seconds / params.steps)
    if not params.steps and params.seconds:
        time.sleep(params.seconds)
    _end_badly(ctx, params)
    text = params.text + (os.environ.get(params.variable, "") if params.variable else "")
    if not params.write_nothing:
        with ctx.output("files").create("probe.txt") as file:
            file.write(text.encode())
    print(f"probe: {text}", flush=True)
    return StageOutputs(metrics={"value": params.metric}, notes={"held": f"{len(held) // MIB} MiB"})


def _burden(ctx: StageContext, params: ProbeParams) -> None:
    """Output and processes, before anything else happens."""
    for number in range(params.lines):
        print(f"line {number}" if number % 2 else f"봉수 {number}번째 줄", flush=number + 1 == params.lines)
    if params.child_seconds:
        child = subprocess.Popen(["sleep", str(params.child_seconds)], start_new_session=True)
        ctx.message(f"child {child.pid}")


def _end_badly(ctx: StageContext, params: ProbeParams) -> None:
    if params.crash == "exit":
        os._exit(3)
    if params.crash == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if params.fail:
        raise StageError(N_("The probe was told to fail."), N_("Set fail: false."))
    if ctx.spec.id.number < params.fail_until_attempt:
        raise StageError(N_("The probe fails on this attempt."), N_("Wait for the retry."), retryable=True)
