"""The parts of a model have all of its weights, or it says that they have not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from bongsu_stages.models.sharding import blocks_of
from bongsu_stages.runtime.stage import StageError


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(4, 2)
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = Decoder()
        self.head = nn.Linear(2, 4)

    def get_decoder(self) -> Any:
        return self.model


def test_the_parts_have_every_weight_once() -> None:
    model = Model()
    found = [f"{name}.{path}" for name, block in blocks_of(model) for path in block.state_dict()]
    assert sorted(found) == sorted(model.state_dict())


@pytest.mark.parametrize("kind", ["parameter", "buffer"])
def test_a_weight_beside_the_layers_is_not_lost_in_silence(kind: str) -> None:
    model = Model()
    if kind == "parameter":
        model.model.scale = nn.Parameter(torch.ones(2))
    else:
        model.model.register_buffer("scale", torch.ones(2))
    with pytest.raises(StageError, match="scale"):
        list(blocks_of(model))
