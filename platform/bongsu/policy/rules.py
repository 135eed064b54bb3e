"""All rules that a plan must pass, in one place."""

from __future__ import annotations

from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.policy import purpose, verification
from bongsu.policy.decision import Decision


def decisions(plan: RunPlan) -> list[Decision]:
    """What each rule says of the plan."""
    return [*purpose.decide(plan), *verification.decide(plan)]


def check_plan(plan: RunPlan) -> list[Problem]:
    """Problems of the rules that deny."""
    return [decision.problem for decision in decisions(plan) if decision.problem]
