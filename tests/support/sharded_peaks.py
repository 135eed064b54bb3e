"""One of two workers that share a model: ``python sharded_peaks.py RANK PORT MODEL TARGET``.

Prints, as JSON, the largest resident memory that belongs to no file (bytes beyond that before) of loading its share,
drawing a new model, and writing the model tree, with the bytes of all weights.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.loading import load_model, model_class
from bongsu_stages.models.saving import Origin, save_model
from bongsu_stages.models.sharding import new_sharded, state_in_parts
from bongsu_stages.runtime.memory import give_back


def anonymous() -> int:
    row = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("RssAnon:"))
    return int(row.split()[1]) * 1024


@contextmanager
def peak(found: dict[str, int], name: str) -> Iterator[None]:
    give_back()
    before, done, highest = anonymous(), threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.002):
            highest[0] = max(highest[0], anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:  # a worker that fails says so, and does not wait for this thread
        done.set()
        watcher.join()
    found[name] = highest[0] - before


def write(model: Any, origin: Origin, target: Path, first: bool) -> None:
    parts = state_in_parts(model)
    if first:
        save_model(model, origin, target, parts=parts)
    for _ in parts:
        pass


def main(rank: int, port: int, source: Path, target: Path) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    found: dict[str, int] = {}
    config = read_config(source)
    cls = model_class(config)
    with peak(found, "new"):
        new = new_sharded(cls, cls.config_class.from_dict(config), 2, torch.device("cpu"), 0)
    del new
    with peak(found, "load"):
        model = load_model(source, dtype=torch.float32, shards=2)
    found["whole"] = sum(weight.numel() for weight in model.parameters()) * 4
    with peak(found, "write"):
        write(model, Origin(config, source), target, rank == 0)
    print(json.dumps(found), flush=True)
    dist.barrier()
    # Ends without the destructors of the process group, which wait for the other worker.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
