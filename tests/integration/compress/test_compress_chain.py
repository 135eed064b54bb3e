"""Prune, heal, quantise, measure, verify, register: real stages on a small A.X K1 that has learned something."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
from stage_runner import Named, StageRunner

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure

MODEL, TOKENS = ArtifactType.MODEL, ArtifactType.TOKENS
GROUP = {"groupSize": 16}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> StageRunner:
    return StageRunner(LocalStore(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def tokens(runner: StageRunner, tmp_path_factory: pytest.TempPathFactory) -> list[Named]:
    root = tmp_path_factory.mktemp("tokens")
    tiny.write_tokenizer(root / "tokenizer")
    tiny.write_tokens(root / "tokens", root / "tokenizer", seed=1, rows=256)
    return [("text", TOKENS, tiny.commit(runner.store, "tokens", root / "tokens"))]


@pytest.fixture(scope="module")
def taught(runner: StageRunner, tokens: list[Named], tmp_path_factory: pytest.TempPathFactory) -> Named:
    root = tmp_path_factory.mktemp("model")
    tiny.write_tokenizer(root / "tokenizer")
    tiny.write_model(root / "model", root / "tokenizer")
    base = tiny.commit(runner.store, "model", root / "model")
    params = {"steps": 60, "learningRate": 1e-2, "microBatch": 16}
    made = runner.made("train.continue", params, {"model": [("base", MODEL, base)], "tokens": tokens})
    return ("adapt", MODEL, made.outputs["model"].digest)


@pytest.fixture(scope="module")
def pruned(runner: StageRunner, tokens: list[Named], taught: Named) -> AttemptResult:
    return runner.made("compress.expert-prune", {"keepFraction": 0.5}, {"model": [taught], "calibration": tokens})


@pytest.fixture(scope="module")
def small(runner: StageRunner, tokens: list[Named], taught: Named, pruned: AttemptResult) -> Named:
    inputs = {"student": [("prune", MODEL, pruned.outputs["model"].digest)], "teacher": [taught], "tokens": tokens}
    healed = runner.made("compress.distill", {"steps": 30, "learningRate": 3e-3}, inputs)
    inputs = {"model": [("heal", MODEL, healed.outputs["model"].digest)]}
    made = runner.made("compress.quantize", {"scheme": "W4A16", **GROUP}, inputs)
    return ("quantize", MODEL, made.outputs["model"].digest)


def perplexities(runner: StageRunner, tokens: list[Named], models: list[Named]) -> dict[str, float]:
    made = runner.made("evaluate.perplexity", {"names": ["text"]}, {"models": models, "tokens": tokens})
    content = read(runner, made.outputs["evaluation"].digest, "evaluation.json")
    return {entry["title"]: entry["metrics"]["perplexity.text"] for entry in content["entries"]}


def read(runner: StageRunner, digest: Any, path: str) -> Any:
    with runner.store.reader(digest).open(path) as file:
        return json.loads(file.read())


def test_pruning_keeps_all_fields_and_equal_parts_of_each_group(
    runner: StageRunner, taught: Named, pruned: AttemptResult
) -> None:
    before, after = (read(runner, d, "config.json") for d in (taught[2], pruned.outputs["model"].digest))
    assert after == {**before, "n_routed_experts": 4}
    kept = read(runner, pruned.outputs["model"].digest, "pruning.json")["kept"]
    for experts in kept.values():
        assert len([expert for expert in experts if expert < 4]) == 2
        assert experts == sorted(set(experts))


def test_reap_equals_the_value_of_the_whole_model(
    runner: StageRunner, tokens: list[Named], taught: Named, pruned: AttemptResult
) -> None:
    import torch

    from bongsu_stages.compress.saliency import watch
    from bongsu_stages.models.loading import load_model

    model = load_model(runner.store.reader(taught[2]), experts_implementation=None)
    ids = _calibration(runner, tokens)
    with torch.inference_mode(), ExitStack() as watching:
        statistics = {
            n: watching.enter_context(watch(layer.mlp.experts))
            for n, layer in enumerate(model.model.layers)
            if n > 0
        }
        for part in ids.split(8):
            model(input_ids=part, use_cache=False)
    scores = read(runner, pruned.outputs["model"].digest, "pruning.json")["scores"]
    for layer, found in statistics.items():
        assert scores[str(layer)] == pytest.approx(found.reap.tolist(), rel=1e-4)


def _calibration(runner: StageRunner, tokens: list[Named]) -> Any:
    import numpy as np
    import torch

    from bongsu_stages.data.tokens import TokenTree

    tree = TokenTree(runner.store.reader(tokens[0][2]), "text")
    chosen = np.random.default_rng([0, 0]).permutation(tree.sequences("train"))[:128]
    return torch.from_numpy(tree.take("train", np.sort(chosen)))


def test_healing_brings_the_pruned_model_back(
    runner: StageRunner, tokens: list[Named], taught: Named, pruned: AttemptResult, small: Named
) -> None:
    found = perplexities(runner, tokens, [taught, ("prune", MODEL, pruned.outputs["model"].digest), small])
    assert found["adapt"] < 100
    assert found["quantize"] < found["prune"]
    assert found["quantize"] < 1.5 * found["adapt"]


@pytest.mark.parametrize(
    "params", [{"scheme": "W4A16", "method": "gptq", **GROUP}, {"scheme": "FP8"}], ids=["gptq", "fp8"]
)
def test_every_scheme_stays_close_and_passes_the_gate(
    runner: StageRunner, tokens: list[Named], taught: Named, params: dict[str, Any]
) -> None:
    made = runner.made("compress.quantize", params, {"model": [taught], "calibration": tokens})
    model = ("quantize", MODEL, made.outputs["model"].digest)
    assert made.metrics["size_ratio"] < (0.75 if params["scheme"] == "FP8" else 0.65)
    found = perplexities(runner, tokens, [taught, model])
    assert found["quantize"] < 1.15 * found["adapt"]
    verified = runner.made("verify.reload", {}, {"models": [model], "tokens": tokens, "baseline": [taught]})
    assert verified.metrics == {"passed": 1.0, "failed": 0.0}


def test_the_smallest_verified_variant_is_registered_with_its_evidence(
    runner: StageRunner, tokens: list[Named], taught: Named, small: Named
) -> None:
    evaluated = runner.made(
        "evaluate.perplexity", {"names": ["text"]}, {"models": [taught, small], "tokens": tokens}
    )
    verified = runner.made("verify.reload", {}, {"models": [small, taught], "tokens": tokens})
    inputs = {
        "models": [taught, small],
        "baseline": [taught],
        "evaluations": [("e", ArtifactType.EVALUATION, evaluated.outputs["evaluation"].digest)],
        "verifications": [("v", ArtifactType.VERIFICATION, verified.outputs["verification"].digest)],
    }
    made = runner.made("registry.register", {"name": "tiny", "within": {"perplexity.text": 2.0}}, inputs)
    registration = read(runner, made.outputs["registration"].digest, "registration.json")
    assert registration["modelDigest"] == small[2]
    refused = runner.run("registry.register", {"name": "tiny", "within": {"perplexity.text": 0.01}}, inputs)
    assert isinstance(refused, Failure)
    assert "times the baseline's" in str(refused.message)


def _broken(kind: str, folder: Path) -> None:
    """Damage a model tree as faulty tools do."""
    import torch
    from safetensors.torch import load_file, save_file

    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    scale = next((name for name in weights if name.endswith("down_proj.weight_scale")), "")
    if kind == "wrong scale":
        weights[scale] = weights[scale] * 40
    elif kind == "wrong expert count":
        config["n_routed_experts"] = 8
    elif kind == "lost field":
        del config["routed_scaling_factor"]
    elif kind == "lost weight":
        del weights[scale]
    elif kind == "experts swapped":
        stem = "model.layers.1.mlp.experts."
        for name in [n for n in weights if n.startswith(f"{stem}0.")]:
            other = name.replace(f"{stem}0.", f"{stem}1.")
            weights[name], weights[other] = weights[other], weights[name]
    elif kind == "router bias lost":
        name = next(name for name in weights if name.endswith("e_score_correction_bias"))
        weights[name] = torch.zeros_like(weights[name])
    elif kind == "rows shifted":
        name = "model.layers.0.self_attn.o_proj.weight"
        name = name if name in weights else f"{name}_packed"
        weights[name] = weights[name].roll(1, 0)
    elif kind == "no record":
        (folder / "fingerprints.json").unlink()
    elif kind == "unreadable record":
        (folder / "fingerprints.json").write_text("{}]")
    elif kind == "noise":
        weights["model.embed_tokens.weight"] = torch.randn_like(weights["model.embed_tokens.weight"])
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


WRITING = ["experts swapped", "router bias lost", "rows shifted", "noise", "no record", "unreadable record"]
DAMAGE = [
    *(("small", kind) for kind in ["wrong scale", "wrong expert count", "lost field", "lost weight", *WRITING]),
    *(("taught", kind) for kind in WRITING),
]


@pytest.mark.parametrize(("which", "kind"), DAMAGE)
def test_the_gate_refuses_what_is_not_what_it_was(
    which: str, kind: str, runner: StageRunner, tokens: list[Named], taught: Named, small: Named, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(runner.store.reader((small if which == "small" else taught)[2]).local(), folder)
    _broken(kind, folder)
    digest = tiny.commit(runner.store, f"broken/{which}-{kind.replace(' ', '-')}", folder)
    refused = runner.run(
        "verify.reload", {}, {"models": [("broken", MODEL, digest)], "tokens": tokens, "baseline": [taught]}
    )
    assert isinstance(refused, Failure), kind
    assert "does not come back as what it was" in str(refused.message)
