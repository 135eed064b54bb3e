"""Folders go whatever is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.machine.removing import remove_tree

NAMES = st.sampled_from(["a", "b", ".removing-", "가"])
TREES = st.recursive(
    st.sampled_from(["file", "link up", "link away", "pipe"]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
DEPTH = 3000


def lay_out(place: Path, what: object, away: Path) -> None:
    if isinstance(what, dict):
        place.mkdir()
        for name, inner in what.items():
            lay_out(place / name, inner, away)
    elif what == "file":
        place.write_text("x")
    elif what == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(away if what == "link away" else place.parent)


@given(tree=TREES)
def test_nothing_stays_and_nothing_is_followed(tmp_path_factory: pytest.TempPathFactory, tree: object) -> None:
    folder = tmp_path_factory.mktemp("removing")
    away = folder / "away"
    away.mkdir()
    (away / "kept").write_text("kept")
    lay_out(folder / "gone", tree, away)
    remove_tree(folder / "gone")
    assert [(one.name, (one / "kept").read_text()) for one in folder.iterdir()] == [("away", "kept")]


def test_a_folder_deeper_than_any_path_may_be_goes(tmp_path: Path) -> None:
    inner = tmp_path / "deep"
    inner.mkdir()
    opened = os.open(inner, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d" * 100, dir_fd=opened)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=opened)
        os.close(opened)
        opened = below
    os.close(opened)
    remove_tree(inner)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_closed_to_its_owner_goes(tmp_path: Path) -> None:
    inner = tmp_path / "shut" / "within"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.chmod(0)
    (tmp_path / "shut").chmod(0)
    remove_tree(tmp_path / "shut")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_gone(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing" / "here")
    assert list(tmp_path.iterdir()) == []
