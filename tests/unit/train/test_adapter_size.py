"""The size of an adapter that plans count with is the size of what peft adds to the real classes."""

from __future__ import annotations

from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.planner.adapter import adapter_parameters
from bongsu.planner.config_shapes import shape_of
from bongsu_stages.models.loading import model_class
from bongsu_stages.train.finetune import finetune
from bongsu_stages.train.finetune_params import FinetuneParams
from bongsu_stages.train.lora import add_adapter

IDS = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")


def config_of(kind: str) -> dict[str, Any]:
    if kind in ("axk1", "axk2"):
        return tiny.SHAPE.model_copy(update={"architecture": kind}).config(tiny.VOCABULARY, IDS)
    return {**tiny.DENSE, "model_type": kind, "architectures": [f"{kind.capitalize()}ForCausalLM"]}


@pytest.mark.parametrize(
    ("kind", "targets"), [("axk1", ()), ("axk2", ()), ("axk1", EXPERTS), ("llama", ()), ("qwen3", ())]
)
def test_of_every_kind_of_model(kind: str, targets: tuple[str, ...]) -> None:
    lora = {"rank": 4, "targetParameters": list(targets)}
    params = FinetuneParams.model_validate({"steps": 1, "learningRate": 0.1, "lora": lora})
    config = config_of(kind)
    cls = model_class(config)
    with torch.device("meta"):
        adapted = add_adapter(cls(cls.config_class.from_dict(config)), params.lora, 0)
    added = sum(weight.numel() for name, weight in adapted.named_parameters() if ".lora_" in name)
    work = finetune.signature.workload(params, 0)
    shape = shape_of(config)
    assert shape is not None
    assert adapter_parameters(shape, work.adapter_rank, work.adapts_experts) == added
