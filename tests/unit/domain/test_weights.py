"""What counts as the weights of a model."""

from __future__ import annotations

import pytest

from bongsu.domain.artifact import FileEntry
from bongsu.domain.weights import weight_bytes


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "model.pt"])
def test_weights_are_counted_in_every_format_and_nothing_else_is(name: str) -> None:
    sizes = {name: 5, "config.json": 7, "model.safetensors.index.json": 9}
    files = [FileEntry(path=path, size=size, sha256="0" * 64) for path, size in sizes.items()]
    assert weight_bytes(files) == 5
