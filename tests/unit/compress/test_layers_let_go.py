"""Streamed stages hold one layer, whenever Python's collector of cycles happens to run."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.domain.artifact import ArtifactType
from bongsu_stages.compress.experts import ExpertPass, observe
from bongsu_stages.compress.layers import LayerStream

LAYERS = 6
PRUNE = ("compress.expert-prune", {"keepFraction": 0.5})
GPTQ = ("compress.quantize", {"scheme": "W4A16", "groupSize": 16, "method": "gptq"})


@pytest.fixture(scope="module", params=["axk1", "axk2"])
def deep(bench: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small model of more layers than may be alive."""
    root = tmp_path_factory.mktemp("deep")
    tiny.write_tokenizer(root / "tokenizer")
    shape = tiny.SHAPE.model_copy(update={"architecture": request.param, "layers": LAYERS})
    tiny.write_model(root / "model", root / "tokenizer", shape)
    return ("deep", ArtifactType.MODEL, tiny.commit(bench.runner.store, f"deep-{request.param}", root / "model"))


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Of how many layers some weight is there, whenever a stream has read another."""
    load = LayerStream.load
    given: list[list[weakref.ref[Any]]] = []
    counts: list[int] = []

    def counted(stream: LayerStream, index: int) -> Any:
        layer = load(stream, index)
        given.append([weakref.ref(weight) for weight in layer.parameters()])
        counts.append(sum(any(weight() is not None for weight in weights) for weights in given))
        return layer

    monkeypatch.setattr(LayerStream, "load", counted)
    gc.collect()
    gc.disable()
    yield counts
    gc.enable()


@pytest.mark.parametrize("stage", [PRUNE, GPTQ], ids=["prune", "gptq"])
def test_a_layer_is_gone_when_the_next_one_is_read(
    bench: Any, deep: Any, alive: list[int], stage: tuple[str, dict[str, Any]]
) -> None:
    uses, params = stage
    bench.runner.made(uses, params, {"model": [deep], "calibration": [bench.few]})
    assert len(alive) == LAYERS
    assert max(alive) == 1


class Experts(torch.nn.Module):
    """Fused experts that compute nothing themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_up_proj = torch.nn.Parameter(torch.randn(2, 8, 3))
        self.down_proj = torch.nn.Parameter(torch.randn(2, 3, 4))
        self.act_fn = torch.nn.functional.silu

    def forward(self, hidden: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(hidden)


def test_experts_run_by_themselves_again_when_nobody_looks_at_them() -> None:
    experts, seen = Experts(), list[ExpertPass]()
    given = torch.randn(5, 3), torch.tensor([[0], [1], [0], [1], [1]]), torch.ones(5, 1)
    with observe(experts, seen.append):
        assert experts(*given).any()
    assert not experts(*given).any()
    with pytest.raises(RuntimeError, match="stop"), observe(experts, seen.append):
        raise RuntimeError("stop")
    assert not experts(*given).any()
    assert sorted(done.expert for done in seen) == [0, 1]
