"""Where the checkpoints of a stage lie, and which of them are whole.

A checkpoint is a directory ``<group>/<name>`` under the stage's checkpoint URI. It is whole when its
``complete.json`` stands and every file that it lists has the size it states, in whatever order the files arrived:
Ray Train copies them from all workers at once, a kill may leave any part behind.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from bongsu_stages.runtime.scratch import Scratch

MARKER = "complete.json"
STATE = "state"
"""Kind of a checkpoint that a run resumes from."""
MODEL = "model"
"""Kind of a checkpoint that holds the finished model tree."""


@dataclass(frozen=True)
class CheckpointFacts:
    """What ``complete.json`` says.

    Attributes:
        step: optimizer steps that are in it.
        fingerprint: of everything that decides the run; another one must not resume from here.
        workers: size of the gang that wrote it.
        files: size in bytes of each file by its path.
        digests: SHA-256 of each file by its path.
        metrics: figures so far; the final ones where ``kind`` is ``model``.
        kind: :data:`STATE` or :data:`MODEL`.
    """

    step: int
    fingerprint: str
    workers: int
    files: dict[str, int]
    metrics: dict[str, float] = field(default_factory=dict)
    kind: str = STATE
    digests: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(self.__dict__, sort_keys=True)


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its path on the file system of its folder, and its facts."""

    path: str
    facts: CheckpointFacts


class CheckpointFolder:
    """The checkpoints under one URI: a directory, or whatever pyarrow's file systems read (``s3://...``)."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._files, self._root = pafs.FileSystem.from_uri(uri)

    def whole(self) -> Iterator[Checkpoint]:
        """Every checkpoint of which nothing is missing, in no order."""
        selector = pafs.FileSelector(self._root, recursive=True, allow_not_found=True)
        sizes = {info.path: info.size for info in self._files.get_file_info(selector) if info.is_file}
        for path in sizes:
            if not path.endswith(f"/{MARKER}"):
                continue
            folder = path.removesuffix(f"/{MARKER}")
            facts = self._facts(path)
            if facts and all(sizes.get(f"{folder}/{name}") == size for name, size in facts.files.items()):
                yield Checkpoint(folder, facts)

    def newest(self, fingerprint: str, kind: str) -> list[Checkpoint]:
        """Whole checkpoints of this fingerprint and kind, the one with the most steps first."""
        found = [c for c in self.whole() if c.facts.fingerprint == fingerprint and c.facts.kind == kind]
        return sorted(found, key=lambda c: c.facts.step, reverse=True)

    def latest(self, fingerprint: str, kind: str) -> Checkpoint | None:
        """The first of :meth:`newest`."""
        return next(iter(self.newest(fingerprint, kind)), None)

    def put(self, group: str, name: str, directory: Path) -> None:
        """Copy a local checkpoint in; its marker last."""
        target = f"{self._root}/{group}/{name}"
        self._files.create_dir(target)
        for path in sorted(p for p in directory.rglob("*") if p.is_file() and p.name != MARKER):
            self._copy_in(path, f"{target}/{path.relative_to(directory).as_posix()}")
        self._copy_in(directory / MARKER, f"{target}/{MARKER}")

    def keep_newest(self, group: str, count: int) -> None:
        """Delete all but the ``count`` newest of a group, by step."""
        ours = [c for c in self.whole() if Path(c.path).parent.name == group]
        for old in sorted(ours, key=lambda c: c.facts.step)[:-count]:
            # The marker goes first: what a kill leaves half deleted is no checkpoint any more.
            self._files.delete_file(f"{old.path}/{MARKER}")
            self._files.delete_dir(old.path)

    @contextmanager
    def local(self, checkpoint: Checkpoint, scratch: Scratch) -> Iterator[Path]:
        """A directory on this machine with the checkpoint's files; a copy in ``scratch`` is gone afterwards."""
        if isinstance(self._files, pafs.LocalFileSystem):
            yield Path(checkpoint.path)
            return
        with scratch.folder("checkpoint") as folder:
            pafs.copy_files(
                checkpoint.path,
                str(folder),
                source_filesystem=self._files,
                destination_filesystem=pafs.LocalFileSystem(),
            )
            yield folder

    def _copy_in(self, source: Path, target: str) -> None:
        if "/" in target:
            self._files.create_dir(target.rsplit("/", 1)[0])
        with source.open("rb") as incoming, self._files.open_output_stream(target) as outgoing:
            shutil.copyfileobj(incoming, outgoing, 8 * 1024 * 1024)

    def _facts(self, path: str) -> CheckpointFacts | None:
        with self._files.open_input_stream(path) as stream:
            try:
                fields: dict[str, Any] = json.loads(stream.read())
                return CheckpointFacts(**fields)
            except (ValueError, TypeError):
                return None


def files_below(directory: Path) -> dict[str, int]:
    """Size of each file below ``directory`` by its POSIX path, the marker left out."""
    return {
        path.relative_to(directory).as_posix(): path.stat().st_size
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MARKER
    }


def digest_of_file(path: Path) -> str:
    """SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed_files(directory: Path, digests: Mapping[str, str], rank: int, workers: int) -> list[str]:
    """Files that are not as they were written, of this worker's share: together the workers look at each once."""
    return [name for name in sorted(digests)[rank::workers] if digest_of_file(directory / name) != digests[name]]
