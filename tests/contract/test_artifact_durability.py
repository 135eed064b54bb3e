"""What the local artifact store has acknowledged is on the disk: of small files the disk is waited for together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bongsu.artifacts.local import LocalStore
from bongsu.artifacts.local_writer import SMALL


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers (inodes) of what the disk was waited for, as it happens."""
    found: list[int] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        found.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", watched)
    return found


def test_each_file_is_on_the_disk_before_the_tree_stands(
    tmp_path: Path, synced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of small ones the disk is waited for together, at the end, and of none it is not."""
    rename = os.rename
    before_it_stood: list[set[int]] = []

    def moved(source: Any, target: Any) -> None:
        before_it_stood.append(set(synced))
        rename(source, target)

    monkeypatch.setattr(os, "rename", moved)
    store = LocalStore(tmp_path)
    writer = store.writer("many")
    for number in range(40):
        with writer.create(f"folder-{number % 3}/{number}") as file:
            file.write(bytes(number))
    assert synced == [], "one disk is waited for once"
    with writer.create("large") as file:
        file.write(bytes(SMALL + 1))
    assert len(synced) == 1
    (tmp_path / "beside").write_text("copied")
    writer.add("copied", tmp_path / "beside")
    tree = tmp_path / "trees" / (digest := writer.commit().digest).removeprefix("sha256-")[:2] / digest
    (before,) = [one for one in before_it_stood if len(one) > 40]
    standing = {path.stat().st_ino for path in tree.rglob("*")} | {tree.stat().st_ino}
    assert standing <= before
    assert len([path for path in tree.rglob("*") if path.is_file()]) == 42


def test_what_a_killed_writer_left_is_on_the_disk_too(tmp_path: Path, synced: list[int]) -> None:
    """It noted the file as complete; whether the disk has it, nobody knows."""
    store, source = LocalStore(tmp_path / "store"), tmp_path / "a"
    source.write_text("left")
    if (child := os.fork()) == 0:
        with store.writer("key").create("a") as file:
            file.write(b"left")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    synced.clear()
    writer = store.writer("key")
    writer.add("a", source)
    assert synced == [], "it is not copied again"
    digest = writer.commit().digest
    (found,) = [path for path in (tmp_path / "store" / "trees").rglob("a") if path.is_file()]
    assert digest in found.parts
    assert found.stat().st_ino in synced
