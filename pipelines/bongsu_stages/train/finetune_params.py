"""Parameters of ``train.finetune``."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from bongsu_stages.train.lora_params import LoraParams
from bongsu_stages.train.params import TrainingParams


class FinetuneParams(TrainingParams):
    """Parameters of ``train.finetune``."""

    balance_rate: float = Field(
        default=0.0, ge=0, description="Step of the router bias; 0 leaves the routing as the base has it"
    )
    sequence_length: int = Field(default=2048, ge=8, description="Longest conversation in tokens; the rest is cut")
    held_out: float = Field(
        default=0.05, ge=0, le=0.5, description="Fraction of the conversations kept back for the held-out loss"
    )
    chat_template: str = Field(
        default="",
        description="Jinja template of a conversation; empty: the tokenizer's own, or headings in Korean",
    )
    lora: LoraParams = Field(default=LoraParams(), description="The adapter")

    @model_validator(mode="after")
    def _linear_layers_of_shared_models(self) -> Self:
        if self.parallel == "shard" and self.lora.target_parameters:
            raise ValueError("targetParameters are adapted in whole models only: name targetModules, or replicate")
        return self
