"""compress.quantize on a small A.X K1: what transformers loads is what was written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch
from safetensors.torch import load_file, save_file

from bongsu.domain.attempt import AttemptResult, Failure
from bongsu_stages.compress.quantize_params import QuantizeParams
from bongsu_stages.models.loading import load_model

STAGE = "compress.quantize"
W4 = {"scheme": "W4A16", "groupSize": 16}
GPTQ = {**W4, "method": "gptq"}
FP8 = {"scheme": "FP8"}
SCHEMES = pytest.mark.parametrize("params", [W4, GPTQ, FP8], ids=["int4", "gptq", "fp8"])
MATRIX = re.compile(r"_proj(_with_mqa)?\.weight$")


def quantize(bench: Any, params: dict[str, Any], model: Any = None, tokens: Any = None) -> AttemptResult:
    inputs = {"model": [model or bench.model]}
    if params.get("method") == "gptq":
        inputs["calibration"] = [tokens or bench.tokens]
    made = bench.runner.made(STAGE, params, inputs)
    assert isinstance(made, AttemptResult)
    return made


def digest_of(made: AttemptResult) -> str:
    return str(made.outputs["model"].digest)


def dequantised(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Plain fp32 weights, unpacked here by the rules of the format and by nothing else."""
    plain = {}
    for name, tensor in stored.items():
        stem, last = name.rsplit(".", 1)
        if last == "weight_packed":
            nibbles = torch.stack([(tensor >> shift) & 15 for shift in range(0, 32, 4)], dim=-1)
            levels = nibbles.flatten(1)[:, : int(stored[f"{stem}.weight_shape"][1])].float() - 8
            scale = stored[f"{stem}.weight_scale"].float()
            plain[f"{stem}.weight"] = levels * scale.repeat_interleave(levels.shape[1] // scale.shape[1], dim=1)
        elif last == "weight" and tensor.dtype == torch.float8_e4m3fn:
            plain[name] = tensor.float() * stored[f"{stem}.weight_scale"].float()
        elif last not in ("weight_scale", "weight_shape"):
            plain[name] = tensor
    return plain


def logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=ids).logits
    return found


def without_roundings(model: Any, ids: torch.Tensor) -> Any:
    """A loaded quantised model computing in fp32 throughout: no activation is rounded, weights stay as loaded.

    transformers keeps int4 experts in the type of their scales (bf16) and rounds FP8 activations.
    """
    from compressed_tensors.quantization import disable_quantization

    logits(model, ids)  # the first pass decompresses what is still packed
    model.apply(disable_quantization)
    return torch.nn.Module.float(model)


def plain_tree(bench: Any, digest: str, folder: Path) -> Path:
    """The model tree with dequantised weights in fp32 and without its quantisation."""
    from safetensors.torch import save_file

    shutil.copytree(bench.directory(digest), folder, ignore=shutil.ignore_patterns("*.safetensors*", "config.json"))
    config = bench.json(digest, "config.json")
    del config["quantization_config"]
    (folder / "config.json").write_text(json.dumps(config))
    weights = {name: tensor.float() for name, tensor in dequantised(bench.weights(digest)).items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@SCHEMES
@pytest.mark.parametrize("which", ["model", "sharded"])
def test_logits_are_those_of_the_dequantised_weights(
    bench: Any, tmp_path: Path, params: dict[str, Any], which: str
) -> None:
    digest = digest_of(quantize(bench, params, getattr(bench, which)))
    ids = bench.text()
    loaded = without_roundings(load_model(bench.directory(digest)), ids)
    plain = load_model(plain_tree(bench, digest, tmp_path / "plain"))
    if params["scheme"] == "W4A16":
        for layer in plain.model.layers[1:]:
            for weight in (layer.mlp.experts.gate_up_proj, layer.mlp.experts.down_proj):
                weight.data = weight.data.bfloat16().float()
    assert torch.equal(logits(loaded, ids), logits(plain, ids))


@SCHEMES
def test_dequantised_weights_are_near_the_original(bench: Any, params: dict[str, Any]) -> None:
    digest = digest_of(quantize(bench, params))
    before, after = bench.weights(bench.model[2]), dequantised(bench.weights(digest))
    assert after.keys() == before.keys()
    worst = max(
        float((after[n].float() - before[n].float()).norm() / before[n].float().norm())
        for n in before
        if MATRIX.search(n)
    )
    assert 0 < worst < (0.04 if params["scheme"] == "FP8" else 0.2)


@SCHEMES
def test_router_embeddings_head_and_norms_stay_byte_for_byte(bench: Any, params: dict[str, Any]) -> None:
    before, after = bench.weights(bench.model[2]), bench.weights(digest_of(quantize(bench, params)))
    left = {name for name in before if not MATRIX.search(name)}
    assert {"lm_head.weight", "model.embed_tokens.weight", "model.layers.1.mlp.gate.weight"} <= left
    assert all(torch.equal(before[name], after[name]) for name in left)
    assert all(f"{name.removesuffix('weight')}weight_scale" in after for name in before if MATRIX.search(name))


@SCHEMES
def test_the_same_input_gives_the_same_bytes(bench: Any, params: dict[str, Any]) -> None:
    assert digest_of(quantize(bench, params)) == digest_of(quantize(bench, params))


def test_configuration_is_kept_and_says_what_is_quantised(bench: Any) -> None:
    digest = digest_of(quantize(bench, W4))
    config = bench.json(digest, "config.json")
    said = config.pop("quantization_config")
    assert config == bench.json(bench.model[2], "config.json")
    assert said["quant_method"] == "compressed-tensors"
    assert said["config_groups"]["group_0"]["weights"]["group_size"] == 16
    assert sorted(said["ignore"]) == ["lm_head", "model.layers.1.mlp.gate", "model.layers.2.mlp.gate"]
    assert (bench.directory(digest) / "tokenizer.json").is_file()
    assert (bench.directory(digest) / "MLmodel").is_file()


def test_ignored_modules_and_odd_widths_stay_and_are_told(bench: Any) -> None:
    made = quantize(bench, {**W4, "groupSize": 32, "ignore": ["lm_head", r"\.gate$", "shared_experts"]})
    before, after = bench.weights(bench.model[2]), bench.weights(digest_of(made))
    odd = [n for n, t in before.items() if MATRIX.search(n) and t.shape[1] % 32 and "shared_experts" not in n]
    assert odd
    assert made.notes["left as they are"].startswith(f"{len(odd)} matrices")
    assert all(torch.equal(before[n], after[n]) for n in before if n in odd or "shared_experts" in n)
    assert torch.isfinite(logits(load_model(bench.directory(digest_of(made))), bench.text())).all()


@pytest.mark.parametrize("left", [r"\.experts\.", r"experts\..*gate_proj", r"layers\.1\."])
def test_experts_stay_as_they_are_only_where_the_model_can_be_loaded(bench: Any, left: str) -> None:
    ignore = ["lm_head", r"\.gate$", left]
    failure = bench.runner.run(STAGE, {**W4, "ignore": ignore}, {"model": [bench.model]})
    assert isinstance(failure, Failure)
    assert "weights of routed experts would stay as they are" in str(failure.message)
    made = quantize(bench, {**FP8, "ignore": ignore})
    assert torch.isfinite(logits(load_model(bench.directory(digest_of(made))), bench.text())).all()


@pytest.mark.parametrize("params", [W4, FP8])
def test_experts_of_one_layer_are_not_torn_apart(bench: Any, params: dict[str, Any]) -> None:
    failure = bench.runner.run(STAGE, {**params, "ignore": [r"\.experts\.1\."]}, {"model": [bench.model]})
    assert isinstance(failure, Failure)
    assert "routed experts" in str(failure.message)


def test_experts_that_few_tokens_reach_are_rounded(bench: Any) -> None:
    made = quantize(bench, GPTQ, tokens=bench.few)
    rounded = int(made.notes["rounded"].split(maxsplit=1)[0])
    plain, calibrated = (bench.weights(digest_of(m)) for m in (quantize(bench, W4), made))
    packed = [name for name in plain if name.endswith("weight_packed")]
    same = [name for name in packed if torch.equal(plain[name], calibrated[name])]
    assert 0 < rounded < len(packed)
    assert len(same) == rounded
    assert made.metrics["rounded_matrices"] == rounded
    assert made.metrics["calibrated_matrices"] == len(packed) - rounded
    assert "too few tokens reached it" in made.notes["rounded"]
    record = bench.json(digest_of(made), "quantization.json")["rounded"]
    assert {name.removesuffix("_packed") for name in same} == set(record)


def test_gptq_keeps_outputs_closer_than_rounding(bench: Any) -> None:
    ids = bench.text(32)
    whole = logits(load_model(bench.directory(bench.model[2])), ids)
    found = [logits(load_model(bench.directory(digest_of(quantize(bench, p)))), ids) for p in (W4, GPTQ)]
    rounding, gptq = (float((those - whole).square().mean()) for those in found)
    assert gptq < rounding


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({**GPTQ}, "GPTQ needs calibration text"),
        ({"groupSize": 24}, "No linear layer"),
        ({"ignore": ["."]}, "No linear layer"),
        ({**FP8, "method": "gptq"}, "method gptq goes with scheme W4A16 only"),
    ],
)
def test_what_cannot_be_done_is_refused(bench: Any, params: dict[str, Any], message: str) -> None:
    failure = bench.runner.run(STAGE, params, {"model": [bench.model]})
    assert isinstance(failure, Failure)
    assert message in str(failure.message)


def test_a_quantised_model_is_not_quantised_again(bench: Any) -> None:
    model = ("quantised", bench.model[1], digest_of(quantize(bench, FP8)))
    failure = bench.runner.run(STAGE, W4, {"model": [model]})
    assert isinstance(failure, Failure)
    assert "quantised already" in str(failure.message)


def changed_model(bench: Any, folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Any:
    """The base with other weights, as a stage that went wrong would leave it."""
    shutil.copytree(bench.directory(bench.model[2]), folder)
    stored = load_file(folder / "model.safetensors")
    change(stored)
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    return ("changed", bench.model[1], tiny.commit(bench.runner.store, folder.name, folder))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_do_not_vanish_in_integers(bench: Any, tmp_path: Path, value: float) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    model = changed_model(bench, tmp_path / f"with-{value}", lambda stored: stored[name][:1, :2].fill_(value))
    for params in (W4, FP8):
        failure = bench.runner.run(STAGE, params, {"model": [model]})
        assert isinstance(failure, Failure)
        assert f"{name} has 2 values that are no finite numbers" in str(failure.message)


def test_weights_of_another_shape_are_named(bench: Any, tmp_path: Path) -> None:
    name = "model.layers.0.mlp.up_proj.weight"

    def cut(stored: dict[str, torch.Tensor]) -> None:
        stored[name] = stored[name][:, :-8].clone()

    failure = bench.runner.run("evaluate.speed", {}, {"models": [changed_model(bench, tmp_path / "cut", cut)]})
    assert isinstance(failure, Failure)
    assert f"1 weights have other shapes than config.json makes them, among them {name}" in str(failure.message)


def test_the_planner_counts_hessians_only_for_gptq(bench: Any) -> None:
    from bongsu_stages.compress.quantize import quantize as definition

    plain, calibrated = (
        definition.signature.workload(QuantizeParams.model_validate(params), 128) for params in (W4, GPTQ)
    )
    assert (plain.hessians, calibrated.hessians) == (False, True)
    assert plain.tokens == 0 < calibrated.tokens
