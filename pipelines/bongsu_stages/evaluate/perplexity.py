"""``evaluate.perplexity``: how well models predict held-out text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Evaluation, Model, Tokens
from bongsu.domain.stages import Objection, Params, StageFacts
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.objections import all_different, one_for_each
from bongsu_stages.runtime.stage import StageError, stage

if TYPE_CHECKING:
    from bongsu_stages.data.tokens import Rows
    from bongsu_stages.evaluate.result import Entry
    from bongsu_stages.runtime.context import NamedTree


class PerplexityParams(Params):
    """Parameters of ``evaluate.perplexity``."""

    names: tuple[str, ...] = Field(
        default=(), description="Name of each tokens input in metrics: perplexity.NAME; titles if left out"
    )
    split: Literal["heldout", "train"] = Field(default="heldout", description="Part of the tokens to measure on")
    max_sequences: int = Field(
        default=512, ge=1, description="At most this many sequences of each tokens input, evenly spaced"
    )
    micro_batch: int = Field(default=16, ge=1, description="Sequences in one forward pass")
    seed: int = Field(default=0, ge=0, description="Seed of the bootstrap")


def _workload(params: PerplexityParams, length: int) -> Workload:
    return Workload(
        kind=WorkKind.INFERENCE,
        micro_batch=params.micro_batch,
        sequence_length=length,
        tokens=params.max_sequences * length,
        tokens_of_each="tokens",
    )


def _check(params: PerplexityParams, facts: StageFacts) -> Iterator[Objection]:
    yield from one_for_each("names", params.names, facts, "tokens")
    yield from all_different("names", params.names)


def _measures(params: PerplexityParams) -> frozenset[str] | None:
    return frozenset(f"perplexity.{name}" for name in params.names) or None


@stage(
    "evaluate.perplexity",
    params=PerplexityParams,
    inputs={
        "models": Model("Models to measure, one after another", many=True),
        "tokens": Tokens("Text to predict; one figure for each", many=True),
    },
    outputs={"evaluation": Evaluation("Perplexity of each model on each text, with 95% intervals")},
    workload=_workload,
    check=_check,
    measures=_measures,
    titles=lambda params: frozenset({"models"}) if params.names else None,
)
def perplexity(ctx: StageContext, params: PerplexityParams) -> StageOutputs:
    """Measure the perplexity of models on held-out text, with bootstrap intervals over sequences."""
    from bongsu_stages.evaluate.result import summary, write_evaluation

    texts = texts_of(ctx, params)
    models = ctx.inputs("models")
    entries = []
    for number, model in enumerate(models):
        ctx.phase(phrase(N_("measuring {title}"), title=model.title))
        entries.append(_measure(ctx, model, texts, params))
        ctx.progress(number + 1, len(models), **entries[-1].metrics)
    sizes = {name: int(sequences.size) for name, sequences in texts.items()}
    write_evaluation(ctx.output("evaluation"), "perplexity", entries, {"tokens": sizes, "split": params.split})
    return StageOutputs(metrics=summary(entries))


def _measure(ctx: StageContext, model: NamedTree, texts: dict[str, Rows], params: PerplexityParams) -> Entry:
    from bongsu_stages.evaluate.intervals import bootstrap_perplexity
    from bongsu_stages.evaluate.likelihood import sequence_losses
    from bongsu_stages.evaluate.result import entry_of
    from bongsu_stages.models.loading import loaded

    metrics, intervals = {}, {}
    with loaded(ctx, model.reader) as weights:
        for name, sequences in texts.items():
            losses, counts = sequence_losses(weights, sequences, params.micro_batch)
            metrics[f"perplexity.{name}"] = math.exp(min(sum(losses) / sum(counts), 700.0))
            intervals[f"perplexity.{name}"] = bootstrap_perplexity(losses, counts, params.seed)
    return entry_of(model, metrics, intervals)


def texts_of(ctx: StageContext, params: PerplexityParams) -> dict[str, Rows]:
    """Sequences to predict by the name of their text. Raises StageError if a name or a sequence is missing."""
    from bongsu_stages.data.tokens import TokenTree, evenly

    trees = ctx.inputs("tokens")
    names = params.names or tuple(tree.title for tree in trees)
    if len(names) != len(trees):
        raise StageError(
            phrase(
                N_("names has {given} entries for {inputs} tokens inputs."), given=len(names), inputs=len(trees)
            ),
            N_("Give one name for each, or none."),
        )
    if len(set(names)) < len(names):
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise StageError(
            phrase(N_("Two tokens inputs would both be measured as perplexity.{twice}."), twice=twice),
            N_("Give each its own name in `names`."),
        )
    texts = {}
    for name, tree in zip(names, trees, strict=True):
        tokens = TokenTree(tree.reader, tree.title)
        rows = evenly(tokens.sequences(params.split), params.max_sequences)
        if not len(rows):
            raise StageError(
                phrase(N_("{title} has no {split} sequences."), title=tree.title, split=params.split),
                N_("Raise heldoutFraction or heldoutCharacters, or add text."),
            )
        texts[name] = tokens.take(params.split, rows)
    return texts
