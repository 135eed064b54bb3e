"""What a run resumes from: trained weights, buffers (the routers' biases among them), optimizer and loss scale.

Data order, learning rate and dropout follow from the step number alone, so they need no state. Written with
torch.distributed.checkpoint: each worker writes what it holds, and another number of workers can read it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from bongsu_stages.runtime.faults import full_disk

_SCALER = "scaler.json"
# Frozen weights come from where the run started, as they did before.
_OPTIONS = StateDictOptions(ignore_frozen_params=True, strict=False)


def save_state(
    directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> None:
    """Write this worker's part of the state into ``directory``. Every worker calls it at the same step."""
    weights, moments = get_state_dict(model, optimizer, options=_OPTIONS)
    writer = _Writer(directory, single_file_per_rank=True, overwrite=True)
    with _single_is_meant(), _one_fault():
        save({"model": weights, "optimizer": moments}, storage_writer=writer, no_dist=not _is_gang())
    if _is_first():
        (directory / _SCALER).write_text(json.dumps(scaler.state_dict()))


def load_state(
    directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> None:
    """Put what :func:`save_state` wrote back, in place."""
    weights, moments = get_state_dict(model, optimizer, options=_OPTIONS)
    state: dict[str, Any] = {"model": weights, "optimizer": moments}
    with _single_is_meant(), _one_fault():
        load(state, storage_reader=FileSystemReader(directory), no_dist=not _is_gang())
    set_state_dict(
        model,
        optimizer,
        model_state_dict=state["model"],
        optim_state_dict=state["optimizer"],
        options=_OPTIONS,
    )
    scales: dict[str, Any] = json.loads((directory / _SCALER).read_text())
    if scales:
        scaler.load_state_dict(scales)


def _is_gang() -> bool:
    return torch.distributed.is_initialized()


def _is_first() -> bool:
    return not _is_gang() or torch.distributed.get_rank() == 0


class _Writer(FileSystemWriter):
    """Raises what the disk said: a fault travels to the other workers without what it came of."""

    def write_data(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().write_data(*args, **kwargs)
        except (OSError, RuntimeError) as error:  # torch puts a RuntimeError over what the disk said
            disk = full_disk(error)
            if disk is None:
                raise
            raise disk from error


@contextmanager
def _one_fault() -> Iterator[None]:
    """What went wrong on a worker, rather than torch's list of it, which is no Exception."""
    try:
        yield
    except CheckpointException as error:
        faults = [fault for _, (fault, _) in sorted(error.failures.items())]
        raise next((fault for fault in faults if full_disk(fault)), faults[0]) from error


@contextmanager
def _single_is_meant() -> Iterator[None]:
    """Without the warning that one process saves for itself alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield
