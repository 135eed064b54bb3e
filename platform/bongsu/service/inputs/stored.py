"""The label of files that lie in the artifact store, whose cards did not come with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import DIGEST_PATTERN, Digest
from bongsu.domain.labels import Label, high_water_mark
from bongsu.service.inputs.files import FileSet
from bongsu.service.platform import Platform
from bongsu.store.artifacts import find_owned
from bongsu.store.receipts import label_at_givers


def known_label(platform: Platform, digest: Digest) -> Label | None:
    """What the database knows of these bytes, and what they carry where the ministry has them from; None if it knows
    neither."""
    with platform.read() as connection:
        known = find_owned(connection, digest)
        at_givers = label_at_givers(connection, digest)
    found = [label for label in (Label.parse(known.label) if known else None, at_givers) if label is not None]
    return high_water_mark(found) if found else None


class UnknownLabel(Exception):
    """The bytes lie in the artifact store, and nothing here knows what they are: another home made them, or nobody
    ran what they were taken in for. They may be worth any protection."""


def label_in_store(platform: Platform, files: FileSet) -> Label | None:
    """The least upper bound of the labels of those artifacts that the files are part of; None if they are of none.

    The folders of the store and the copies of a bucket's are called by the digest of their tree, so whatever
    lies below such a folder counts, by whatever links it was named. So does another name (a hard link) of a file of
    the store.

    Raises:
        UnknownLabel: they are of one whose label nobody here knows.
    """
    labels = {tree: known_label(platform, tree) for tree in (*_named(files), *_linked(platform, files))}
    if any(label is None and platform.artifacts.has(tree) for tree, label in labels.items()):
        raise UnknownLabel
    known = [label for label in labels.values() if label is not None]
    return high_water_mark(known) if known else None


def _named(files: FileSet) -> Iterator[Digest]:
    resolved = cache(Path.resolve)
    for _name, path in files.files:
        place = path.resolve() if path.is_symlink() else resolved(path.parent)
        yield from (Digest(part) for part in place.parts if DIGEST_PATTERN.fullmatch(part))


def _linked(platform: Platform, files: FileSet) -> Iterator[Digest]:
    """The store is searched only if a file has several names at all, which is rare: the search takes its time."""
    if not isinstance(platform.artifacts, LocalStore):
        return
    facts = (path.stat() for _name, path in files.files)
    wanted = {(fact.st_dev, fact.st_ino) for fact in facts if fact.st_nlink > 1}
    if wanted:
        yield from _trees_with(platform.artifacts.root / "trees", wanted)


def _trees_with(trees: Path, wanted: set[tuple[int, int]]) -> Iterator[Digest]:
    try:
        device = trees.stat().st_dev
    except FileNotFoundError:
        return
    inodes = {inode for where, inode in wanted if where == device}
    if not inodes:
        return
    for base, _folders, _names in os.walk(trees):
        with os.scandir(base) as entries:
            if any(entry.inode() in inodes for entry in entries):
                yield from (Digest(part) for part in Path(base).parts if DIGEST_PATTERN.fullmatch(part))
