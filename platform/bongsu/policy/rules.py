"""All rules that a plan must pass, in one place."""

from __future__ import annotations

from bongsu.domain.grants import GrantFacts
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.policy import grant as grant_rule
from bongsu.policy import purpose, verification
from bongsu.policy.decision import Decision

EXPLANATIONS = {
    "purpose.lethal-autonomy": "A pipeline states a use class out of a closed list; lethal autonomy and the"
    " selection or engagement of targets are no class, and every text of a pipeline that names them is refused.",
    "grant.hours": "A plan whose estimate exceeds what is left of its grant is refused before anything starts.",
    "grant.covers": "A plan may only ask for GPU types that its grant covers.",
    "registration.verified": "A model can be registered only if a verification stage examines the same bytes.",
    "label.high-water": "An output carries the least upper bound of its inputs' labels and the pipeline's floor;"
    " nothing in a pipeline lowers it.",
}


def decisions(plan: RunPlan, grant: GrantFacts | None = None) -> list[Decision]:
    """What each rule says of the plan."""
    found = [*purpose.decide(plan), *verification.decide(plan)]
    if grant is not None:
        found.append(grant_rule.decide(plan, grant))
    return found


def check_plan(plan: RunPlan, grant: GrantFacts | None = None) -> list[Problem]:
    """Problems of the rules that deny."""
    return [decision.problem for decision in decisions(plan, grant) if decision.problem]
