"""Documents trees: parquet files with the columns ``id``, ``text``, ``source``, read and written as streams."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bongsu.artifacts.base import TreeReader, TreeWriter
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.faults import is_of_machine
from bongsu_stages.runtime.stage import StageError

COLUMNS = ("id", "text", "source")
ROWS_AT_ONCE = 256
_BLOCK = 8 * 1024 * 1024
PART_CHARACTERS = 64 * 1024 * 1024


@dataclass(frozen=True)
class Document:
    """One text. ``id`` is unique in its tree; ``source`` is the file (and row) that it came from."""

    id: str
    text: str
    source: str


@contextmanager
def on_disk(reader: TreeReader, path: str, scratch: Path) -> Iterator[Path]:
    """One file of a tree as a local file, its bytes checked: its place in a local store, else a copy, deleted after.

    Never more than one file of the tree lies in ``scratch``. Raises ``artifact.corrupt``.
    """
    place = urlsplit(reader.uri)
    if place.scheme == "file":
        with reader.open(path) as checked:
            while checked.read(_BLOCK):
                pass
        yield Path(unquote(place.path)) / path
        return
    copy = scratch / ("input" + Path(path).suffix)
    try:
        with reader.open(path) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, _BLOCK)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def part_names(reader: TreeReader) -> list[str]:
    """The parquet parts of a documents tree, in order. Raises StageError if there is none."""
    names = sorted(entry.path for entry in reader.manifest.files if _is_part(entry.path))
    if not names:
        raise StageError(N_("The documents input has no part-*.parquet."), N_("Give the output of data.curate."))
    return names


def _is_part(path: str) -> bool:
    return path.startswith("part-") and path.endswith(".parquet")


def read_documents(reader: TreeReader, scratch: Path) -> Iterator[Document]:
    """All documents in the order of the tree, a few hundred in memory at a time.

    Raises StageError if a part is not parquet, is damaged, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name in part_names(reader):
        with on_disk(reader, name, scratch) as path:
            try:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(COLUMNS)):
                        yield from map(_document, batch.to_pylist())
            except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
                if is_of_machine(error):
                    raise
                raise StageError(
                    phrase(N_("{name} of the documents input cannot be read: {detail}."), name=name, detail=error),
                    N_("Give parquet files with the text columns id, text and source."),
                ) from error


def _document(row: dict[str, Any]) -> Document:
    """Raises TypeError where something is no text: a damaged part may have nothing in its place."""
    for column, value in row.items():
        if not isinstance(value, str):
            raise TypeError(f"{column}: {type(value).__name__}")
    return Document(**row)


class DocumentWriter:
    """Writes ``part-00000.parquet``, ... into a tree; the same documents give the same bytes."""

    def __init__(self, writer: TreeWriter, part_characters: int = PART_CHARACTERS) -> None:
        self._writer = writer
        self._limit = part_characters
        self._rows: list[dict[str, str]] = []
        self._characters = 0
        self._open: Any = None
        self._stream: Any = None
        self._parts = 0
        self._in_part = 0

    def add(self, document: Document) -> None:
        self._rows.append({"id": document.id, "text": document.text, "source": document.source})
        self._characters += len(document.text)
        if len(self._rows) >= ROWS_AT_ONCE or self._characters >= self._limit:
            self._flush()

    def close(self) -> None:
        """Write what is left; a tree without a document gets one empty part."""
        if self._rows or not self._parts:
            self._flush()
        self._end_part()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(name, pa.string()) for name in COLUMNS])
        if self._open is None:
            self._stream = self._writer.create(f"part-{self._parts:05d}.parquet")
            self._open = pq.ParquetWriter(self._stream, schema, compression="zstd")
            self._parts += 1
        self._open.write_table(pa.Table.from_pylist(self._rows, schema=schema))
        self._in_part += self._characters
        self._rows, self._characters = [], 0
        if self._in_part >= self._limit:
            self._end_part()

    def _end_part(self) -> None:
        if self._open is not None:
            self._open.close()
            self._stream.close()
        self._open, self._stream, self._in_part = None, None, 0
