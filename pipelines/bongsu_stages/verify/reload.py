"""``verify.reload``: models reloaded from disk in a new process must be what they were."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Model, Role, Tokens, Verification
from bongsu.domain.stages import Params
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage

MAX_LOGITS = 4
"""Sequences whose logits are compared, number by number."""
GENERATED = 16
"""Tokens of the continuation that is compared."""


class ReloadParams(Params):
    """Parameters of ``verify.reload``."""

    logit_tolerance: float = Field(
        default=0.02, gt=0, description="Largest difference of a logit, in standard deviations of the logits"
    )
    perplexity_tolerance: float = Field(default=0.002, gt=0, description="Relative difference of perplexity")
    activation_logit_tolerance: float = Field(
        default=1.5,
        gt=0,
        description="logitTolerance where a model rounds activations in a way that is not known here",
    )
    activation_perplexity_tolerance: float = Field(
        default=0.02,
        gt=0,
        description="perplexityTolerance where a model rounds activations in a way that is not known here",
    )
    max_loss_increase: float = Field(
        default=0.5, gt=0, description="Loss above the baseline's, nats per token, before it is a fault"
    )
    sequences: int = Field(default=16, ge=1, le=4096, description="Held-out sequences to compare on")
    fingerprints: Literal["required", "optional"] = Field(
        default="required",
        description="Whether a model that does not record its weights as they were in memory may pass; "
        "one that another tool wrote has no such record",
    )
    required: bool = Field(default=True, description="Fail the stage if a model does not pass")


def _workload(params: ReloadParams, length: int) -> Workload:
    losses, logits = params.sequences * length, min(params.sequences, MAX_LOGITS) * length
    # Half a sequence is continued without a cache: a pass over all of it for each token.
    continued = GENERATED * (length // 2) + GENERATED * (GENERATED - 1) // 2
    return Workload(
        kind=WorkKind.INFERENCE,
        micro_batch=8,
        sequence_length=length,
        # Reloaded in another process, and read independently here.
        tokens=2 * (losses + logits + continued),
    )


@stage(
    "verify.reload",
    params=ReloadParams,
    inputs={
        "models": Model("Models to verify", many=True),
        "tokens": Tokens("Held-out text to compare on", many=True),
        "baseline": Model(
            "The uncompressed model: its configuration and loss are compared too", optional=True, role=Role.BASELINE
        ),
    },
    outputs={"verification": Verification("Verdict on each model, check by check")},
    workload=_workload,
)
def reload(ctx: StageContext, params: ReloadParams) -> StageOutputs:
    """Reload models from disk in a new process and compare them with what they were in memory when they were written.

    Every weight is compared with its fingerprint that the stage which wrote it took in memory, bit by bit. What the
    reloaded model answers is compared with what the same weights answer when they are unpacked here, without the
    quantisation library.
    """
    import json

    from bongsu_stages.verify.gate import examine

    ctx.phase("comparing")
    entries = examine(ctx, params)
    text = json.dumps({"entries": entries}, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    with ctx.output("verification").create("verification.json") as file:
        file.write(f"{text}\n".encode())
    failed = [entry for entry in entries if not entry["passed"]]
    for entry in failed:
        for check in entry["checks"]:
            if not check["passed"]:
                ctx.message(f"{entry['title']}: {check['name']}: {check['value']} (allowed: {check['tolerance']})")
    if failed and params.required:
        first = next(check for check in failed[0]["checks"] if not check["passed"])
        raise StageError(
            phrase(
                N_("{title} does not come back as what it was: {check}: {value} (allowed: {tolerance})."),
                title=failed[0]["title"],
                check=first["name"],
                value=first["value"],
                tolerance=first["tolerance"],
            ),
            N_("Do not use this model; look at the stage that made it."),
            keep=["verification"],
        )
    return StageOutputs(metrics={"passed": float(len(entries) - len(failed)), "failed": float(len(failed))})
