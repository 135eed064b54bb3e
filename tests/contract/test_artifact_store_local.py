"""The local artifact store keeps the contract, and survives being killed."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from artifact_store_suite import ArtifactStoreSuite, Damage, Meter

from bongsu.artifacts import checking, local_writer
from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.checking import fault_of
from bongsu.artifacts.durable import make_folder, remove_empty
from bongsu.artifacts.hashing import hash_file
from bongsu.artifacts.local import LocalStore
from bongsu.artifacts.refusals import writing_to
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError

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


class LocalDamage:
    """See ``artifact_store_suite.Damage``."""

    def change(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        file = self._file(store, digest, path)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(bytes(data))

    def cut(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        file = self._file(store, digest, path)
        os.truncate(file, file.stat().st_size // 2)

    def remove(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        self._file(store, digest, path).unlink()

    def write_manifest(self, store: ArtifactStore, digest: Digest, data: bytes | None) -> None:
        assert isinstance(store, LocalStore)
        path = store.root / "manifests" / f"{digest}.json"
        path.unlink() if data is None else path.write_bytes(data)

    def change_unfinished(self, store: ArtifactStore, key: str, path: str) -> None:
        assert isinstance(store, LocalStore)
        file = store.root / "staging" / f"{key}.tree" / path
        before = file.stat()
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(bytes(data))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    def unfinished_parts(self, store: ArtifactStore) -> int:
        assert isinstance(store, LocalStore)
        return sum(1 for path in store.root.glob("staging/**/*") if path.name != ".lock")

    def _file(self, store: ArtifactStore, digest: Digest, path: str) -> Path:
        assert isinstance(store, LocalStore)
        (file,) = store.root.glob(f"trees/*/{digest}/{path}")
        file.chmod(0o600)
        return file


class TestLocalStore(ArtifactStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return LocalStore(tmp_path / "한글 store")

    @pytest.fixture
    def damage(self) -> Damage:
        return LocalDamage()

    @pytest.fixture
    def meter(self) -> Meter:
        return WrittenByThisProcess()


class WrittenByThisProcess:
    """See ``artifact_store_suite.Meter``: what the kernel counts (proc(5), ``io``)."""

    def bytes_sent(self, store: ArtifactStore) -> int:
        rows = Path("/proc/self/io").read_text().splitlines()
        return next(int(row.split()[1]) for row in rows if row.startswith("wchar:"))


def test_a_kill_at_any_moment_leaves_no_half_tree_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    chance = random.Random(7)
    number = 0
    acknowledged: dict[str, str] = {}
    for kill in range(KILLS):
        command = [sys.executable, "-c", WRITE_FOREVER, str(store.root), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            # Every other one has acknowledged a tree before, however busy the machine is.
            lines = [process.stdout.readline()] if kill % 2 else []
            time.sleep(chance.uniform(0.0, 0.05))
            process.kill()
            lines += process.stdout.read().splitlines(keepends=True)
        for line in lines:
            if line.endswith("\n"):
                done, digest = line.split()
                acknowledged[done] = digest
        number = max(map(int, acknowledged), default=0) + 1
    assert len(acknowledged) >= KILLS // 2
    for done, digest in acknowledged.items():
        assert store.get_record(f"results/{done}") == digest.encode()
    for digest in store.digests():
        store.reader(digest).verify()


def test_a_directory_that_a_killed_writer_left_is_not_trusted(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    digest = commit(store, "first", {"a": b"right", "d/b": b"right too"})
    (folder,) = store.root.glob(f"trees/*/{digest}")
    for spoil in ("stranger", "link", "file"):
        (store.root / "manifests" / f"{digest}.json").unlink()
        if spoil == "stranger":
            (folder / "stranger").write_bytes(b"not listed")
        elif spoil == "link":
            (folder / "a").rename(tmp_path / "elsewhere")
            (folder / "a").symlink_to(tmp_path / "elsewhere")
        else:
            shutil.rmtree(folder)
            folder.write_bytes(b"no directory")
        assert commit(store, "second", {"a": b"right", "d/b": b"right too"}) == digest
        store.reader(digest).verify()
        assert sorted(path.name for path in folder.rglob("*")) == ["a", "b", "d"]
        assert not (folder / "a").is_symlink()


@pytest.mark.parametrize("way", ["stranger", "link to a file", "link to a directory", "equal bytes elsewhere"])
def test_what_does_not_belong_to_a_tree_is_never_handed_out(tmp_path: Path, way: str) -> None:
    store = LocalStore(tmp_path / "store")
    digest = commit(store, "first", {"a": b"right", "d/b": b"right too"})
    folder = store.reader(digest).local()
    outside = tmp_path / "outside"
    outside.mkdir()
    if way == "stranger":
        (folder / "d" / "c").write_bytes(b"not listed")
    elif way == "link to a file":
        (outside / "c").write_bytes(b"not listed")
        (folder / "c").symlink_to(outside / "c")
    elif way == "link to a directory":
        (folder / "c").symlink_to(outside)
    else:
        (folder / "a").rename(outside / "a")
        (folder / "a").symlink_to(outside / "a")
    assert fault_of(store, digest) is not None
    for look in (store.reader(digest).local, store.reader(digest).verify):
        with pytest.raises(BongsuError, match=r"artifact\.corrupt"):
            look()
    assert store.withdraw(digest)
    assert commit(store, "second", {"a": b"right", "d/b": b"right too"}) == digest
    assert store.reader(digest).local() == folder


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_machine_that_cannot_read_now_says_nothing_about_a_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = LocalStore(tmp_path)
    digest = commit(store, "first", {"a": b"right"})

    def refuse(_path: Path) -> tuple[int, str]:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(checking, "hash_file", refuse)
    for look in (store.reader(digest).verify, lambda: store.withdraw(digest)):
        with pytest.raises(OSError, match=os.strerror(number)):
            look()
    assert store.has(digest)


def test_nobody_waits_while_another_tree_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    begun, go_on = threading.Event(), threading.Event()

    def slow(path: Path) -> tuple[int, str]:
        begun.set()
        assert go_on.wait(20)
        return hash_file(path)

    monkeypatch.setattr(local_writer, "hash_file", slow)
    first = store.writer("slow")
    (first.directory / "large").write_bytes(b"large")
    with ThreadPoolExecutor(1) as pool:
        committing = pool.submit(first.commit)
        assert begun.wait(20)
        commit(store, "quick", {"a": b"streamed, and hashed on the way"})
        go_on.set()
        store.reader(committing.result(20).digest).verify()


def test_a_record_that_is_no_file_stands_and_says_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "folder.record").mkdir()
    os.mkfifo(tmp_path / "records" / "pipe.record")
    for key in ("folder", "pipe"):
        assert store.get_record(key) == b""
        assert not store.put_record(key, b"1")


def test_a_manifest_that_cannot_be_read_is_told_as_such_and_mended(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    digest = commit(store, "first", {"a": b"1"})
    path = tmp_path / "manifests" / f"{digest}.json"
    path.unlink()
    path.symlink_to(path)  # reading it fails for everybody, the superuser included
    assert fault_of(store, digest) is not None
    commit(store, "second", {"a": b"1"})
    assert fault_of(store, digest) is None


def test_nothing_stays_behind_in_staging(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    commit(store, "r-1/a/1/model", {"a": b"1"})
    commit(store, "r-1/b/1/model", {"a": b"1"})
    store.writer("r-1/c/1/model").directory.joinpath("half").write_bytes(b"x")
    store.writer("r-1/c/1/model").abort()
    with pytest.raises(BongsuError, match="empty-tree"):
        store.writer("r-1/d/1/model").commit()
    assert [path.name for path in (tmp_path / "staging").iterdir()] == [".lock"]


def test_a_folder_that_others_remove_because_it_is_empty_is_made_all_the_same(tmp_path: Path) -> None:
    def come_and_go(number: int) -> None:
        for _ in range(300):
            make_folder(tmp_path / "a" / "b" / str(number))
            remove_empty(tmp_path / "a" / "b" / str(number), tmp_path)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_everything_is_its_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = LocalStore(tmp_path / "store")
        writer = store.writer("r-1/a/1/model")
        (writer.directory / "by/itself").mkdir(parents=True)
        (writer.directory / "by/itself/b").write_bytes(b"2")
        (tmp_path / "source").write_bytes(b"3")
        writer.add("copied", tmp_path / "source")
        with writer.create("streamed") as file:
            file.write(b"4")
        writer.commit()
        store.writer("r-1/b/1/model").create("unfinished").close()
        store.put_record("results/r-1", b"{}")
        store.checkpoint_uri("work/x")
    finally:
        os.umask(before)
    for path in (store.root, *store.root.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode in ((0o700,) if path.is_dir() else (0o600, 0o400)), path
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.root.glob("trees/*/*/**/*") if path.is_file()} == {
        0o400
    }


def test_a_writer_that_comes_back_after_a_kill_within_the_commit_writes_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    writer = store.writer("k")
    with writer.create("a") as file:
        file.write(b"old")
    (writer.directory / "a").chmod(0o400)
    del writer, file
    writer = store.writer("k")
    with writer.create("a") as file:
        file.write(b"new")
    digest = writer.commit().digest
    assert store.reader(digest).open("a").read() == b"new"


@pytest.mark.parametrize(
    ("number", "name", "expected"),
    [
        (errno.ENOSPC, None, "artifact.no-space"),
        (errno.EDQUOT, None, "artifact.no-space"),
        (errno.EROFS, None, "artifact.read-only"),
        (errno.EACCES, "store/trees/x", "artifact.read-only"),
        (errno.EACCES, "", "artifact.read-only"),
        (errno.EACCES, "source/x", None),
        (errno.EIO, "store/trees/x", None),
    ],
)
def test_what_a_disk_refuses_is_told_with_a_way_to_mend_it(
    tmp_path: Path, number: int, name: str | None, expected: str | None
) -> None:
    with pytest.raises((BongsuError, OSError)) as caught, writing_to(tmp_path / "store"):
        raise OSError(number, os.strerror(number), None if name is None else str(tmp_path / name))
    found = caught.value.problems[0].code.name if isinstance(caught.value, BongsuError) else None
    assert found == expected


def test_a_full_disk_is_told_by_whoever_writes(tmp_path: Path) -> None:
    file = LocalStore(tmp_path).writer("k").create("a")
    # No file may grow, which is as near to a full disk as a test can come.
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(BongsuError, match=r"artifact\.no-space"):
            file.write(b"x" * (2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


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


def commit(store: LocalStore, key: str, files: dict[str, bytes]) -> Digest:
    writer = store.writer(key)
    for path, data in files.items():
        with writer.create(path) as file:
            file.write(data)
    return writer.commit().digest


def test_a_directory_that_was_replaced_by_a_link_is_refused_and_what_it_points_at_left_alone(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    (elsewhere / "secret").write_bytes(b"not an output")
    writer = LocalStore(tmp_path / "store").writer("r-1/a/1/files")
    given = writer.directory
    given.rmdir()
    given.symlink_to(elsewhere)
    with pytest.raises(BongsuError) as caught:
        writer.commit()
    assert caught.value.problems[0].code.name == "artifact.unsafe-path"
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755
