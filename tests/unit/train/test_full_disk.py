"""What writers of weights raise where the disk takes no more is told as that."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bongsu.domain.attempt import FailureReason
from bongsu_stages.runtime.attempt import failure_of
from bongsu_stages.runtime.faults import full_disk
from bongsu_stages.train.state import save_state


@pytest.fixture
def no_room() -> Iterator[None]:
    """The system takes files of 64 KiB at most: a full disk that no other process notices."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def a_checkpoint(directory: Path) -> None:
    model = torch.nn.Linear(300, 300)
    optimizer = torch.optim.AdamW(model.parameters())
    save_state(directory, model, optimizer, torch.amp.GradScaler("cpu", enabled=False))


def safetensors(directory: Path) -> None:
    save_file({"weight": torch.ones(300, 300)}, directory / "model.safetensors")


@pytest.mark.usefixtures("no_room")
@pytest.mark.parametrize("write", [a_checkpoint, safetensors])
def test_a_full_disk_is_told(write: Callable[[Path], None], tmp_path: Path) -> None:
    with pytest.raises(Exception) as raised:  # each library has its own, which is the point
        write(tmp_path)
    failure = failure_of(raised.value)
    assert failure.reason == FailureReason.STORAGE_FAILED
    assert "File too large" in str(failure.message)
    assert failure.retryable


def test_a_fault_in_the_words_of_rust_is_known_by_its_number() -> None:
    assert full_disk(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert not full_disk(RuntimeError("I/O error: No such file or directory (os error 2)"))
    assert not full_disk(RuntimeError("step 28 failed"))
