"""``verify.reload``: models reloaded from disk in a new process must be what they were."""

from __future__ import annotations

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Model, Role, Tokens, Verification
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage
from bongsu_stages.verify.params import GENERATED, MAX_LOGITS, ReloadParams


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
