"""Parameters of ``evaluate.speed``, and the names of its figures."""

from __future__ import annotations

from pydantic import Field

from bongsu.domain.stages import Params

READING, WRITING = "speed.tokensPerSecond", "speed.decodeTokensPerSecond"


class SpeedParams(Params):
    """Parameters of ``evaluate.speed``."""

    prompt_tokens: int = Field(default=128, ge=1, description="Tokens of the prompt")
    new_tokens: int = Field(default=32, ge=1, description="Tokens to generate")
    batch: int = Field(default=8, ge=1, description="Sequences at once")
    passes: int = Field(default=2, ge=1, le=10, description="Times to go through all models")
    repeats: int = Field(
        default=3, ge=1, le=100, description="Measurements of a model in each pass; the median counts"
    )
    seed: int = Field(default=0, ge=0, description="Seed of the random prompt")
