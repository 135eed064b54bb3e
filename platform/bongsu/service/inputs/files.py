"""Which files belong to an input, and whether they were touched since they were imported."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, Words, phrase

# What tools leave behind, and what is not content.
_PASSED_OVER = frozenset({"__pycache__"})


class NotFound(Exception):
    """An input cannot be found. ``suggestion`` is what was probably meant."""

    def __init__(self, detail: Words, suggestion: str | None = None) -> None:
        super().__init__(str(detail))
        self.detail = detail
        self.suggestion = suggestion

    def within(self, folder: Path) -> NotFound:
        """The same, of files below a folder of which whoever sent them knows nothing."""
        if not isinstance(self.detail, Phrase):
            return self
        shown = (
            (name, value.relative_to(folder) if isinstance(value, Path) and value.is_relative_to(folder) else value)
            for name, value in self.detail.values
        )
        return NotFound(replace(self.detail, values=tuple(shown)), self.suggestion)


@dataclass(frozen=True)
class FileSet:
    """Files of one input: path in the tree to path on disk. ``location`` names the input among others. ``homes`` are
    the folders that its files come from; each is followed by those above it, as far as their cards may speak for it."""

    location: str
    files: tuple[tuple[str, Path], ...]
    homes: tuple[tuple[Path, ...], ...] = ()

    @property
    def fingerprint(self) -> Digest:
        """Digest over path, size and times of change of every file; equal means that nothing was touched."""
        rows = []
        for name, path in self.files:
            stat = path.stat()
            # Copies may be given any time of modification; that of the last change is the kernel's.
            rows.append([name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns])
        return digest_of(json.dumps(rows).encode())


def files_at(path: Path, location: str) -> FileSet:
    """A directory's files, or one file. Hidden files and caches of tools are left out; links to files are followed.

    Raises:
        NotFound: there is nothing, or a link to a directory, which would silently be left out.
    """
    if path.is_file():
        return FileSet(location, ((path.name, path),), _homes([path.parent, path.resolve().parent]))
    found = sorted(_walk(path))
    if not found:
        raise NotFound(phrase(N_("{path} has no files"), path=path))
    linked = [file.resolve().parent for file in found if file.is_symlink()]
    homes = _homes([path, path.resolve(), *linked])
    return FileSet(location, tuple((file.relative_to(path).as_posix(), file) for file in found), homes)


def files_sent(folder: Path, location: str) -> FileSet:
    """As :func:`files_at` of a folder into which was written what somebody sent: what stands above it here says nothing
    about that. Raises NotFound."""
    return replace(files_at(folder, location), homes=((folder,),))


def _homes(folders: Iterable[Path]) -> tuple[tuple[Path, ...], ...]:
    """Each folder with those above it, once."""
    plain = {Path(os.path.normpath(folder)): None for folder in folders}
    return tuple((folder, *folder.parents) for folder in plain)


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _counts(name))
        for name in folders:
            if Path(base, name).is_symlink():
                raise NotFound(phrase(N_("{path} is a link to a directory"), path=Path(base, name)))
        for name in names:
            if _counts(name):
                if not Path(base, name).is_file():
                    raise NotFound(phrase(N_("{path} is a broken link or a special file"), path=Path(base, name)))
                yield Path(base, name)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name not in _PASSED_OVER


def nearest_path(path: Path) -> str | None:
    """The existing neighbour that was probably meant."""
    from bongsu.domain.suggest import closest

    parent = path.parent
    try:
        names: Sequence[str] = [entry.name for entry in parent.iterdir() if _counts(entry.name)]
    except OSError:
        return None
    best = closest(path.name, names)
    return str(parent / best) if best else None
