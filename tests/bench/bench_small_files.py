"""How long a tree of very many small files takes, as bundles come in: ``python tests/bench/bench_small_files.py``.

The baseline of the same run waits for the disk after each file, as the store did once. Target: at most 0.6 of that.
Everything is on the disk when either returns. Rounds take turns, and the shortest of each counts: other processes that
write to the same disk hold both up.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from targets import settle

from bongsu.artifacts.local import LocalStore

FILES, FOLDERS, BYTES = 20_000, 50, 300
TARGET = 0.6
ROUNDS = 3


def taken_in(root: Path, files: int) -> None:
    writer = LocalStore(root).writer("bench")
    for number in range(files):
        with writer.create(f"{number % FOLDERS}/{number}") as file:
            file.write(os.urandom(BYTES))
    writer.commit()


def one_by_one(root: Path, files: int) -> None:
    for number in range(files):
        folder = root / str(number % FOLDERS)
        folder.mkdir(exist_ok=True, parents=True)
        with (folder / str(number)).open("wb") as file:
            file.write(os.urandom(BYTES))
            file.flush()
            os.fsync(file.fileno())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--folder", type=Path, help="on the disk that is measured")
    asked = parser.parse_args()
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, act in (("one by one", one_by_one), ("taken in", taken_in)):
            with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
                began = time.monotonic()
                act(Path(folder), asked.files)
                took = time.monotonic() - began
            best[name] = min(best.get(name, took), took)
    for name, took in best.items():
        print(f"{name}: {took:.1f} s for {asked.files:,} files, {asked.files / took:,.0f} a second")
    settle(["taken in"] if best["taken in"] > TARGET * best["one by one"] else [])


if __name__ == "__main__":
    main()
