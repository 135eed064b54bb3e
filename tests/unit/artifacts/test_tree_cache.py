"""Copies of trees make room for others, those in use excepted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bongsu.artifacts.s3.tree_cache import TreeCache
from bongsu.domain.artifact import FileEntry, Manifest

SIZE = 100


class Disk:
    """So many bytes, of which the copies below ``folder`` take some."""

    def __init__(self, total: int) -> None:
        self.total = total

    def room(self, folder: Path) -> tuple[int, int]:
        return self.total, self.total - sum(file.stat().st_size for file in folder.rglob("data"))


def tree(word: str) -> tuple[Manifest, bytes]:
    data = (word * SIZE)[:SIZE].encode()
    entry = FileEntry(path="data", size=SIZE, sha256=hashlib.sha256(data).hexdigest())
    return Manifest(files=(entry,)), data


def give(cache: TreeCache, word: str) -> Path:
    manifest, data = tree(word)

    def fetch(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").write_bytes(data)

    place = cache.give(manifest, fetch)
    assert (place / "data").read_bytes() == data
    return place


def used_at(cache: TreeCache, word: str, time: float) -> None:
    os.utime(cache.folder / f"{tree(word)[0].digest}.used", (time, time))


def test_copies_stay_as_long_as_there_is_room(tmp_path: Path) -> None:
    disk = Disk(total=10 * SIZE)
    places = [give(TreeCache(tmp_path, disk.room), word) for word in "abcd"]
    assert all(place.exists() for place in places)


def test_the_copy_that_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    disk = Disk(total=4 * SIZE)
    places = {word: give(TreeCache(tmp_path, disk.room), word) for word in "abc"}
    cache = TreeCache(tmp_path, disk.room)
    for word, time in (("a", 2000), ("b", 1000), ("c", 3000)):
        used_at(cache, word, time)
    give(cache, "d")
    assert {word: place.exists() for word, place in places.items()} == {"a": True, "b": False, "c": True}
    assert give(cache, "b").exists(), "it is fetched again"


def test_a_copy_that_somebody_was_given_stays_until_he_is_gone(tmp_path: Path) -> None:
    disk = Disk(total=2 * SIZE)
    holder = TreeCache(tmp_path, disk.room)
    place = give(holder, "a")
    give(TreeCache(tmp_path, disk.room), "b")
    assert place.exists()
    del holder
    give(TreeCache(tmp_path, disk.room), "c")
    assert not place.exists()


def test_what_a_killed_process_left_half_makes_room_too(tmp_path: Path) -> None:
    disk = Disk(total=2 * SIZE)
    give(TreeCache(tmp_path, disk.room), "a")
    place = tmp_path / tree("a")[0].digest
    place.rename(place.with_name(f"{place.name}.partial"))
    place.with_name(f"{place.name}.used").unlink()
    give(TreeCache(tmp_path, disk.room), "b")
    assert not place.with_name(f"{place.name}.partial").exists()


def test_a_changed_copy_is_fetched_again(tmp_path: Path) -> None:
    cache = TreeCache(tmp_path)
    place = give(cache, "a")
    (place / "data").write_bytes(b"x" * SIZE)
    assert give(cache, "a") == place
