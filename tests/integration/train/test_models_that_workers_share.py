"""A sharded model never lies whole in one worker: not while it is loaded, drawn or written."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sharded_peaks
import tiny_training as tiny
import torch

from bongsu_stages.models.fingerprints import FINGERPRINTS
from bongsu_stages.models.loading import load_model
from bongsu_stages.train.shape import ModelShape

# 91 million parameters in eight layers, seven of them alike: one is an eighth of the model.
SHAPE = ModelShape(
    hidden_size=512,
    layers=8,
    intermediate_size=1024,
    expert_size=256,
    experts=64,
    expert_groups=4,
    groups_per_token=2,
    positions=128,
)
LAYER = 1 / 7


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shared")
    tiny.write_tokenizer(root / "tokenizer")
    tiny.write_model(root / "model", root / "tokenizer", SHAPE)
    return root


@pytest.fixture(scope="module")
def peaks(place: Path) -> list[dict[str, float]]:
    """Of each of two workers, as fractions of the whole model in fp32."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Large blocks go back to the system at once; what allocators keep is not the matter here.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    workers = [
        subprocess.Popen(
            [sys.executable, sharded_peaks.__file__, str(rank), str(port), place / "model", place / "written"],
            stdout=subprocess.PIPE,
            env=environment,
        )
        for rank in range(2)
    ]
    found = [json.loads(worker.communicate(timeout=180)[0].splitlines()[-1]) for worker in workers]
    return [{name: one[name] / one["whole"] for name in ("new", "load", "write")} for one in found]


def test_a_worker_reads_no_more_than_its_share(peaks: list[dict[str, float]]) -> None:
    assert all(0.5 <= found["load"] < 0.5 + LAYER for found in peaks)


def test_a_new_model_is_drawn_block_by_block(peaks: list[dict[str, float]]) -> None:
    assert all(0.5 <= found["new"] < 0.5 + 2 * LAYER for found in peaks)


def test_weights_are_written_block_by_block(peaks: list[dict[str, float]]) -> None:
    # A block in fp32 and in bf16, and once more while it is cast or taken apart.
    assert all(found["write"] < 2.5 * LAYER for found in peaks)


def test_what_was_written_in_parts_is_the_model(peaks: list[dict[str, float]], place: Path) -> None:
    source, written = place / "model", place / "written"
    for name in ("config.json", FINGERPRINTS):
        assert (written / name).read_bytes() == (source / name).read_bytes()
    before, after = (load_model(tree, dtype="stored").state_dict() for tree in (source, written))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
