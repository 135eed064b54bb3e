"""Small parquet tables beside the documents, written row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bongsu.artifacts.base import TreeWriter

_ROWS_AT_ONCE = 10_000


class TableWriter:
    """One parquet file of a tree; it stands after :meth:`close` even when it has no row."""

    def __init__(self, writer: TreeWriter, name: str, columns: Mapping[str, type]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {str: pa.string(), int: pa.int64()}
        self._schema = pa.schema([(column, types[kind]) for column, kind in columns.items()])
        self._stream = writer.create(name)
        self._writer = pq.ParquetWriter(self._stream, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, **row: Any) -> None:
        self._rows.append(row)
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._stream.close()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []
