"""The two passes of curation: records are prepared, then kept or dropped; everything is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bongsu.artifacts.base import TreeWriter
from bongsu_stages.data.card import Card
from bongsu_stages.data.documents import Document, DocumentWriter
from bongsu_stages.data.preparing import Finding, Prepared, Rules
from bongsu_stages.data.reading import Lost
from bongsu_stages.data.spread import prepared_by_ray, prepared_file
from bongsu_stages.data.table import TableWriter
from bongsu_stages.runtime.context import StageContext
from bongsu_stages.runtime.scratch import Scratch

# Files that describe data and are none.
_COMPANIONS = ("readme.md", "license", "make.py", "card.json", "card.md", "masked.parquet", "dropped.parquet")


def prepared(
    ctx: StageContext, text_field: str, rules: Rules, card: Card, ray_above_bytes: float
) -> Iterator[Prepared | Lost]:
    """The records of the documents input in the order of its files, prepared here or by Ray."""
    reader = ctx.input("documents")
    everything = sorted(reader.manifest.files, key=lambda entry: entry.path)
    entries = [entry for entry in everything if entry.path.lower() not in _COMPANIONS]
    card.companions = tuple(entry.path for entry in everything if entry.path.lower() in _COMPANIONS)
    card.files = len(entries)
    paths = [entry.path for entry in entries]
    digest = reader.manifest.digest
    if sum(entry.size for entry in entries) > ray_above_bytes:
        ctx.message(f"{len(paths)} files are read with Ray Data")
        tasks = max(1, int(ctx.spec.resources.cpus_per_worker))
        yield from prepared_by_ray(ctx.store.uri, digest, paths, text_field, rules, tasks, Scratch.of(ctx))
        return
    for path in paths:
        for batch in prepared_file(ctx.store.uri, digest, path, text_field, rules, ctx.scratch):
            yield from batch


Verdict = tuple[Document, tuple[Finding, ...]] | Lost


def keep(writer: TreeWriter, verdicts: Iterator[Verdict], card: Card, dropped: TableWriter) -> None:
    """Write the documents that stay and ``masked.parquet``, and list the others."""
    documents = DocumentWriter(writer)
    columns = {"document": str, "kind": str, "offset": int, "length": int, "digest": str, "field": str}
    masked = TableWriter(writer, "masked.parquet", columns)
    for verdict in verdicts:
        if isinstance(verdict, Lost):
            drop(verdict, card, dropped)
            continue
        document, findings = verdict
        documents.add(document)
        card.kept += 1
        card.characters += len(document.text)
        card.documents_with_masked += bool(findings)
        _note(document.id, findings, card, masked)
    documents.close()
    masked.close()


def _note(document: str, findings: Sequence[Finding], card: Card, masked: TableWriter) -> None:
    for one in findings:
        card.masked[one.kind] += 1
        masked.add(document=document, **vars(one))


def drop(one: Lost, card: Card, dropped: TableWriter) -> None:
    """Count and list a record that does not become a document."""
    card.dropped[one.reason] += 1
    dropped.add(**vars(one))
