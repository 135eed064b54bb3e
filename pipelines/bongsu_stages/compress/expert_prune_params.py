"""Parameters of ``compress.expert-prune``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bongsu.domain.stages import Params


class ExpertPruneParams(Params):
    """Parameters of ``compress.expert-prune``."""

    keep_fraction: float = Field(gt=0, le=1, description="Share of the routed experts of each layer that stays")
    method: Literal["reap", "frequency", "random"] = Field(
        default="reap", description="Score: REAP saliency, how often an expert is chosen, or chance"
    )
    calibration_sequences: int = Field(default=128, ge=1, description="Sequences of calibration text")
    micro_batch: int = Field(default=8, ge=1, description="Sequences in one forward pass")
    seed: int = Field(default=0, ge=0, description="Seed of the choice of sequences, and of random scores")
