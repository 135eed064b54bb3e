"""Learning rate by step: linear warm-up, then cosine, linear or no decay. Pure."""

from __future__ import annotations

import math

from bongsu_stages.train.params import TrainingParams


def learning_rate(params: TrainingParams, step: int) -> float:
    """The rate used by optimizer step ``step``, counted from 0.

    It rises to the highest rate at step ``warmup_steps - 1`` and reaches the final one at the last step.
    """
    peak = params.learning_rate
    if step < params.warmup_steps:
        return peak * (step + 1) / params.warmup_steps
    if params.schedule == "constant":
        return peak
    span = max(1, params.steps - 1 - params.warmup_steps)
    done = min(1.0, (step - params.warmup_steps) / span)
    remaining = 1.0 - done if params.schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
    return peak * (params.final_learning_rate + (1.0 - params.final_learning_rate) * remaining)
