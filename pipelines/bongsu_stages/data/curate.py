"""``data.curate``: files as people have them become clean documents without personal data and duplicates."""

from __future__ import annotations

import json
import os
from typing import Literal

from pydantic import Field

from bongsu.artifacts.writing import write_bytes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Documents, Texts
from bongsu.domain.stages import Params
from bongsu_stages.data.card import Card
from bongsu_stages.data.masking_key import VARIABLE, masking_key
from bongsu_stages.data.personal_kinds import DEFAULT_KINDS, Kind
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, no_titles, stage


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
    inputs={"documents": Texts("txt, jsonl, parquet or HTML files, also .gz and .zst")},
    outputs={"documents": Documents("Clean text with its data card")},
    # Whoever has the key can find out which values were masked; only the stage that masks is to have it.
    secrets=(VARIABLE,),
    titles=no_titles,
)
def curate(ctx: StageContext, params: CurateParams) -> StageOutputs:
    """Read documents, normalise and filter them, mask personal data of Korea and drop duplicates.

    Every record that does not become a document is counted in the data card and listed in dropped.parquet with
    the reason; every masked value is listed in masked.parquet by place and keyed digest.
    """
    from bongsu_stages.data.curation import drop, keep, prepared
    from bongsu_stages.data.preparing import Rules
    from bongsu_stages.data.reading import Lost
    from bongsu_stages.data.staging import Staging
    from bongsu_stages.data.table import TableWriter

    key, lasting = masking_key(os.environ)
    rules = Rules(
        params.min_characters, params.max_characters, params.language, params.min_hangul_share, params.mask, key
    )
    card = Card()
    writer = ctx.output("documents")
    dropped = TableWriter(writer, "dropped.parquet", {"id": str, "source": str, "reason": str, "detail": str})
    staging = Staging(ctx.scratch / "staging")
    ctx.phase(N_("read"))
    for one in prepared(ctx, params.text_field, rules, card, params.ray_above_megabytes * 1e6):
        card.read += 1
        if isinstance(one, Lost):
            drop(one, card, dropped)
        else:
            staging.add(one)
        if card.read % 1000 == 0:
            ctx.progress(card.read)
    ctx.phase(N_("duplicates"))
    keep(writer, staging.verdicts(params.near_duplicate if params.drop_near_duplicates else 2.0), card, dropped)
    dropped.close()
    if not card.kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(card.dropped.items()))
        raise StageError(
            phrase(N_("No document is left: {reasons}."), reasons=reasons or phrase(N_("no record"))),
            N_("Check the input files and textField, or relax the limits."),
        )
    report = card.as_json(params.model_dump(mode="json", by_alias=True, exclude={"ray_above_megabytes"}), lasting)
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    write_bytes(writer, "card.json", text.encode())
    write_bytes(writer, "card.md", card.as_markdown().encode())
    return StageOutputs(metrics=_metrics(card))


def _metrics(card: Card) -> dict[str, float]:
    return {
        "records": float(card.read),
        "documents": float(card.kept),
        "characters": float(card.characters),
        "dropped": float(sum(card.dropped.values())),
        "masked": float(sum(card.masked.values())),
    }
