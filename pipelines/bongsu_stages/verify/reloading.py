"""Reloading models in another process, as whoever uses them will, and the room that this takes."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.machine.processes import die_with_parent
from bongsu.machine.python import python_command
from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.fingerprints import read_fingerprints
from bongsu_stages.models.loading import bytes_in_memory, has_adapter
from bongsu_stages.models.placement import Room
from bongsu_stages.runtime.context import NamedTree, StageContext
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.verify.outputs import Outputs
from bongsu_stages.verify.probe import read

# It says 1 of what is no model's fault, and is killed for want of memory; a crash is of the model that it was at.
_OF_THE_MACHINE = (1, -signal.SIGKILL, -signal.SIGTERM)
_QUANTISED = N_(
    "{title} is quantised, and loading it takes {needed:,.1f} GB; this worker has {room:,.1f} GB for weights."
)
_ADAPTED = N_(
    "{title} has an adapter, and loading it takes {needed:,.1f} GB; this worker has {room:,.1f} GB for weights."
)


def reload_all(
    ctx: StageContext, models: Sequence[NamedTree], sequences: np.ndarray[Any, Any]
) -> dict[int, Outputs | str]:
    """Outputs of each model in a new process, or the error it died of there."""
    scratch = ctx.scratch
    results = scratch / "results"
    results.mkdir()
    np.save(scratch / "sequences.npy", sequences)
    asked = [[str(number), str(model.reader.local()), _records_state(model)] for number, model in enumerate(models)]
    job = {
        "sequences": str(scratch / "sequences.npy"),
        "results": str(results),
        "disk": str(room_of(ctx).disk),
        "memory": ctx.spec.resources.memory,
    }
    command = python_command("bongsu_stages.verify.probe", str(scratch / "job.json"))
    found: dict[int, Outputs | str] = {}
    while left := [number for number in range(len(models)) if number not in found]:
        rest = {"models": [asked[number] for number in left]}
        (scratch / "job.json").write_text(json.dumps(job | rest))
        done = subprocess.run(command, check=False, preexec_fn=die_with_parent)
        found.update(_answers(results, left, done))
    return found


def _answers(
    results: Path, asked: Sequence[int], done: subprocess.CompletedProcess[bytes]
) -> Iterator[tuple[int, Outputs | str]]:
    """What the process left of each model, up to the one that it was at when it crashed: no later one had its turn."""
    for number in asked:
        if (results / f"{number}.npz").exists():
            yield number, read(results / f"{number}.npz")
        elif (results / f"{number}.error").exists():
            yield number, (results / f"{number}.error").read_text()
        elif done.returncode in _OF_THE_MACHINE:
            raise StageError(
                phrase(
                    N_("The process that reloads the models ended with status {status} before it had an answer."),
                    status=done.returncode,
                ),
                N_(
                    "The log of the stage says why. Give it more memory, or make room on the disk, and `bongsu resume`."
                ),
                retryable=True,
            )
        else:
            yield number, f"the process ended with status {done.returncode}"
            return


def check_room(ctx: StageContext, models: Sequence[NamedTree]) -> None:
    """Raise StageError where a model is larger than what is there to load it as its users will.

    A plain one may come from disk, layer by layer; the loader of quantised ones unpacks them in memory, and an adapter
    is merged there.
    """
    room = room_of(ctx).in_memory
    for model in models:
        is_quantised = bool(read_config(model.reader).get("quantization_config"))
        if not is_quantised and not has_adapter(model.reader.local()):
            continue
        try:
            needed = bytes_in_memory(model.reader.local(), "auto")
        except SafetensorError:  # such a model does not load, which is told among its checks
            continue
        if needed > room:
            what = _QUANTISED if is_quantised else _ADAPTED
            raise StageError(
                phrase(what, title=model.title, needed=needed / 1e9, room=room / 1e9),
                N_("Give the stage more memory per worker, or more GPUs."),
            )


def room_of(ctx: StageContext) -> Room:
    """What the gate's worker has for weights at this moment."""
    disk = ctx.scratch / "layers"
    disk.mkdir(exist_ok=True)
    return Room.of_worker(disk, ctx.spec.resources.memory)


def _records_state(model: NamedTree) -> bool:
    try:
        recorded = read_fingerprints(model.reader)
    except ValueError:  # it is told where the model's own checks are made
        return False
    return recorded is not None and bool(recorded.state)
