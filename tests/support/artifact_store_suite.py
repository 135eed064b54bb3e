"""What every artifact store must do. A test module gives it a fixture ``store`` and inherits the class.

It is one class, and therefore long: what inherits it gets every case, and none can be forgotten.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from bongsu.artifacts import checking, handing_out
from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.checking import fault_of
from bongsu.artifacts.hashing import hash_file
from bongsu.artifacts.writing import copy_file, write_bytes
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError

MIB = 1024 * 1024
ADD_AND_SLEEP = """
import sys, time
from pathlib import Path
from bongsu.artifacts.open import open_store
writer = open_store(sys.argv[1], Path(sys.argv[2])).writer("inputs/k")
writer.add("a", Path(sys.argv[3]))
print("added", flush=True)
time.sleep(600)
"""
ADD_AND_STOP_WITHIN = """
import sys, time
from pathlib import Path
from bongsu.artifacts.open import open_store
writer = open_store(sys.argv[1], Path(sys.argv[2])).writer("inputs/k")
source = Path(sys.argv[3])
for name in ("a", "d/b"):
    writer.add(name, source / name)
half = writer.create("c")
half.write((source / "c").read_bytes()[: 20 << 20])
half.flush()
time.sleep(float(sys.argv[4]))
print("half", flush=True)
time.sleep(600)
"""
GARBAGE = b'{"files": 7}'


class Damage(Protocol):
    """Does things to a committed tree behind the store's back."""

    def change(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        """Another byte in the middle of a file, of the same size."""

    def cut(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        """A file loses its second half."""

    def remove(self, store: ArtifactStore, digest: Digest, path: str) -> None: ...

    def write_manifest(self, store: ArtifactStore, digest: Digest, data: bytes | None) -> None:
        """Other content for the manifest; None removes it."""

    def change_unfinished(self, store: ArtifactStore, key: str, path: str) -> None:
        """Another byte in the middle of a file of a writer that was killed; nothing but the bytes tells."""

    def unfinished_parts(self, store: ArtifactStore) -> int:
        """Parts of files in the store that nobody will ever complete."""


class Meter(Protocol):
    """Counts what really goes to the store's disk or server."""

    def bytes_sent(self, store: ArtifactStore) -> int:
        """Bytes that this process has written to the store since some moment."""


def code(error: pytest.ExceptionInfo[BongsuError]) -> str:
    return error.value.problems[0].code.name


class ArtifactStoreSuite:
    """Contract of ``bongsu.artifacts.base.ArtifactStore``."""

    @pytest.fixture
    def store(self) -> ArtifactStore:
        raise NotImplementedError("the test module gives the store")

    @pytest.fixture
    def damage(self) -> Damage:
        """What happens to stored bytes."""
        raise NotImplementedError("the test module knows how")

    @pytest.fixture
    def meter(self, store: ArtifactStore) -> Meter:
        """Counts from now on."""
        raise NotImplementedError("the test module knows where to look")

    def test_a_tree_comes_back_as_it_was_written(self, store: ArtifactStore) -> None:
        writer = store.writer("r-1/a/1/out")
        with writer.create("deep/한글 이름.txt") as file:
            file.write("대한민국".encode())
        (writer.directory / "plain.bin").write_bytes(b"\0" * 1000)
        manifest = writer.commit()
        reader = store.reader(manifest.digest)
        assert {entry.path for entry in reader.manifest.files} == {"deep/한글 이름.txt", "plain.bin"}
        assert reader.open("deep/한글 이름.txt").read().decode() == "대한민국"
        assert (reader.local() / "plain.bin").read_bytes() == b"\0" * 1000
        reader.verify()

    def test_files_of_one_tree_are_passed_on_to_another(self, store: ArtifactStore) -> None:
        source = store.reader(self._commit(store, "source", {"a": b"1" * 70_000}))
        writer = store.writer("r-1/passed/1/out")
        copy_file(source, writer, "a")
        copy_file(source, writer, "a", "deep/b")
        write_bytes(writer, "deep/c", "대한민국".encode())
        passed = store.reader(writer.commit().digest)
        assert passed.open("a").read() == passed.open("deep/b").read() == b"1" * 70_000
        assert passed.open("deep/c").read().decode() == "대한민국"

    def test_the_digest_depends_on_content_and_paths_alone(self, store: ArtifactStore) -> None:
        first = self._commit(store, "one", {"a": b"1", "b": b"2"})
        second = self._commit(store, "two", {"b": b"2", "a": b"1"})
        third = self._commit(store, "three", {"a": b"2", "b": b"1"})
        assert first == second
        assert first != third

    def test_nothing_is_visible_before_commit_and_nothing_after_abort(self, store: ArtifactStore) -> None:
        writer = store.writer("r-1/b/1/out")
        with writer.create("a") as file:
            file.write(b"unfinished")
        digest = self._commit(store, "elsewhere", {"a": b"unfinished"})
        assert store.has(digest)
        writer.abort()
        with pytest.raises(BongsuError) as error:
            store.writer("r-1/b/1/out").commit()
        assert code(error) == "artifact.empty-tree"
        assert store.has(digest)

    def test_ranges_are_read_without_the_rest(self, store: ArtifactStore) -> None:
        digest = self._commit(store, "ranges", {"x": bytes(range(256)) * 100})
        reader = store.reader(digest)
        assert reader.open("x", 255, 3).read() == bytes([255, 0, 1])
        assert reader.open("x", 25_590).read() == bytes(range(246, 256))
        assert reader.open("x", 25_600, 5).read() == b""

    def test_large_files_go_through_in_parts(self, store: ArtifactStore, tmp_path: Path) -> None:
        data = os.urandom(MIB) * 40
        (tmp_path / "big.bin").write_bytes(data)
        writer = store.writer("r-1/big/1/out")
        writer.add("big.bin", tmp_path / "big.bin")
        manifest = writer.commit()
        assert manifest.files[0].sha256 == hashlib.sha256(data).hexdigest()
        assert store.reader(manifest.digest).open("big.bin").read() == data

    def test_a_whole_directory_is_taken_in_and_again_for_nothing(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        for number in range(20):
            (source / f"d{number % 3}").mkdir(parents=True, exist_ok=True)
            (source / f"d{number % 3}" / f"{number}.txt").write_text(str(number))
        digests = set()
        for key in ("once", "again", "once"):
            writer = store.writer(key)
            writer.add_tree(source)
            digests.add(writer.commit().digest)
        assert len(digests) == 1
        store.reader(digests.pop()).verify()

    def test_an_interrupted_copy_goes_on_under_its_key(self, store: ArtifactStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (source / "a.bin").write_bytes(b"a" * 100)
        (source / "b.bin").write_bytes(b"b" * 100)
        store.writer("r-1/c/1/out").add("a.bin", source / "a.bin")
        writer = store.writer("r-1/c/1/out")
        writer.add_tree(source)
        manifest = writer.commit()
        assert [entry.path for entry in manifest.files] == ["a.bin", "b.bin"]
        store.reader(manifest.digest).verify()

    def test_a_file_that_is_given_again_takes_the_place_of_the_first(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        for name, data in (("one", b"old"), ("two", b"new")):
            (tmp_path / name).write_bytes(data)
        writer = store.writer("r-1/again/1/out")
        writer.add("over", tmp_path / "one")
        writer.add("over", tmp_path / "two")
        with writer.create("streamed") as stream:
            stream.write(b"old")
        writer.add("streamed", tmp_path / "two")
        reader = store.reader(writer.commit().digest)
        assert (reader.open("over").read(), reader.open("streamed").read()) == (b"new", b"new")

    def test_changed_bytes_are_found_on_read(self, store: ArtifactStore, damage: Damage) -> None:
        digest = self._commit(store, "damaged", {"good": b"good", "bad": b"x" * 5000})
        damage.change(store, digest, "bad")
        reader = store.reader(digest)
        assert reader.open("good").read() == b"good"
        for read in (
            lambda: reader.open("bad").read(),
            lambda: reader.open("bad", 0, 10).read(),
            lambda: reader.open("bad", 4000, 10).read(),
            reader.verify,
            reader.local,
        ):
            with pytest.raises(BongsuError) as error:
                read()
            assert code(error) == "artifact.corrupt"
            assert "bad" in str(error.value)

    def test_parts_of_a_large_file_are_what_they_were(
        self, store: ArtifactStore, damage: Damage, tmp_path: Path
    ) -> None:
        data = os.urandom(MIB) * 40
        (tmp_path / "large.bin").write_bytes(data)
        writer = store.writer("r-1/parts/1/out")
        writer.add("large.bin", tmp_path / "large.bin")
        digest = writer.commit().digest
        reader = store.reader(digest)
        for offset, length in ((0, 8), (16 * MIB - 3, 7), (15 * MIB, 20 * MIB), (40 * MIB - 5, 5), (32 * MIB, MIB)):
            assert reader.open("large.bin", offset, length).read() == data[offset : offset + length]
        damage.change(store, digest, "large.bin")
        again = store.reader(digest)
        with pytest.raises(BongsuError) as error:
            [again.open("large.bin", offset, 8 * MIB).read() for offset in range(0, 40 * MIB, 8 * MIB)]
        assert code(error) == "artifact.corrupt"

    @pytest.mark.parametrize("way", ["cut", "remove"])
    def test_a_file_that_is_gone_or_shorter_is_found_without_reading(
        self, store: ArtifactStore, damage: Damage, way: str
    ) -> None:
        digest = self._commit(store, "damaged", {"good": b"good", "bad": b"x" * 5000})
        store.reader(digest).check_sizes()
        getattr(damage, way)(store, digest, "bad")
        reader = store.reader(digest)
        for read in (reader.check_sizes, lambda: reader.open("bad", 2400, 200).read(), reader.local):
            with pytest.raises(BongsuError) as error:
                read()
            assert code(error) == "artifact.corrupt"
            assert [problem.args["path"] for problem in error.value.problems] == ["bad"]
        fault = fault_of(store, digest)
        assert fault is not None
        assert fault.code.name == "artifact.corrupt"

    @pytest.mark.parametrize("data", [GARBAGE, b"", b"[]", b"\xff", b'{"files": []}', None])
    def test_a_manifest_that_is_none_is_told_as_such(
        self, store: ArtifactStore, damage: Damage, data: bytes | None
    ) -> None:
        digest = self._commit(store, "damaged", {"a": b"1"})
        assert fault_of(store, digest) is None
        damage.write_manifest(store, digest, data)
        fault = fault_of(store, digest)
        assert fault is not None
        assert fault.code.name == ("artifact.missing" if data is None else "artifact.corrupt")

    @pytest.mark.parametrize("key", ["damaged", "again"])
    @pytest.mark.parametrize("manifest", ["sound", "garbage", "gone"])
    @pytest.mark.parametrize("way", ["change", "cut", "remove", "nothing"])
    def test_committing_the_same_bytes_mends_what_is_damaged(
        self, store: ArtifactStore, damage: Damage, key: str, manifest: str, way: str
    ) -> None:
        files = {"good": b"good", "d/bad": b"x" * 5000}
        digest = self._commit(store, "damaged", files)
        if way != "nothing":
            getattr(damage, way)(store, digest, "d/bad")
        if manifest != "sound":
            damage.write_manifest(store, digest, GARBAGE if manifest == "garbage" else None)
        assert self._commit(store, key, files) == digest
        reader = store.reader(digest)
        reader.verify()
        assert (reader.local() / "d" / "bad").read_bytes() == files["d/bad"]

    def test_large_files_are_hashed_once_and_again_when_they_changed(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(handing_out, "LARGE_BYTES", 1000)
        digest = self._commit(store, "first", {"large": b"x" * 5000})
        place = store.reader(digest).local() / "large"
        store.reader(digest).local()
        hashed: list[Path] = []

        def noted(path: Path) -> tuple[int, str]:
            hashed.append(path)
            return hash_file(path)

        monkeypatch.setattr(checking, "hash_file", noted)
        store.reader(digest).local()
        assert not hashed
        before = place.stat()
        place.chmod(0o600)
        place.write_bytes(b"y" * 5000)
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
        with contextlib.suppress(BongsuError):  # a store whose copies are its own has no other to give
            assert (store.reader(digest).local() / "large").read_bytes() == b"x" * 5000
        assert place in hashed

    def test_a_damaged_tree_is_set_aside_and_its_bytes_come_back(
        self, store: ArtifactStore, damage: Damage
    ) -> None:
        files = {"good": b"good", "d/bad": b"x" * 5000}
        digest = self._commit(store, "first", files)
        assert not store.withdraw(digest)
        assert store.has(digest)
        damage.change(store, digest, "d/bad")
        assert store.withdraw(digest)
        assert not store.has(digest)
        assert not store.withdraw(digest)
        assert self._commit(store, "second", files) == digest
        store.reader(digest).verify()

    def test_what_is_not_there_is_said_so(self, store: ArtifactStore) -> None:
        absent = Digest("sha256-" + "0" * 64)
        assert not store.has(absent)
        with pytest.raises(BongsuError) as error:
            store.reader(absent)
        assert code(error) == "artifact.missing"

    @pytest.mark.parametrize(
        "path", ["", "/etc/passwd", "../up", "a/../../b", "a//b", "./a", "a\nb", "a\\b", "x" * 1100]
    )
    def test_paths_that_leave_the_tree_are_refused(self, store: ArtifactStore, path: str) -> None:
        with pytest.raises(BongsuError) as error:
            store.writer("r-1/paths/1/out").create(path)
        assert code(error) == "artifact.unsafe-path"

    @pytest.mark.parametrize("key", ["", "/a", "a/../b", "..", "a//b", "a b", "가", "a/", "x" * 600])
    def test_keys_that_leave_their_place_are_refused(self, store: ArtifactStore, key: str) -> None:
        for use in (store.writer, store.get_record, store.clear_checkpoints):
            with pytest.raises(BongsuError) as error:
                use(key)
            assert code(error) == "artifact.unsafe-key"

    def test_links_are_refused(self, store: ArtifactStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (source / "real").write_text("x")
        (source / "link").symlink_to(source / "real")
        with pytest.raises(BongsuError) as error:
            store.writer("r-1/links/1/out").add_tree(source)
        assert code(error) == "artifact.unsafe-path"

    def test_of_two_writers_of_a_record_one_wins(self, store: ArtifactStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda n: store.put_record("results/r-1/a/1", str(n).encode()), range(8)))
        assert won.count(True) == 1
        assert store.get_record("results/r-1/a/1") == str(won.index(True)).encode()

    def test_writers_of_the_same_tree_do_not_disturb_each_other(self, store: ArtifactStore) -> None:
        def write(number: int) -> Digest:
            return self._commit(store, f"same/{number}", {"a": b"same" * 1000, "b/c": b"bytes"})

        with ThreadPoolExecutor(6) as pool:
            digests = set(pool.map(write, range(6)))
        assert len(digests) == 1
        store.reader(digests.pop()).verify()

    def test_an_abort_after_the_commit_takes_nothing_away(self, store: ArtifactStore) -> None:
        files = {"a": b"shared" * 1000}
        first = store.writer("r-1/a/1/out")
        with first.create("a") as file:
            file.write(files["a"])
        digest = first.commit().digest
        assert self._commit(store, "r-2/a/1/out", files) == digest  # points at the bytes of the first
        first.abort()
        store.writer("r-1/a/1/out").abort()
        store.writer("r-2/a/1/out").abort()
        store.reader(digest).verify()

    def test_another_tree_under_the_key_of_a_committed_one_leaves_that_alone(self, store: ArtifactStore) -> None:
        first, second = (self._commit(store, "k", {"a": data}) for data in (b"one", b"two"))
        unfinished = store.writer("k")
        unfinished.create("a").close()
        unfinished.abort()
        for digest, data in ((first, b"one"), (second, b"two")):
            assert store.reader(digest).open("a").read() == data

    def test_a_second_writer_of_a_key_waits_for_the_first(self, store: ArtifactStore, tmp_path: Path) -> None:
        for name in "abc":
            (tmp_path / name).write_text(name)
        first, second = store.writer("inputs/k"), store.writer("inputs/k")

        def write_c() -> list[str]:
            second.add("c", tmp_path / "c")
            return [entry.path for entry in second.commit().files]

        first.add("a", tmp_path / "a")
        with ThreadPoolExecutor(1) as pool:
            later = pool.submit(write_c)
            time.sleep(0.2)
            first.add("b", tmp_path / "b")
            manifest = first.commit()
            assert later.result(60) == ["c"]
        assert [entry.path for entry in manifest.files] == ["a", "b"]
        store.reader(manifest.digest).verify()

    def test_a_writer_that_is_alone_with_its_key_stays_so_after_its_commit(self, store: ArtifactStore) -> None:
        writer = store.writer("k")
        with ThreadPoolExecutor(1) as pool:
            with writer.alone():
                with writer.create("a") as file:
                    file.write(b"1")
                writer.commit()
                later = pool.submit(self._commit, store, "k", {"b": b"2"})
                time.sleep(0.2)
                assert not later.done()
            store.reader(later.result(60)).verify()

    def test_work_that_was_left_unfinished_alone_goes_on_in_the_next_writer(self, store: ArtifactStore) -> None:
        writer = store.writer("k")
        with writer.alone():
            writer.create("a").close()
        assert [entry.path for entry in store.writer("k").commit().files] == ["a"]

    def test_a_killed_writer_gives_its_key_up_and_its_work_goes_on(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        for name in "ab":
            (tmp_path / name).write_text(name)
        cache = getattr(store, "cache", tmp_path)
        command = [sys.executable, "-c", ADD_AND_SLEEP, store.uri, str(cache), str(tmp_path / "a")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "added\n"
            process.kill()
        writer = store.writer("inputs/k")
        writer.add("b", tmp_path / "b")
        manifest = writer.commit()
        assert [entry.path for entry in manifest.files] == ["a", "b"]
        store.reader(manifest.digest).verify()

    @pytest.mark.parametrize("harm", ["none", "change"])
    def test_a_killed_copy_goes_on_without_copying_again_what_is_there_unharmed(
        self, store: ArtifactStore, damage: Damage, meter: Meter, tmp_path: Path, harm: str
    ) -> None:
        source = tmp_path / "source"
        sizes = {"a": 17 * MIB + 1, "d/b": 18 * MIB, "c": 24 * MIB}
        (source / "d").mkdir(parents=True)
        for name, size in sizes.items():
            (source / name).write_bytes(os.urandom(MIB) * (size // MIB) + b"x" * (size % MIB))
        self._kill_within_the_third_file(store, source, tmp_path)
        if harm == "change":
            damage.change_unfinished(store, "inputs/k", "d/b")
        before = meter.bytes_sent(store)
        writer = store.writer("inputs/k")
        writer.add_tree(source)
        manifest = writer.commit()
        sent = meter.bytes_sent(store) - before
        due = sizes["c"] + (sizes["d/b"] if harm == "change" else 0)
        assert due <= sent <= due + 64 * 1024, "journal, manifest and heads of requests are small"
        assert damage.unfinished_parts(store) == 0
        expected = {name: hashlib.sha256((source / name).read_bytes()).hexdigest() for name in sizes}
        assert {entry.path: entry.sha256 for entry in manifest.files} == expected
        store.reader(manifest.digest).verify()

    @staticmethod
    def _kill_within_the_third_file(store: ArtifactStore, source: Path, scratch: Path) -> None:
        cache = getattr(store, "cache", scratch)
        wait = "1" if store.uri.startswith("s3:") else "0"  # parts go out behind the writer
        command = [sys.executable, "-c", ADD_AND_STOP_WITHIN, store.uri, str(cache), str(source), wait]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "half\n"
            process.kill()

    def test_a_store_is_opened_again_by_its_uri(self, store: ArtifactStore) -> None:
        from bongsu.artifacts.open import open_store

        digest = self._commit(store, "again", {"a": b"1"})
        assert open_store(store.uri).reader(digest).open("a").read() == b"1"

    @staticmethod
    def _commit(store: ArtifactStore, key: str, files: dict[str, bytes]) -> Digest:
        writer = store.writer(key)
        for path, data in files.items():
            with writer.create(path) as file:
                file.write(data)
        return writer.commit().digest
