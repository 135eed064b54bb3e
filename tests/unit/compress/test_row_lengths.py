"""Row lengths that a plan reads from a configuration are those of the weights that the stage finds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch
from safetensors.torch import load_file

from bongsu_stages.compress.names import on_disk
from bongsu_stages.compress.row_lengths import row_lengths
from bongsu_stages.compress.schemes import is_quantised
from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.loading import model_class

_OTHER_EXPERT = re.compile(r"\.experts\.[1-9]\d*\.")


def quantised(shapes: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """Row lengths of what the stage would quantise, of the first expert of each layer."""
    return {
        name: shape[1]
        for name, shape in shapes.items()
        if is_quantised(name, shape, ("lm_head",)) and not _OTHER_EXPERT.search(name)
    }


@pytest.mark.parametrize("family", ["axk1", "axk2"])
def test_of_models_on_disk(family: str, tmp_path: Path) -> None:
    tiny.write_tokenizer(tmp_path / "tokenizer")
    shape = tiny.SHAPE.model_copy(update={"architecture": family})
    tiny.write_model(tmp_path / "model", tmp_path / "tokenizer", shape)
    weights = {
        name: w for file in (tmp_path / "model").glob("*.safetensors") for name, w in load_file(file).items()
    }
    found = quantised({name: tuple(weight.shape) for name, weight in weights.items()})
    assert dict(row_lengths(read_config(tmp_path / "model"))) == found


@pytest.mark.parametrize(("kind", "name"), [("llama", "LlamaForCausalLM"), ("qwen3", "Qwen3ForCausalLM")])
def test_of_dense_models(kind: str, name: str) -> None:
    config: dict[str, Any] = {**tiny.DENSE, "model_type": kind, "architectures": [name]}
    cls = model_class(config)
    with torch.device("meta"):
        model = cls(cls.config_class.from_dict(config))
    found = quantised({on_disk(kind, key): tuple(weight.shape) for key, weight in model.state_dict().items()})
    assert dict(row_lengths(config)) == found


def test_a_configuration_that_does_not_tell_has_none() -> None:
    assert not list(row_lengths({}))
    assert not list(row_lengths({"model_type": "axk1", "num_hidden_layers": 2}))
