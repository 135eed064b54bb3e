"""Size and place of a low-rank adapter, for parameters of stages; imports nothing heavy."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from bongsu.domain.stages import Params

ALL_LINEAR = "all-linear"


class LoraParams(Params):
    """Size and place of the adapter."""

    rank: int = Field(default=8, ge=1, le=1024, description="Rank of the adapter's matrices")
    alpha: float = Field(default=16.0, gt=0, description="Scale: the adapter's product is multiplied by alpha/rank")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the adapter while training")
    target_modules: tuple[str, ...] = Field(
        default=(ALL_LINEAR,),
        description="Linear layers to adapt, by the ends of their names; all-linear: all but the head",
    )
    target_parameters: tuple[str, ...] = Field(
        default=(),
        description="Fused tensors to adapt, by the ends of their names, e.g. mlp.experts.gate_up_proj",
    )
    merge_at_end: bool = Field(
        default=True,
        description="Add the adapter to the weights; false keeps the base as it is, with the adapter in a folder",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.dropout and self.target_parameters:
            raise ValueError("dropout does not go with targetParameters: set dropout to 0")
        if not self.target_modules and not self.target_parameters:
            raise ValueError("name something in targetModules or targetParameters")
        return self
