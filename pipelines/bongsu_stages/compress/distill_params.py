"""Parameters of ``compress.distill``."""

from __future__ import annotations

from pydantic import Field

from bongsu_stages.train.params import TokenTrainingParams


class DistillParams(TokenTrainingParams):
    """Parameters of ``compress.distill``."""

    learning_rate: float = Field(default=5e-4, gt=0, le=1, description="Highest learning rate, after the warm-up")
    warmup_steps: int = Field(default=5, ge=0, description="Steps over which the learning rate rises from 0")
    temperature: float = Field(default=1.0, gt=0, le=20, description="Softens both distributions before comparing")
    alpha: float = Field(
        default=1.0, ge=0, le=1, description="Share of the teacher's distribution in the loss; the rest is the text"
    )
