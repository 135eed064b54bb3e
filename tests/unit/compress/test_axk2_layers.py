"""A.X K2, whose checkpoints call some weights otherwise than transformers' classes do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult
from bongsu_stages.compress.layers import LayerStream
from bongsu_stages.compress.names import in_class, on_disk
from bongsu_stages.models.loading import load_model
from bongsu_stages.models.weight_index import WeightIndex

W4 = {"scheme": "W4A16", "groupSize": 16}
GPTQ = {**W4, "method": "gptq"}


@pytest.fixture(scope="module")
def k2(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small A.X K2 of random weights, in the names of released checkpoints."""
    root = tmp_path_factory.mktemp("axk2")
    tiny.write_tokenizer(root / "tokenizer")
    shape = tiny.SHAPE.model_copy(update={"architecture": "axk2"})
    tiny.write_model(root / "model", root / "tokenizer", shape)
    return ("k2", ArtifactType.MODEL, tiny.commit(bench.runner.store, "axk2", root / "model"))


def quantized(bench: Any, model: Any, params: dict[str, Any]) -> AttemptResult:
    inputs = {"model": [model], "calibration": [bench.tokens]} if "method" in params else {"model": [model]}
    made = bench.runner.made("compress.quantize", params, inputs)
    assert isinstance(made, AttemptResult)
    return made


def packed(bench: Any, made: AttemptResult) -> dict[str, torch.Tensor]:
    weights = bench.weights(str(made.outputs["model"].digest))
    return {name: tensor for name, tensor in weights.items() if name.endswith("weight_packed")}


def model_of(bench: Any, k2: Any, family: str) -> Any:
    return k2 if family == "axk2" else bench.model


@pytest.mark.parametrize("family", ["axk1", "axk2"])
def test_gptq_calibrates_every_matrix_that_it_writes(bench: Any, k2: Any, family: str) -> None:
    model = model_of(bench, k2, family)
    made = quantized(bench, model, GPTQ)
    calibrated, rounded = packed(bench, made), packed(bench, quantized(bench, model, W4))
    assert calibrated.keys() == rounded.keys()
    assert made.metrics["matrices"] == made.metrics["calibrated_matrices"] == len(calibrated)
    assert made.metrics["rounded_matrices"] == 0
    assert "rounded" not in made.notes
    record = bench.json(str(made.outputs["model"].digest), "quantization.json")
    assert record["rounded"] == {}
    kinds = {name.split(".")[-2] for name in calibrated if not torch.equal(calibrated[name], rounded[name])}
    assert kinds == {name.split(".")[-2] for name in calibrated}
    assert "q_b_proj" in kinds
    assert "down_proj" in kinds


@pytest.mark.parametrize("params", [W4, GPTQ, {"scheme": "FP8"}], ids=["int4", "gptq", "fp8"])
def test_a_quantised_k2_loads_and_stays_close(bench: Any, k2: Any, params: dict[str, Any]) -> None:
    ids = bench.text()
    with torch.inference_mode():
        whole, small = (
            load_model(bench.directory(str(digest)))(input_ids=ids).logits
            for digest in (k2[2], quantized(bench, k2, params).outputs["model"].digest)
        )
    assert float((small - whole).norm() / whole.norm()) < (0.05 if params["scheme"] == "FP8" else 0.2)


def test_the_ignored_modules_stand_under_the_names_of_checkpoint_and_class(bench: Any, k2: Any) -> None:
    digest = str(quantized(bench, k2, W4).outputs["model"].digest)
    ignored = bench.json(digest, "config.json")["quantization_config"]["ignore"]
    norm = "model.layers.1.input_layernorm"
    assert {f"{norm}.W_down", f"{norm}.mlp.fc1", "model.layers.1.self_attn.indexer.weights_proj"} <= set(ignored)
    assert not any("q_b_proj" in name or "q_gate_proj" in name for name in ignored)


@pytest.mark.parametrize("family", ["axk1", "axk2"])
def test_layer_by_layer_is_what_the_whole_model_does(bench: Any, k2: Any, family: str) -> None:
    digest = str(model_of(bench, k2, family)[2])
    model, ids = load_model(bench.directory(digest), experts_implementation=None), bench.text()
    stream = LayerStream(WeightIndex(bench.runner.store.reader(digest)), model.config, ids, micro_batch=4)
    for _, layer in stream:
        stream.advance(layer)
    with torch.inference_mode():
        expected = model.model(input_ids=ids, use_cache=False).last_hidden_state
        found = model.model.norm(torch.cat(stream.hidden))
    assert torch.allclose(found, expected, atol=1e-4)


def test_experts_of_a_k2_are_pruned(bench: Any, k2: Any) -> None:
    inputs = {"model": [k2], "calibration": [bench.tokens]}
    made = bench.runner.made("compress.expert-prune", {"keepFraction": 0.5}, inputs)
    directory: Path = bench.directory(str(made.outputs["model"].digest))
    with torch.inference_mode():
        assert torch.isfinite(load_model(directory)(input_ids=bench.text()).logits).all()


@pytest.mark.parametrize("family", ["axk1", "axk2", "another"])
def test_names_are_the_same_after_there_and_back(family: str) -> None:
    for name in ("layers.0.self_attn.q_b_proj.weight", "layers.0.input_layernorm.W_up.weight", "layers.1.mlp.gate"):
        assert on_disk(family, in_class(family, name)) == name
    assert in_class("axk2", "layers.0.self_attn.q_b_proj") == "layers.0.self_attn.q_gate_proj"
