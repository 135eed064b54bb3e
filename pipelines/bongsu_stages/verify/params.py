"""Parameters of ``verify.reload``, and how much it compares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bongsu.domain.stages import Params

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
