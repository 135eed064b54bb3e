"""compress.expert-prune on a small A.X K1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.domain.attempt import Failure
from bongsu_stages.compress.expert_prune import expert_prune
from bongsu_stages.compress.expert_prune_params import ExpertPruneParams
from bongsu_stages.models.loading import load_model
from bongsu_stages.models.weight_index import stored_fingerprints
from bongsu_stages.runtime.stage import StageError

STAGE = "compress.expert-prune"


def prune(bench: Any, model: Any = None, calibration: Any = None, **params: Any) -> str:
    """Digest of the pruned model tree."""
    inputs = {"model": [model or bench.model], "calibration": [calibration or bench.tokens]}
    made = bench.runner.made(STAGE, {"keepFraction": 0.5, **params}, inputs)
    return str(made.outputs["model"].digest)


@pytest.mark.parametrize("which", ["model", "sharded"])
def test_kept_weights_are_the_same_bytes_renumbered(bench: Any, which: str) -> None:
    source = getattr(bench, which)
    digest = prune(bench, source)
    before, after = bench.weights(source[2]), bench.weights(digest)
    kept = {int(k): v for k, v in bench.json(digest, "pruning.json")["kept"].items()}
    assert set(kept) == {1, 2}
    expected = {}
    for name, tensor in before.items():
        parts = name.split(".")
        layer = int(parts[2]) if parts[1] == "layers" else 0
        if ".mlp.experts." in name:
            if int(parts[5]) in kept[layer]:
                parts[5] = str(kept[layer].index(int(parts[5])))
                expected[".".join(parts)] = tensor
        elif ".mlp.gate." in name:
            expected[name] = tensor[kept[layer]]
        else:
            expected[name] = tensor
    assert after.keys() == expected.keys()
    assert all(torch.equal(after[name], expected[name]) for name in expected)
    assert all(after[name].dtype == expected[name].dtype for name in expected)


def test_the_shards_of_a_pruned_model_are_listed(bench: Any) -> None:
    digest = prune(bench, bench.sharded)
    files = sorted(path.name for path in bench.directory(digest).glob("*.safetensors"))
    index = bench.json(digest, "model.safetensors.index.json")
    assert len(files) > 1
    assert sorted(set(index["weight_map"].values())) == files
    weights = bench.weights(digest)
    assert index["weight_map"].keys() == weights.keys()
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in weights.values())


def test_shards_change_nothing_about_the_choice(bench: Any) -> None:
    one, many = (bench.json(prune(bench, m), "pruning.json") for m in (bench.model, bench.sharded))
    assert one == many


def test_configuration_tokenizer_and_mlmodel_come_along(bench: Any) -> None:
    digest = prune(bench)
    before = bench.json(bench.model[2], "config.json")
    assert {"first_k_dense_replace", "moe_layer_freq"} <= before.keys()
    assert bench.json(digest, "config.json") == {**before, "n_routed_experts": 4}
    for name in ("tokenizer.json", "tokenizer_config.json", "MLmodel", "components/tokenizer/tokenizer.json"):
        assert (bench.directory(digest) / name).read_bytes() == (
            bench.directory(bench.model[2]) / name
        ).read_bytes()


def test_keeping_every_expert_changes_no_output(bench: Any) -> None:
    ids = bench.text()
    whole, same = (load_model(bench.directory(d)) for d in (bench.model[2], prune(bench, keepFraction=1.0)))
    with torch.inference_mode():
        assert torch.equal(whole(input_ids=ids).logits, same(input_ids=ids).logits)


@pytest.mark.parametrize("fraction", [0.01, 0.25, 0.5, 0.75])
def test_every_fraction_gives_a_model_that_runs(bench: Any, fraction: float) -> None:
    model = load_model(bench.directory(prune(bench, keepFraction=fraction)))
    with torch.inference_mode():
        assert torch.isfinite(model(input_ids=bench.text()).logits).all()


def test_saliency_is_the_mean_of_router_weight_times_norm(bench: Any) -> None:
    """Against the published formula, output by output of the whole model."""
    model = load_model(bench.directory(bench.model[2]), experts_implementation="eager")
    layers = model.model.layers
    seen: dict[int, Any] = {}
    for index in (1, 2):
        layers[index].mlp.experts.register_forward_pre_hook(
            lambda _module, inputs, index=index: seen.__setitem__(index, inputs)
        )
    model.requires_grad_(False)
    model(input_ids=bench.text(4))
    scores, counts = (
        bench.json(prune(bench, calibration=bench.few, method=method), "pruning.json")["scores"]
        for method in ("reap", "frequency")
    )
    for index, (hidden, chosen, weights) in seen.items():
        experts = layers[index].mlp.experts
        for expert in range(experts.num_experts):
            norms = []
            for token, slot in (chosen == expert).nonzero().tolist():
                gate, up = (experts.gate_up_proj[expert] @ hidden[token]).chunk(2)
                out = experts.down_proj[expert] @ (torch.nn.functional.silu(gate) * up)
                norms.append(float(weights[token, slot] * out.norm()))
            assert counts[str(index)][expert] == len(norms)
            assert scores[str(index)][expert] == pytest.approx(sum(norms) / max(1, len(norms)), rel=1e-4)


def test_a_file_that_ends_within_a_weight_is_not_copied_as_if_whole(bench: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bench.directory(bench.model[2]), folder)
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    # What lies last is no weight of a decoder layer, which would have been read before anything is written.
    (folder / "model.safetensors").write_bytes(data[:-10])
    digest = tiny.commit(bench.runner.store, "short", folder)
    inputs = {"model": [("short", bench.model[1], digest)], "calibration": [bench.few]}
    failure = bench.runner.run(STAGE, {"keepFraction": 0.5}, inputs)
    assert isinstance(failure, Failure)
    assert str(failure.message).startswith("model.safetensors is no whole safetensors file: ")
    with pytest.raises(StageError, match="no whole safetensors file"):
        stored_fingerprints(bench.runner.store.reader(digest))


def test_random_scores_follow_the_seed(bench: Any) -> None:
    first, again, other = (
        bench.json(prune(bench, method="random", seed=seed), "pruning.json") for seed in (1, 1, 2)
    )
    assert first == again
    assert first["scores"] != other["scores"]


def test_the_planner_is_told_the_right_number_of_experts(bench: Any) -> None:
    config = bench.json(bench.model[2], "config.json")
    params = ExpertPruneParams(keep_fraction=0.01)
    told = expert_prune.signature.model_effect(params, config)
    assert told == bench.json(prune(bench, keepFraction=0.01), "config.json")
    assert expert_prune.signature.model_effect(params, {"hidden_size": 8}) == {"hidden_size": 8}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_routed_experts": None}, "no routed experts"),
        ({"quantization_config": {"quant_method": "fp8"}}, "quantised already"),
        ({"num_hidden_layers": 2}, "Layer 2 has experts"),
    ],
)
def test_what_cannot_be_pruned_is_refused(bench: Any, tmp_path: Path, change: Any, message: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bench.directory(bench.model[2]), folder)
    config = json.loads((folder / "config.json").read_text()) | change
    if "num_hidden_layers" in change:
        config["mlp_layer_types"] = config["mlp_layer_types"][:2]
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps(config))
    digest = tiny.commit(bench.runner.store, f"odd-{message.split(maxsplit=1)[0]}", folder)
    # Refused before anything is computed: the calibration cannot even be read.
    unreadable = ("no tokens", bench.tokens[1], bench.model[2])
    inputs = {"model": [("odd", bench.model[1], digest)], "calibration": [unreadable]}
    failure = bench.runner.run(STAGE, {"keepFraction": 0.5}, inputs)
    assert isinstance(failure, Failure)
    assert message in str(failure.message)


def test_scores_that_are_no_numbers_choose_nothing(bench: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(bench.directory(bench.model[2]), tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    weights = load_file(file)
    (name,) = [name for name in weights if name.endswith("layers.1.mlp.experts.2.down_proj.weight")]
    weights[name][0, 0] = float("nan")
    file.unlink()
    save_file(weights, file, metadata={"format": "pt"})
    digest = tiny.commit(bench.runner.store, "no-numbers", tmp_path / "model")
    inputs = {"model": [("broken", bench.model[1], digest)], "calibration": [bench.tokens]}
    failure = bench.runner.run(STAGE, {"keepFraction": 0.5}, inputs)
    assert isinstance(failure, Failure)
    assert str(failure.message).startswith("The score of expert ")
    assert "in layer 1 is nan" in str(failure.message)
