"""Parameters of ``compress.quantize``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bongsu.domain.stages import Params


class QuantizeParams(Params):
    """Parameters of ``compress.quantize``."""

    scheme: Literal["W4A16", "FP8"] = Field(
        default="W4A16", description="int4 weights in groups, or float8 weights and activations"
    )
    method: Literal["rounding", "gptq"] = Field(
        default="rounding", description="Round each weight, or pass errors on by GPTQ (W4A16; needs calibration)"
    )
    group_size: int = Field(default=128, ge=8, le=1024, description="Columns that share a scale (W4A16)")
    ignore: tuple[str, ...] = Field(
        default=("lm_head", r"\.gate$"), description="Linear modules to leave as they are, as regular expressions"
    )
    calibration_sequences: int = Field(default=128, ge=1, description="Sequences of calibration text (GPTQ)")
    micro_batch: int = Field(default=8, ge=1, description="Sequences in one forward pass (GPTQ)")
    seed: int = Field(default=0, ge=0, description="Seed of the choice of sequences")

    @model_validator(mode="after")
    def _gptq_is_for_int4(self) -> Self:
        if self.method == "gptq" and self.scheme != "W4A16":
            raise ValueError("method gptq goes with scheme W4A16 only")
        return self
