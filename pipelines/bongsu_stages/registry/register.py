"""``registry.register``: choose the variant to register and gather its evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bongsu.artifacts.reading import read_json
from bongsu.artifacts.writing import write_bytes
from bongsu.domain import ports
from bongsu.domain.evidence import Evaluation, Verification, metrics_of, verdicts_of
from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, as_phrase, joined, phrase
from bongsu.domain.publication import Alias, ModelName
from bongsu.domain.stages import Objection, Params, StageFacts
from bongsu.domain.suggest import closest
from bongsu.domain.weights import weight_bytes
from bongsu_stages.registry.choice import Candidate, Choice, choose, deciding_metric
from bongsu_stages.runtime.context import NamedTree, StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage


class RegisterParams(Params):
    """Parameters of ``registry.register``."""

    name: ModelName = Field(description="Name of the registered model")
    alias: Alias | None = Field(default="candidate", description="Alias that the version gets; null for none")
    select: Literal["smallest", "best", "fastest"] = Field(
        default="smallest", description="Which of the candidates within the bounds is registered"
    )
    metric: str | None = Field(default=None, description="Metric that decides when select is best")
    within: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default={}, description="Metric to the largest ratio to the baseline, e.g. perplexity.law: 1.05 for 5% more"
    )
    statement: str = Field(default="", max_length=2000, description="First paragraph of the model card")

    @model_validator(mode="after")
    def _best_needs_a_metric(self) -> RegisterParams:
        if self.select == "best" and not self.metric:
            raise ValueError("select: best needs a metric")
        return self


def _check(params: RegisterParams, facts: StageFacts) -> Iterator[Objection]:
    if params.within and not facts.inputs.get("baseline"):
        yield Objection(
            ("with", "within"),
            phrase(N_("within is relative to a baseline, and the input baseline is not given")),
            phrase(N_("Give the input baseline the model that bounds are relative to.")),
        )
    measured = params.within or params.select in ("best", "fastest")
    if measured and not facts.inputs.get("evaluations"):
        yield Objection(
            ("with", "within" if params.within else "select"),
            phrase(N_("it goes by figures, and the input evaluations is not given")),
            phrase(
                N_("Give the input evaluations what evaluate.perplexity, evaluate.tasks or evaluate.speed made.")
            ),
        )
    known = facts.figures.get("evaluations")
    if known is None:
        return
    deciding = deciding_metric(params.select, params.metric)
    asked: list[tuple[tuple[str, ...], str]] = [(("with", "within", name), name) for name in params.within]
    if deciding is not None:
        asked.append((("with", "metric" if params.metric else "select"), deciding))
    for field, name in asked:
        if name not in known:
            near = closest(name, known)
            shown = ", ".join(sorted(known))
            yield Objection(
                field,
                phrase(N_("none of the evaluations measures {metric}"), metric=name),
                phrase(N_("Did you mean {near}? They measure {known}."), near=near, known=shown)
                if near
                else phrase(
                    N_("They measure {known}. Give the input evaluations one that measures it."), known=shown
                ),
            )


@stage(
    "registry.register",
    params=RegisterParams,
    inputs={
        "models": ports.Model("Candidates", many=True),
        "baseline": ports.Model("The model that bounds are relative to", optional=True, role=ports.Role.BASELINE),
        "evaluations": ports.Evaluation("Figures of the candidates and of the baseline", many=True, optional=True),
        "verifications": ports.Verification("Verdicts on the candidates", many=True),
    },
    outputs={"registration": ports.Registration("Which bytes to register, with their evidence and model card")},
    check=_check,
    signs=True,
)
def register(ctx: StageContext, params: RegisterParams) -> StageOutputs:
    """Choose the model to register among verified candidates, by size, quality or speed within bounds."""
    from bongsu_stages.registry.card import CardFacts, render_card

    figures = _figures(ctx)
    verified = _verified(ctx)
    candidates = [_candidate(model, figures, verified) for model in ctx.inputs("models")]
    base = ctx.inputs("baseline")
    baseline = figures.get(base[0].ref.digest, {}) if base else {}
    if params.within and not base:
        raise StageError(N_("within is relative to a baseline, and none is given."), N_("Give the input baseline."))
    choice = choose(candidates, baseline, params.within, params.select, params.metric)
    if choice.chosen is None:
        raise StageError(
            phrase(N_("No candidate can be registered: {reasons}."), reasons=_reasons(choice)),
            N_("Name a metric that was measured; or loosen `within`, heal longer, or keep more experts."),
        )
    chosen = choice.chosen
    # The verdict is on the bytes of the manifest, and may be from another day.
    next(model for model in ctx.inputs("models") if model.ref.digest == chosen.digest).reader.verify()
    others = [candidate for candidate in candidates if candidate is not chosen]
    others += [_candidate(model, figures, verified) for model in base]
    registration = {
        "name": params.name,
        "alias": params.alias,
        "modelDigest": chosen.digest,
        "title": chosen.title,
        "evaluations": [tree.ref.digest for tree in ctx.inputs("evaluations")],
        "verifications": [tree.ref.digest for tree in ctx.inputs("verifications")],
        "metrics": dict(chosen.metrics),
        "candidates": [{"title": c.title, "modelDigest": c.digest, "sizeBytes": c.size_bytes} for c in candidates],
        "rejected": {rejection.title: str(rejection.reason) for rejection in choice.rejected},
        "tags": {},
    }
    facts = CardFacts(
        params.name, ctx.spec.pipeline, ctx.spec.ministry, str(ctx.spec.label), params.select, params.statement
    )
    writer = ctx.output("registration")
    text = json.dumps(registration, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write_bytes(writer, "registration.json", text.encode())
    write_bytes(writer, "README.md", render_card(facts, chosen, others, choice.rejected).encode())
    return StageOutputs(metrics=dict(chosen.metrics), notes={"chosen": chosen.title})


def _candidate(model: NamedTree, figures: dict[Digest, dict[str, float]], verified: set[Digest]) -> Candidate:
    digest = model.ref.digest
    weights = weight_bytes(model.reader.manifest.files)
    return Candidate(model.title, digest, weights, figures.get(digest, {}), digest in verified)


def _figures(ctx: StageContext) -> dict[Digest, dict[str, float]]:
    """Metrics of each model by its digest, from all evaluations."""
    trees = ctx.inputs("evaluations")
    return metrics_of(Evaluation.model_validate(_content(tree, "evaluation.json")) for tree in trees)


def _verified(ctx: StageContext) -> set[Digest]:
    """Digests of models that every verification which looked at them passed."""
    trees = ctx.inputs("verifications")
    verdicts = verdicts_of(Verification.model_validate(_content(tree, "verification.json")) for tree in trees)
    return {digest for digest, passed in verdicts.items() if passed}


def _reasons(choice: Choice) -> Phrase:
    """Why each candidate was rejected."""
    return joined(
        [
            phrase("{title}: {reason}", title=rejection.title, reason=as_phrase(rejection.reason))
            for rejection in choice.rejected
        ]
    )


def _content(tree: NamedTree, path: str) -> Any:
    try:
        return read_json(tree.reader, path)
    except (FileNotFoundError, ValueError) as error:
        raise StageError(
            phrase(N_("{title} has no {path} that can be read."), title=tree.title, path=path),
            N_("Give the output of an evaluation."),
        ) from error
