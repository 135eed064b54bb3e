"""How fast a tree becomes an artifact, beside sha256sum, cp and MLflow: ``python tests/bench/bench_artifacts.py``.

Registering is ``add_tree`` and ``commit`` of the local store: every byte copied and hashed, everything on disk when it
returns. Target: at least 0.8 of the slower of ``sha256sum`` and ``cp`` (followed by ``sync``, so that both leave as
much on the disk). Rounds take turns and medians are printed, because disks of virtual machines are not steady.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from targets import settle

from bongsu.artifacts.local import LocalStore

# Of the slower of sha256sum and cp.
TARGET = 0.8
FILES = 8
CHUNK = 1 << 24


def write_tree(folder: Path, size: int) -> None:
    """``size`` bytes that compress badly, in files as large as shards of weights and a few small ones."""
    folder.mkdir()
    for number in range(FILES):
        with (folder / f"model-{number:05}.safetensors").open("wb") as file:
            for _ in range(size // FILES // CHUNK):
                file.write(os.urandom(CHUNK))
    for name in ("config.json", "tokenizer.json", "README.md"):
        (folder / name).write_bytes(os.urandom(20_000))


def sha256sum(tree: Path, _target: Path) -> None:
    subprocess.run(["sha256sum", *map(str, sorted(tree.iterdir()))], check=True, stdout=subprocess.DEVNULL)


def copy(tree: Path, target: Path) -> None:
    subprocess.run(["cp", "-r", str(tree), str(target)], check=True)
    subprocess.run(["sync", "-f", str(target)], check=True)


def register(tree: Path, target: Path) -> None:
    writer = LocalStore(target).writer("bench")
    writer.add_tree(tree)
    writer.commit()


def mlflow_artifacts(tree: Path, target: Path) -> None:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{target}.db")
    if mlflow.get_experiment_by_name(target.name) is None:
        mlflow.create_experiment(target.name, artifact_location=target.as_uri())
    with mlflow.start_run(experiment_id=mlflow.get_experiment_by_name(target.name).experiment_id):
        mlflow.log_artifacts(str(tree))
    subprocess.run(["sync", "-f", str(target)], check=True)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "sha256sum": sha256sum,
    "cp -r, sync": copy,
    "bongsu: add_tree, commit": register,
    "mlflow.log_artifacts, sync": mlflow_artifacts,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, default=None, help="on the disk to measure; a temporary one if left out"
    )
    given = parser.parse_args()
    size = int(given.gib * (1 << 30)) // (FILES * CHUNK) * FILES * CHUNK
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        write_tree(folder / "tree", size)
        mlflow_artifacts(folder / "tree", folder / "first")  # imports and makes its tables
        shutil.rmtree(folder / "first")
        for number in range(given.rounds):
            for title, way in WAYS.items():
                target = folder / f"target-{number}"
                os.sync()
                began = time.perf_counter()
                way(folder / "tree", target)
                times[title].append(time.perf_counter() - began)
                shutil.rmtree(target, ignore_errors=True)
    rates = {title: size / statistics.median(took) / 1e6 for title, took in times.items()}
    slower = min(rates["sha256sum"], rates["cp -r, sync"])
    print(f"{'way':30} {'MB/s (median)':>14} {'of the slower of sha256sum and cp':>34}")
    for title, rate in rates.items():
        print(f"{title:30} {rate:14.0f} {rate / slower:34.2f}")
    settle(["bongsu: add_tree, commit"] if rates["bongsu: add_tree, commit"] < TARGET * slower else [])


if __name__ == "__main__":
    main()
