"""A plan may not need more than its grant has left, nor GPUs that the grant does not cover."""

from __future__ import annotations

from bongsu.domain.codes import policy as codes
from bongsu.domain.grants import GrantFacts
from bongsu.domain.plan import RunPlan
from bongsu.policy.decision import Decision


def decide(plan: RunPlan, grant: GrantFacts) -> Decision:
    """Refuse before anything starts, with the ways out."""
    facts = {"needed": f"{plan.gpu_hours:.1f}", "left": f"{grant.hours_left:.1f}"}
    for planned in plan.stages:
        wanted = planned.resources.accelerator
        if wanted and grant.accelerators and wanted not in grant.accelerators:
            problem = codes.GRANT_COVERS_NOT.at(
                None,
                "spec.grant",
                grant=grant.name,
                accelerator=wanted,
                stage=planned.title,
                covered=", ".join(sorted(grant.accelerators)),
            )
            return Decision("grant.covers", problem, facts)
    if plan.gpu_hours > grant.hours_left:
        problem = codes.GRANT_EXCEEDED.at(
            None, "spec.grant", grant=grant.name, needed=f"{plan.gpu_hours:,.1f}", left=f"{grant.hours_left:,.1f}"
        )
        return Decision("grant.hours", problem, facts)
    return Decision("grant.hours", None, facts)
