"""How far the upload of one tree came, kept on the machine that uploads it, so that it goes on after a kill.

It is not kept in the bucket: writers on two machines would go on with each other's files.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bongsu.artifacts.durable import private, sync_file, write_whole
from bongsu.domain.artifact import FileEntry
from bongsu.domain.ids import Digest


@dataclass(frozen=True)
class Uploaded:
    """A file that is complete in the bucket, the ETag that the server gave it, and the hashes of its pieces."""

    entry: FileEntry
    etag: str
    pieces: tuple[str, ...] = ()


@dataclass
class Progress:
    """``token`` is the writer's own folder in the bucket, ``files`` are complete there, by path. ``committed`` is the
    tree of which a manifest may stand that points there: a commit was begun."""

    token: str = field(default_factory=lambda: secrets.token_hex(8))
    files: dict[str, Uploaded] = field(default_factory=dict)
    committed: Digest | None = None


class Journal:
    """Progress in a file, a line of JSON for every change."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Progress | None:
        """None if nothing was begun."""
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return None
        rows = [row for row in map(_row, lines) if row]
        token = next((row["token"] for row in rows if "token" in row), None)
        if token is None:
            return None
        found = Progress(token)
        for row in rows:
            if "file" in row:
                entry = FileEntry.model_validate(row["file"])
                file = Uploaded(entry, str(row.get("etag", "")), tuple(row.get("pieces", ())))
                found.files[file.entry.path] = file
            found.committed = row.get("commit", found.committed)
        return found

    def write(self, progress: Progress) -> None:
        """Begin with what is known; half a line that a killed writer left would swallow the next."""
        rows: list[dict[str, Any]] = [{"token": progress.token}]
        rows += [_file_row(file) for file in progress.files.values()]
        if progress.committed is not None:
            rows.append({"commit": progress.committed})
        write_whole(self._path, "".join(json.dumps(row) + "\n" for row in rows).encode())

    def uploaded(self, file: Uploaded) -> None:
        self._append(_file_row(file))

    def committing(self, digest: Digest) -> None:
        """Durably, since nobody may take away what a manifest points at."""
        self._append({"commit": digest})
        sync_file(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _append(self, row: dict[str, Any]) -> None:
        with open(self._path, "a", opener=private) as file:
            file.write(json.dumps(row) + "\n")


def _file_row(file: Uploaded) -> dict[str, Any]:
    return {"file": file.entry.model_dump(), "etag": file.etag, "pieces": file.pieces}


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:  # the last line of a killed writer
        return None
    return row if isinstance(row, dict) else None
