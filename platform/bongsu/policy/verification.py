"""Nothing is registered that was not verified: every model at a registration is at a verification too."""

from __future__ import annotations

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import policy as codes
from bongsu.domain.messages import N_
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.ports import Role
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule

VERIFIED = Rule(
    "registration.verified",
    N_("Every model that is registered is given to a verification stage of the same plan, too."),
    (N_("stages of the plan that register"), N_("stages that verify, and what they are given")),
    "US DoD AI Ethical Principles: reliable; US DoD Responsible AI Toolkit",
    N_("when a run is planned and submitted"),
)


def decide(plan: RunPlan) -> list[Decision]:
    """One decision for each stage that makes a registration."""
    by_id: dict[str, PlannedStage] = {planned.id: planned for planned in plan.stages}
    return [
        _decide(planned, by_id) for planned in plan.stages if ArtifactType.REGISTRATION in planned.outputs.values()
    ]


def _decide(planned: PlannedStage, by_id: dict[str, PlannedStage]) -> Decision:
    verifiers = [
        by_id[source.stage_id]
        for sources in planned.inputs.values()
        for source in sources
        if source.stage_id and by_id[source.stage_id].outputs.get(source.name) is ArtifactType.VERIFICATION
    ]
    examined = {source for verifier in verifiers for sources in verifier.inputs.values() for source in sources}
    unexamined = [source for source in planned.models(Role.SUBJECT) if source not in examined]
    facts = {"verified by": ", ".join(verifier.title for verifier in verifiers)}
    if unexamined:
        problem = codes.UNVERIFIED_REGISTRATION.at(None, f"{planned.stage}.inputs", stage=planned.title)
        return VERIFIED.deny(problem, **facts)
    return VERIFIED.allow(**facts)
