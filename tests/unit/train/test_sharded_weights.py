"""Models that are drawn and written block by block: no weight is lost, wherever a class keeps it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from bongsu_stages.models.sharding import blocks_of, new_sharded, state_in_parts


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))
        self.norm = nn.LayerNorm(2)
        self.shift = nn.Parameter(torch.zeros(2))
        self.register_buffer("steps", torch.tensor(7))
        self.register_buffer("angles", torch.ones(3), persistent=False)


class Made(nn.Module):
    """With weights of its own at every height, as a class of transformers may have them."""

    def __init__(self, config: object = None) -> None:
        super().__init__()
        self.model = Decoder()
        self.lm_head = nn.Linear(2, 3, bias=False)
        self.temperature = nn.Parameter(torch.zeros(1))

    def get_decoder(self) -> Decoder:
        return self.model

    @staticmethod
    def prepare_distribute_model(_config: Any) -> tuple[None, None, None]:
        return None, None, None

    @staticmethod
    def maybe_distribute_model(model: nn.Module, *_settings: Any) -> nn.Module:
        return model

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        for number, weight in enumerate(module.parameters(recurse=False)):
            weight.fill_(number + {Made: 30.0, Decoder: 20.0}.get(type(module), 10.0))


class Shared(Made):
    """As FSDP2 changes the class of a model: whoever makes another one of it makes it anew."""

    def __new__(cls, *_given: object) -> Shared:
        raise AssertionError("nobody asked for a new model")


@pytest.mark.parametrize("cls", [Made, Shared])
def test_every_weight_is_in_one_part_as_it_is_in_the_whole(cls: type[Made]) -> None:
    model = Made()
    model.__class__ = cls
    parts = list(state_in_parts(model))
    assert all(parts)
    names = [name for part in parts for name in part]
    state = model.state_dict()
    assert sorted(names) == sorted(state), "each once"
    assert all(torch.equal(part[name], state[name]) for part in parts for name in part)
    assert [name for name, _ in blocks_of(model)][:2] == ["model.layers.0", "model.layers.1"]
    assert sorted(name for name, _ in model.named_parameters()) == sorted(
        name for name in state if "steps" not in name
    ), "the model is as it was"


def test_every_weight_is_drawn_as_its_class_draws_it() -> None:
    made: Made = new_sharded(Made, None, 1, torch.device("cpu"), seed=0)
    assert not any(weight.is_meta for weight in made.parameters())
    found = {name: set(weight.flatten().tolist()) for name, weight in made.named_parameters()}
    assert found["model.layers.1.weight"] == {10.0}
    assert found["model.norm.bias"] == {11.0}
    assert found["model.shift"] == {20.0}
    assert found["temperature"] == {30.0}
    assert int(made.model.steps) == 7
