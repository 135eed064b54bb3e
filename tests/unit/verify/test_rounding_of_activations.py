"""Models in several places round activations as their config says, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from bongsu_stages.models.activations import round_activations, rounds_activations
from bongsu_stages.runtime.stage import StageError

KNOWN = {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True}


def config(activations: dict[str, Any] | None, targets: list[str] | None = None) -> dict[str, Any]:
    group = {"targets": targets or ["Linear"], "input_activations": activations}
    return {"quantization_config": {"config_groups": {"group_0": group}, "ignore": ["re:.*1"]}}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(2, 3, 16), (2, 1, 3, 16), (6, 16)], ids=["tokens", "of a head", "flat"])
def test_linear_layers_round_as_the_library_does(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.lifecycle.forward import fake_quantize
    from compressed_tensors.quantization.utils import compute_dynamic_scales_and_zp

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False)).to(dtype)
    given = torch.randn(shape).to(dtype)
    args = QuantizationArgs(**KNOWN)
    scale, zero = compute_dynamic_scales_and_zp(given, args, model[0])
    rounded = fake_quantize(given, scale, zero, args)
    expected = model[1](model[0](rounded))
    assert rounds_activations(config(KNOWN))
    round_activations(model, config(KNOWN))
    assert torch.equal(model(given), expected)
    assert not torch.allclose(rounded, given)


@pytest.mark.parametrize(
    "other",
    [
        {**KNOWN, "type": "int"},
        {**KNOWN, "strategy": "tensor"},
        {**KNOWN, "dynamic": False},
        {**KNOWN, "num_bits": 4},
        {**KNOWN, "symmetric": False},
        {**KNOWN, "dynamic": "local"},
        {"num_bits": 8, "type": "float"},
    ],
)
def test_another_way_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(StageError, match="rounds activations"):
        round_activations(nn.Sequential(nn.Linear(2, 2)), config(other))


def test_other_layers_are_refused() -> None:
    with pytest.raises(StageError, match="rounds activations"):
        round_activations(nn.Sequential(nn.Linear(2, 2)), config(KNOWN, ["re:.*experts.*"]))


def test_groups_that_part_the_layers_are_refused() -> None:
    both = config(KNOWN)
    both["quantization_config"]["config_groups"]["group_1"] = {"targets": ["re:.*down_proj"]}
    with pytest.raises(StageError, match=r"nothing for re:\.\*down_proj"):
        round_activations(nn.Sequential(nn.Linear(2, 2)), both)


@pytest.mark.parametrize("place", ["output_activations", "kv_cache_scheme"])
def test_rounding_in_other_places_is_seen_and_refused(place: str) -> None:
    asked = config(None)
    owner = asked["quantization_config"]
    (owner if place == "kv_cache_scheme" else owner["config_groups"]["group_0"])[place] = KNOWN
    assert rounds_activations(asked)
    with pytest.raises(StageError, match="rounds activations"):
        round_activations(nn.Sequential(nn.Linear(2, 2)), asked)


def test_a_model_that_rounds_nothing_does_not_ask() -> None:
    assert not rounds_activations(config(None))
    assert not rounds_activations({})
