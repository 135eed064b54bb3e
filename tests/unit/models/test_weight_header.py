"""Headers of weight files: what they say has to be what the file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from bongsu.artifacts.base import TreeReader
from bongsu.artifacts.local import LocalStore
from bongsu_stages.models.weight_header import BITS, read_header
from bongsu_stages.runtime.stage import StageError

FILE = "model.safetensors"


def tree_of(folder: Path, content: bytes) -> TreeReader:
    store = LocalStore(folder / "store")
    writer = store.writer("tree")
    with writer.create(FILE) as file:
        file.write(content)
    return store.reader(writer.commit().digest)


def file_of(header: Any, data: int) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


def entry(shape: Any, offsets: Any, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.int32, torch.bool]
)
def test_what_the_library_writes_is_read(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {"a": torch.zeros(3, 5).to(dtype), "b": torch.zeros(()).to(dtype), "c": torch.zeros(0, 7).to(dtype)}
    save_file(tensors, tmp_path / FILE, metadata={"format": "pt"})
    header, base = read_header(tree_of(tmp_path, (tmp_path / FILE).read_bytes()), FILE)
    assert {name: tuple(facts["shape"]) for name, facts in header.items()} == {"a": (3, 5), "b": (), "c": (0, 7)}
    assert {facts["dtype"] for facts in header.values()} <= set(BITS)
    assert base + max(facts["data_offsets"][1] for facts in header.values()) == (tmp_path / FILE).stat().st_size


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it ends before its header does"),
        (b"\xff" * 7, "it ends before its header does"),
        ((2**63).to_bytes(8, "little") + b"{}", "it ends before its header does"),
        (file_of(b"\xa4\xa4", 0), "its header is no JSON"),
        (file_of(b"[" * 100_000, 0), "its header is no JSON"),
        (file_of([1], 0), "its header is no JSON"),
        (file_of({"w": entry([2], [0, 8], "EVIL")}, 8), "what it says of w cannot be read"),
        (file_of({"w": {"dtype": "F32"}}, 8), "what it says of w cannot be read"),
        (file_of({"w": entry([10**9, 10**9], [0, 8])}, 8), "w has other bytes than its shape and type take"),
        (file_of({"w": entry([-1, -2], [0, 8])}, 8), "w has other bytes than its shape and type take"),
        (file_of({"v": entry([2], [0, 8]), "w": entry([2], [0, 8])}, 8), "w does not begin where"),
        (file_of({"w": entry([2], [8, 16])}, 16), "w does not begin where"),
        (file_of({"w": entry([2], [0, 8])}, 4), "it has 4 bytes of weights, its header speaks of 8"),
        (file_of({"w": entry([2], [0, 8])}, 12), "it has 12 bytes of weights, its header speaks of 8"),
    ],
)
def test_a_header_that_lies_is_no_header(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(StageError) as caught:
        read_header(tree_of(tmp_path, content), FILE)
    assert f"{FILE} is no whole safetensors file: " in str(caught.value)
    assert said in str(caught.value)
