"""Models for which the worker has too little memory are measured and verified from disk, to the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import Failure
from bongsu_stages.models.fingerprints import fingerprints_of
from bongsu_stages.models.loading import bytes_in_memory, load_model
from bongsu_stages.models.placement import Room, is_spread, state_of

# Of the memory that the base takes, or that of a layer of it; room for the one that computes.
LITTLE = 150_000
QUANTISED = pytest.mark.parametrize(
    "params", [{"scheme": "W4A16", "groupSize": 16}, {"scheme": "FP8"}], ids=["int4", "fp8"]
)


def logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=ids).logits.float()
    return found


@contextmanager
def with_memory(bench: Any, size: int | None) -> Iterator[None]:
    """Attempts ask for ``size`` bytes."""
    bench.runner.memory = size
    try:
        yield
    finally:
        bench.runner.memory = None


def test_layers_without_room_come_from_disk(bench: Any, tmp_path: Path) -> None:
    tree = bench.directory(bench.model[2])
    assert bytes_in_memory(tree, torch.float32) > 2 * LITTLE
    whole = load_model(tree, dtype=torch.float32)
    spread = load_model(tree, dtype=torch.float32, room=Room((), LITTLE, tmp_path))
    assert is_spread(spread)
    assert not is_spread(whole)
    assert any(weight.is_meta for weight in spread.parameters())
    assert torch.allclose(logits(spread, bench.text()), logits(whole, bench.text()), atol=1e-4)
    assert fingerprints_of(state_of(spread)) == fingerprints_of(state_of(whole))


def test_a_model_that_fits_is_not_spread(bench: Any, tmp_path: Path) -> None:
    room = Room((), 10_000_000_000, tmp_path)
    assert not is_spread(load_model(bench.directory(bench.model[2]), room=room))
    assert not any(tmp_path.iterdir())


@QUANTISED
def test_a_quantised_model_is_measured_from_disk(bench: Any, params: dict[str, Any]) -> None:
    made = bench.runner.made("compress.quantize", params, {"model": [bench.model]})
    small = ("small", ArtifactType.MODEL, made.outputs["model"].digest)
    figures = []
    for memory in (None, LITTLE):
        with with_memory(bench, memory):
            measured = bench.runner.made("evaluate.perplexity", {}, {"models": [small], "tokens": [bench.tokens]})
        figures.append(measured.metrics["perplexity.text"])
    # What is unpacked onto the disk is rounded to bf16, and then some float8 activations to other levels.
    close = 2e-3 if params["scheme"] == "FP8" else 1e-4
    assert figures[1] == pytest.approx(figures[0], rel=close)


def test_what_is_unpacked_rounds_activations_wherever_it_lies_in_the_end(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench.runner.made("compress.quantize", {"scheme": "FP8"}, {"model": [bench.model]})
    tree = bench.directory(made.outputs["model"].digest)
    spread = load_model(tree, dtype=torch.float32, room=Room((), LITTLE, tmp_path / "spread"))
    # There is place for all of it, as accelerate finds.
    monkeypatch.setattr(Room, "has_place_for", lambda _room, _needed: False)
    together = load_model(tree, dtype=torch.float32, room=Room((), 10_000_000_000, tmp_path / "together"))
    assert is_spread(spread)
    assert not is_spread(together)
    assert torch.equal(logits(together, bench.text()), logits(spread, bench.text()))


def test_the_gate_passes_a_model_that_comes_from_disk(bench: Any) -> None:
    inputs = {"models": [bench.model], "tokens": [bench.tokens]}
    with with_memory(bench, LITTLE):
        verified = bench.runner.made("verify.reload", {}, inputs)
    assert verified.metrics == {"passed": 1.0, "failed": 0.0}


def test_the_gate_wants_room_for_a_loader_that_unpacks_everything(bench: Any) -> None:
    made = bench.runner.made("compress.quantize", {"scheme": "FP8"}, {"model": [bench.model]})
    small = ("small", ArtifactType.MODEL, made.outputs["model"].digest)
    with with_memory(bench, LITTLE):
        outcome = bench.runner.run("verify.reload", {}, {"models": [small], "tokens": [bench.tokens]})
    assert isinstance(outcome, Failure)
    assert "small is quantised" in str(outcome.message)
    assert "memory" in str(outcome.fix)
