"""Models of classes other than A.X: what a tree records of them, and what it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bongsu_stages.models.fingerprints import FINGERPRINTS, Fingerprints, fingerprints_of
from bongsu_stages.models.loading import load_model
from bongsu_stages.models.saving import Origin, save_model


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_dense_model_has_all_its_weights_recorded_and_keeps_how_it_generates(
    tmp_path: Path, in_parts: bool
) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    config.architectures = ["LlamaForCausalLM"]
    model = LlamaForCausalLM(config)
    model.generation_config.eos_token_id = [2, 7]
    state = model.state_dict()
    halves = [dict(list(state.items())[::2]), dict(list(state.items())[1::2])] if in_parts else None
    save_model(model, Origin(config.to_dict(), None), tmp_path, parts=halves)
    loaded = load_model(tmp_path, dtype="stored").state_dict()
    recorded = Fingerprints.model_validate_json((tmp_path / FINGERPRINTS).read_bytes()).state
    assert recorded == fingerprints_of(loaded.items())
    assert all(torch.equal(loaded[name], state[name].bfloat16()) for name in state)
    assert json.loads((tmp_path / "generation_config.json").read_text())["eos_token_id"] == [2, 7]
