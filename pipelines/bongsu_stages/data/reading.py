"""Records of the files that people have: txt, HTML, JSON lines and parquet, plain or compressed.

Everything that cannot be used comes out as :class:`Lost`, with its place and the reason.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast

from bongsu.artifacts.base import TreeReader
from bongsu_stages.data.decoding import decode, decode_page
from bongsu_stages.data.documents import Document, on_disk
from bongsu_stages.data.html import html_text
from bongsu_stages.runtime.faults import is_of_machine

Format = Literal["text", "html", "jsonl", "parquet"]
LARGEST_TEXT = 64 * 1024 * 1024
"""Bytes of one text file, or of one line of JSON."""
PIECE = 1024 * 1024
_FORMATS: dict[str, Format] = {
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_COMPRESSIONS = (".gz", ".zst")


@dataclass(frozen=True)
class Lost:
    """A record (or a whole file) that does not become a document. ``detail`` never quotes the text."""

    id: str
    source: str
    reason: str
    detail: str = ""


Record = Document | Lost


def format_of(path: str) -> tuple[Format, str] | None:
    """The format of a file and its compression (``.gz``, ``.zst`` or empty), from its name; None if unknown."""
    pure = PurePosixPath(path)
    compression = pure.suffix.lower() if pure.suffix.lower() in _COMPRESSIONS else ""
    inner = PurePosixPath(pure.stem) if compression else pure
    found = _FORMATS.get(inner.suffix.lower())
    return (found, compression) if found else None


def read_file(reader: TreeReader, path: str, text_field: str, scratch: Path) -> Iterator[Record]:
    """The records of one file, in order. Raises nothing that the content of the file could cause: what the machine does
    is no fault of the file, and must not cost a record."""
    known = format_of(path)
    if known is None:
        yield Lost(path, path, "unsupported-format")
        return
    kind, compression = known
    try:
        if kind == "parquet":
            yield from _parquet(reader, path, compression, text_field, scratch)
            return
        with reader.open(path) as raw, _expanded(raw, compression) as stream:
            if kind == "jsonl":
                yield from _lines(stream, path, text_field)
            else:
                yield _whole(stream, path, kind)
    # NotImplementedError is what pyarrow says of kinds of parquet that it does not read.
    except (OSError, EOFError, ValueError, NotImplementedError, zlib.error, _zstd_error()) as error:
        if is_of_machine(error):
            raise
        yield Lost(path, path, "corrupt-file", f"{type(error).__name__}: {str(error)[:200]}")


def _whole(stream: BinaryIO, path: str, kind: Format) -> Record:
    data = stream.read(LARGEST_TEXT + 1)
    if len(data) > LARGEST_TEXT:
        return Lost(path, path, "too-large", f"more than {LARGEST_TEXT} bytes in one document")
    found = decode_page(data) if kind == "html" else decode(data)
    if found is None:
        return Lost(path, path, "unknown-encoding")
    return Document(path, html_text(found[0]) if kind == "html" else found[0], path)


def _lines(stream: BinaryIO, path: str, text_field: str) -> Iterator[Record]:
    for number, line in enumerate(_bounded(stream), start=1):
        name = f"{path}#{number}"
        if line is None:
            yield Lost(name, path, "too-large", f"more than {LARGEST_TEXT} bytes in one line")
            continue
        if not line.strip():
            continue
        found = decode(line)
        if found is None:
            yield Lost(name, path, "unknown-encoding")
            continue
        try:
            row = json.loads(found[0])
        except (ValueError, RecursionError):
            yield Lost(name, path, "broken-line", "not JSON")
            continue
        text = row.get(text_field) if isinstance(row, dict) else None
        if isinstance(text, str):
            yield Document(name, text, _source(row.get("source"), path))
        else:
            yield Lost(name, path, "no-text", f"no string in the field {text_field}")


def _bounded(stream: BinaryIO) -> Iterator[bytes | None]:
    """The lines; None for one that is longer than LARGEST_TEXT, of which no more than a piece is ever held."""
    while line := stream.readline(LARGEST_TEXT + 1):
        if len(line) <= LARGEST_TEXT:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(PIECE)
        yield None


def _parquet(reader: TreeReader, path: str, compression: str, text_field: str, scratch: Path) -> Iterator[Record]:
    import pyarrow.parquet as pq

    if compression:
        yield Lost(path, path, "unsupported-format", "parquet is compressed inside")
        return
    with on_disk(reader, path, scratch) as place, pq.ParquetFile(place) as file:
        names = set(file.schema_arrow.names)
        if text_field not in names:
            yield Lost(path, path, "no-text", f"no column {text_field}")
            return
        columns = [text_field, *({"source"} & names)]
        number = 0
        for batch in file.iter_batches(256, columns=columns):
            for row in batch.to_pylist():
                number += 1
                text = row[text_field]
                if isinstance(text, str):
                    yield Document(f"{path}#{number}", text, _source(row.get("source"), path))
                else:
                    yield Lost(f"{path}#{number}", path, "no-text", f"no string in the column {text_field}")


def _source(value: object, path: str) -> str:
    name = value[:1024].encode("utf-8", "ignore").decode() if isinstance(value, str) else ""
    return name or path


def _expanded(raw: BinaryIO, compression: str) -> BinaryIO:
    if compression == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if compression == ".zst":
        import zstandard

        stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=False)
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream)))
    return raw


def _zstd_error() -> type[Exception]:
    import zstandard

    return zstandard.ZstdError
