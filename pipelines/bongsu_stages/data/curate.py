"""``data.curate``: files as people have them become clean documents without personal data and duplicates."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import Field

from bongsu.artifacts.base import TreeWriter
from bongsu.domain.ports import Documents, Files
from bongsu.domain.stages import Params
from bongsu_stages.data.card import Card
from bongsu_stages.data.documents import DocumentWriter
from bongsu_stages.data.masking_key import masking_key
from bongsu_stages.data.personal import DEFAULT_KINDS
from bongsu_stages.data.personal_patterns import Kind
from bongsu_stages.data.preparing import Finding, Prepared, Rules
from bongsu_stages.data.reading import Lost
from bongsu_stages.data.spread import prepared_by_ray, prepared_file
from bongsu_stages.data.staging import Staging
from bongsu_stages.data.table import TableWriter
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage

_COMPANIONS = ("readme.md", "license", "make.py", "card.json", "card.md", "masked.parquet", "dropped.parquet")


class CurateParams(Params):
    """Parameters of ``data.curate``."""

    text_field: str = Field(default="text", min_length=1, description="Field or column that holds the text")
    min_characters: int = Field(default=50, ge=1, description="Drop documents shorter than this")
    max_characters: int = Field(default=0, ge=0, description="Drop documents longer than this; 0 drops none")
    language: Literal["hangul", "identify", "any"] = Field(
        default="hangul",
        description="Keep Korean by the share of Hangul, by language identification, or keep any language",
    )
    min_hangul_share: float = Field(default=0.3, ge=0, le=1, description="Least share of Hangul among the letters")
    near_duplicate: float = Field(
        default=0.8, gt=0, le=1, description="Jaccard similarity from which on a document is a near duplicate"
    )
    drop_near_duplicates: bool = Field(default=True, description="Drop near duplicates, not only exact ones")
    mask: tuple[Kind, ...] = Field(default=DEFAULT_KINDS, description="Kinds of personal data to mask")
    ray_above_megabytes: float = Field(
        default=64, ge=0, description="Read with Ray Data above this size of the input, else in this process"
    )


@stage(
    "data.curate",
    params=CurateParams,
    inputs={"documents": Files("txt, jsonl, parquet or HTML files, also .gz and .zst")},
    outputs={"documents": Documents("Clean text with its data card")},
)
def curate(ctx: StageContext, params: CurateParams) -> StageOutputs:
    """Read documents, normalise and filter them, mask personal data of Korea and drop duplicates.

    Every record that does not become a document is counted in the data card and listed in dropped.parquet with
    the reason; every masked value is listed in masked.parquet by place and keyed digest.
    """
    key, lasting = masking_key(os.environ)
    rules = Rules(
        params.min_characters, params.max_characters, params.language, params.min_hangul_share, params.mask, key
    )
    card = Card()
    writer = ctx.output("documents")
    dropped = TableWriter(writer, "dropped.parquet", {"id": str, "source": str, "reason": str, "detail": str})
    staging = Staging(ctx.scratch / "staging")
    ctx.phase("read")
    for one in _prepared(ctx, params, rules, card):
        card.read += 1
        if isinstance(one, Lost):
            _drop(one, card, dropped)
        else:
            staging.add(one)
        if card.read % 1000 == 0:
            ctx.progress(card.read)
    ctx.phase("duplicates")
    _keep(writer, staging.verdicts(params.near_duplicate if params.drop_near_duplicates else 2.0), card, dropped)
    dropped.close()
    if not card.kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(card.dropped.items())) or "no record"
        raise StageError(
            f"No document is left: {reasons}.", "Check the input files and textField, or relax the limits."
        )
    report = card.as_json(params.model_dump(mode="json", by_alias=True, exclude={"ray_above_megabytes"}), lasting)
    _write(writer, "card.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    _write(writer, "card.md", card.as_markdown())
    return StageOutputs(metrics=_metrics(card))


def _prepared(ctx: StageContext, params: CurateParams, rules: Rules, card: Card) -> Iterator[Prepared | Lost]:
    reader = ctx.input("documents")
    everything = sorted(reader.manifest.files, key=lambda entry: entry.path)
    entries = [entry for entry in everything if entry.path.lower() not in _COMPANIONS]
    card.companions = tuple(entry.path for entry in everything if entry.path.lower() in _COMPANIONS)
    card.files = len(entries)
    paths = [entry.path for entry in entries]
    digest = reader.manifest.digest
    if sum(entry.size for entry in entries) > params.ray_above_megabytes * 1e6:
        ctx.message(f"{len(paths)} files are read with Ray Data")
        tasks = max(1, int(ctx.spec.resources.cpus_per_worker))
        yield from prepared_by_ray(ctx.store.uri, digest, paths, params.text_field, rules, tasks)
        return
    for path in paths:
        for batch in prepared_file(ctx.store.uri, digest, path, params.text_field, rules, ctx.scratch):
            yield from batch


def _keep(writer: TreeWriter, verdicts: Iterator[Any], card: Card, dropped: TableWriter) -> None:
    documents = DocumentWriter(writer)
    columns = {"document": str, "kind": str, "offset": int, "length": int, "digest": str}
    masked = TableWriter(writer, "masked.parquet", columns)
    for verdict in verdicts:
        if isinstance(verdict, Lost):
            _drop(verdict, card, dropped)
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


def _drop(one: Lost, card: Card, dropped: TableWriter) -> None:
    card.dropped[one.reason] += 1
    dropped.add(**vars(one))


def _write(writer: TreeWriter, name: str, text: str) -> None:
    with writer.create(name) as file:
        file.write(text.encode())


def _metrics(card: Card) -> dict[str, float]:
    return {
        "records": float(card.read),
        "documents": float(card.kept),
        "characters": float(card.characters),
        "dropped": float(sum(card.dropped.values())),
        "masked": float(sum(card.masked.values())),
    }
