"""The local artifact store keeps the contract, and survives being killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from artifact_store_suite import ArtifactStoreSuite, Damage

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import Digest

KILLS = 25
WRITE_FOREVER = """
import sys, itertools
from pathlib import Path
from bongsu.artifacts.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in itertools.count(int(sys.argv[2])):
    writer = store.writer(f"k/{number % 7}")
    for part in range(4):
        with writer.create(f"d/{part}.bin") as file:
            file.write(f"{number} {part} ".encode() * 3000)
    digest = writer.commit().digest
    store.put_record(f"results/{number}", digest.encode())
    print(number, digest, flush=True)
"""


class TestLocalStore(ArtifactStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return LocalStore(tmp_path / "한글 store")

    @pytest.fixture
    def damage(self) -> Damage:
        def change(store: ArtifactStore, digest: Digest, path: str) -> None:
            assert isinstance(store, LocalStore)
            (file,) = store.root.glob(f"trees/*/{digest}/{path}")
            file.chmod(0o644)
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(bytes(data))

        return change


def test_a_kill_at_any_moment_leaves_no_half_tree_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    chance = random.Random(7)
    number = 0
    acknowledged: dict[str, str] = {}
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITE_FOREVER, str(store.root), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.0, 0.05))
            process.kill()
            lines = process.stdout.read().splitlines(keepends=True)
        for line in lines:
            if line.endswith("\n"):
                done, digest = line.split()
                acknowledged[done] = digest
        number = max(map(int, acknowledged), default=0) + 1
    assert len(acknowledged) > KILLS // 5
    for done, digest in acknowledged.items():
        assert store.get_record(f"results/{done}") == digest.encode()
    for digest in store.digests():
        store.reader(digest).verify()


def test_a_truncated_or_missing_file_is_found(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for change in ("truncate", "delete"):
        writer = store.writer(change)
        with writer.create("a") as file:
            file.write(change.encode() * 100)
        digest = writer.commit().digest
        (path,) = tmp_path.glob(f"trees/*/{digest}/a")
        if change == "delete":
            path.unlink()
        else:
            path.chmod(0o644)
            with path.open("r+b") as file:
                file.truncate(10)
        with pytest.raises(Exception, match="does not match its manifest"):
            store.reader(digest).verify()
