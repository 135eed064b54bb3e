"""Prepared documents on local disk until it is known which of them are duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bongsu_stages.data.documents import Document
from bongsu_stages.data.minhash import PERMUTATIONS, earlier_duplicates
from bongsu_stages.data.preparing import Finding, Prepared
from bongsu_stages.data.reading import Lost

_ROWS_AT_ONCE = 256


class Staging:
    """Takes prepared documents once, then gives them back with a verdict each.

    Memory: the digests and ids of all documents; texts and signatures lie in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._texts = folder / "texts.parquet"
        self._signatures = folder / "signatures.bin"
        self._signature_file = self._signatures.open("wb")
        self._writer: Any = None
        self._rows: list[dict[str, Any]] = []
        self._exact: dict[bytes, int] = {}
        self._ids: list[str] = []
        self._copy_of: dict[int, int] = {}

    def add(self, one: Prepared) -> None:
        index = len(self._ids)
        self._ids.append(one.document.id)
        first = self._exact.setdefault(one.exact, index)
        if first != index:
            self._copy_of[index] = first
        self._signature_file.write(one.signature)
        self._rows.append(
            {
                "id": one.document.id,
                "text": one.document.text,
                "source": one.document.source,
                "findings": [vars(finding) for finding in one.findings],
            }
        )
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._flush()

    def verdicts(self, threshold: float) -> Iterator[tuple[Document, tuple[Finding, ...]] | Lost]:
        """Every document in order: itself if it stays, else a Lost record that names the one that stays.

        Args:
            threshold: Jaccard similarity of a near duplicate; above 1 only exact copies go.
        """
        self._flush()
        if self._writer is None:
            return
        self._writer.close()
        self._signature_file.close()
        near = self._near(threshold)
        for index, row in enumerate(self._read()):
            copy, similar = self._copy_of.get(index, -1), int(near[index])
            if copy >= 0:
                yield Lost(row["id"], row["source"], "exact-duplicate", f"of {self._ids[copy]}")
            elif similar >= 0:
                yield Lost(row["id"], row["source"], "near-duplicate", f"of {self._ids[similar]}")
            else:
                document = Document(row["id"], row["text"], row["source"])
                yield document, tuple(Finding(**finding) for finding in row["findings"])

    def _near(self, threshold: float) -> np.ndarray[Any, Any]:
        if threshold > 1:
            return np.full(len(self._ids), -1, dtype=np.int64)
        shape = (len(self._ids), PERMUTATIONS)
        return earlier_duplicates(np.memmap(self._signatures, dtype=np.uint32, mode="r", shape=shape), threshold)

    def _read(self) -> Iterator[dict[str, Any]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._texts) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                yield from batch.to_pylist()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = ("kind", "digest", "field")
        numbers = ("offset", "length")
        finding = pa.struct([(n, pa.string()) for n in texts] + [(n, pa.int64()) for n in numbers])
        columns = [
            ("id", pa.string()),
            ("text", pa.string()),
            ("source", pa.string()),
            ("findings", pa.list_(finding)),
        ]
        if self._rows:
            table = pa.Table.from_pylist(self._rows, schema=pa.schema(columns))
            self._writer = self._writer or pq.ParquetWriter(self._texts, table.schema, compression="zstd")
            self._writer.write_table(table)
            self._rows = []
