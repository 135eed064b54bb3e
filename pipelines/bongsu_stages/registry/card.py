"""The model card of a registered version, in Markdown with front matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from bongsu.domain.quantities import figure
from bongsu_stages.registry.choice import Candidate, Rejection


@dataclass(frozen=True)
class CardFacts:
    """What a card says beyond the figures."""

    name: str
    pipeline: str
    ministry: str
    label: str
    select: str
    statement: str


def render_card(
    facts: CardFacts, chosen: Candidate, others: Sequence[Candidate], rejected: Sequence[Rejection]
) -> str:
    """Markdown text of the card."""
    front = yaml.safe_dump(
        {
            "name": facts.name,
            "label": facts.label,
            "ministry": facts.ministry,
            "pipeline": facts.pipeline,
            "modelDigest": chosen.digest,
            "weightsBytes": chosen.size_bytes,
        },
        allow_unicode=True,
        sort_keys=False,
    )
    lines = [
        "---",
        front.rstrip(),
        "---",
        f"# {facts.name}",
        "",
        facts.statement or f"Made by the pipeline {facts.pipeline} from {chosen.title}.",
        "",
        f"Chosen as the {facts.select} of the candidates that were verified and within the bounds.",
        "",
        *_table([chosen, *others]),
        "",
        *_rejections(rejected),
        "## Use",
        "",
        "For the use class that its version states, by the ministry above and those it shared the version with."
        " Lethal autonomy, and the selection or engagement of targets without a human, are outside of every use.",
        "",
        "## Limits",
        "",
        "Figures hold for the held-out text and the machine that the evidence names. What the model writes has to be"
        " checked by a person before it is acted upon.",
    ]
    return "\n".join(lines) + "\n"


def _table(candidates: Sequence[Candidate]) -> list[str]:
    names = list(dict.fromkeys(name for candidate in candidates for name in candidate.metrics))
    rows = [
        [
            _cell(c.title),
            f"{c.size_bytes / 1e6:,.2f} MB",
            *(figure(c.metrics.get(name)) for name in names),
            "yes" if c.verified else "no",
        ]
        for c in candidates
    ]
    head = ["variant", "weights", *map(_cell, names), "verified"]
    rule = ["---", "---:", *("---:" for _ in names), "---"]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def _cell(text: str) -> str:
    """A bar would end the cell, and values of a matrix may have some."""
    return text.replace("|", "\\|")


def _rejections(rejected: Sequence[Rejection]) -> list[str]:
    if not rejected:
        return []
    return ["## Not chosen", "", *[f"- {rejection.title}: {rejection.reason}" for rejection in rejected], ""]
