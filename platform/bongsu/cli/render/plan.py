"""A plan as a person reads it: what will run, on what, at what cost, under which label, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import floor
from typing import TypeVar

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.render.grants import standing_view
from bongsu.cli.texts import _, of_count, translate
from bongsu.domain.ids import StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.messages import N_
from bongsu.domain.plan import CacheReason, CacheVerdict, MemoryEstimate, PlannedStage, RunPlan, SkippedStage
from bongsu.domain.quantities import short, size
from bongsu.domain.scalars import format_scalar
from bongsu.service.grants.reserving import GrantStanding

# Reasons of `CacheVerdict`, for people; the detail behind them comes from the planner.
CACHE_WORDS = {
    CacheReason.HIT: N_("cached"),
    CacheReason.FIRST_RUN: N_("new"),
    CacheReason.CODE_CHANGED: N_("code changed"),
    CacheReason.PARAMS_CHANGED: N_("parameters changed"),
    CacheReason.INPUTS_CHANGED: N_("inputs changed"),
    CacheReason.ENVIRONMENT_CHANGED: N_("environment changed"),
    CacheReason.NOT_CACHEABLE: N_("always runs"),
    CacheReason.UPSTREAM_RUNS: N_("input is made anew"),
    CacheReason.LABEL_CHANGED: N_("label changed"),
    CacheReason.SIGNED_CHANGED: N_("made for others"),
    CacheReason.OUTPUT_GONE: N_("output is gone"),
    CacheReason.OUTPUT_DAMAGED: N_("output is damaged"),
    CacheReason.CONDITION_FALSE: N_("skipped: {condition} is false"),
    CacheReason.INPUT_SKIPPED: N_("skipped: it needs {stages}"),
}


# Parts of `MemoryEstimate`, for people.
MEMORY_WORDS = {
    "weights": N_("weights"),
    "gathered": N_("gathered layers"),
    "gradients": N_("gradients"),
    "optimizer": N_("optimizer"),
    "activations": N_("activations"),
    "teacher": N_("teacher"),
    "workspace": N_("workspace"),
    "runtime": N_("process"),
    "host": N_("main memory"),
}
Shown = TypeVar("Shown", PlannedStage, SkippedStage)

# A stage with more points than this is shown by its first and last ones.
MANY_POINTS = 12
_FIRST_POINTS = 3


def plan_view(
    plan: RunPlan,
    skipped: Sequence[SkippedStage] = (),
    paid: GrantStanding | None = None,
    *,
    every: bool = False,
    parts: bool = False,
    is_alone: bool = True,
) -> RenderableType:
    """The whole plan: heading, inputs, stages, what it costs, which approvals it will need.

    Args:
        plan: what is shown.
        skipped: stages that are known not to run.
        paid: what it would do to its grant; None if none is asked.
        every: show all points of large matrices.
        parts: show what the estimated memory of each stage is made of.
        is_alone: it is a plan of one person's home, where nobody else is asked.
    """
    grant = []
    if paid is not None:
        grant.append(standing_view(paid))
    elif plan.grant and is_alone:  # a server tells what is the matter with it
        words = _("The grant {grant} is recorded, and not checked on this machine.")
        grant.append(Text(words.format(grant=plan.grant)))
    return Group(*_parts(plan, skipped, every, parts), *grant, *_approvals(plan, is_alone))


def _parts(plan: RunPlan, skipped: Sequence[SkippedStage], every: bool, parts: bool) -> Iterator[RenderableType]:
    heading = Text(f"{plan.metadata.name}", style="bold")
    heading.append(f"  {plan.metadata.ministry} · {plan.purpose.use_class.value} · {short(plan.hash)}", style="dim")
    yield heading
    yield Text(plan.purpose.statement)
    if plan.parameters:
        yield Text(_("Parameters: ") + ", ".join(f"{k}={format_scalar(v)}" for k, v in plan.parameters.items()))
    if plan.inputs:
        yield _inputs(plan)
    table = _stages(plan, every, parts)
    _add_skipped(table, plan, skipped, every)
    yield table
    yield Text(_summary(plan, len(skipped)))


def _approvals(plan: RunPlan, is_alone: bool) -> Iterator[RenderableType]:
    for need in plan.approvals:
        approvals = of_count(need.approvers, _("{count} approval"), _("{count} approvals"))
        wanted = _("Will need {approvals}: {subject} ({rule}).").format(
            approvals=approvals, subject=need.subject, rule=translate(need.rule)
        )
        alone = _("On one machine nobody is asked for them.") if is_alone else ""
        yield Text(f"• {wanted} {alone}".rstrip())


def _inputs(plan: RunPlan) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, title_justify="left")
    for name in (_("Input"), _("From"), _("Digest"), _("Size"), _("Label")):
        table.add_column(name, justify="right" if name == _("Size") else "left", overflow="fold")
    for entry in plan.inputs:
        table.add_row(entry.name, entry.uri, short(entry.ref.digest), size(entry.ref.size), str(entry.ref.label))
    return table


def _stages(plan: RunPlan, every: bool, parts: bool) -> Table:
    """A few lines for each stage: what it takes, and below it what it waits for, on which condition and why it runs."""
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column(_("Stage"), overflow="fold", ratio=1)
    table.add_column(_("Workers"), overflow="fold")
    table.add_column(_("Memory"), justify="right")
    table.add_column("GPU-h", justify="right")
    table.add_column(_("Label"), no_wrap=True)
    titles = {str(planned.id): planned.short_title for planned in plan.stages}
    for planned in _chosen(plan.stages, every):
        if isinstance(planned, int):
            table.add_row("", _more(planned))
            continue
        stage = Text(planned.short_title, style="bold")
        stage.append(f"  {planned.uses}", style="not bold dim")
        if planned.upstream:
            stage.append(f"\n← {_upstream(planned, titles, every)}", style="not bold")
        if planned.when and not planned.cache.will_be_skipped:
            stage.append("\n" + _("only if {condition}").format(condition=planned.when), style="not bold yellow")
        stage.append(f"\n{cache_words(planned, titles)}", style="not bold dim")
        if parts and planned.memory:
            stage.append(f"\n{memory_words(planned.memory)}", style="not bold dim")
        table.add_row(
            _mark(planned.cache),
            stage,
            workers(planned),
            size(planned.memory.total) if planned.memory else "–",
            _stage_hours(planned),
            str(planned.label),
            style="" if planned.cache.runs else "dim",
        )
    return table


def _mark(verdict: CacheVerdict) -> Text:
    if verdict.hit:
        return Text("✓", style="green")
    return Text("▶" if verdict.runs else "–")


def why_skipped(skipped: Sequence[SkippedStage]) -> dict[StageId, str]:
    """For each its reason, in words."""
    titles = {str(one.id): one.short_title for one in skipped}
    words = {}
    for one in skipped:
        because = ", ".join(titles.get(name, name) for name in one.because)
        words[one.id] = (
            _("skipped: it needs {stages}").format(stages=because)
            if because
            else _("skipped: {condition} is false").format(condition=one.when)
        )
    return words


def _add_skipped(table: Table, plan: RunPlan, skipped: Sequence[SkippedStage], every: bool) -> None:
    """Rows of stages that are known not to run, and why."""
    why = why_skipped(skipped)
    for one in _chosen(skipped, every):
        if isinstance(one, int):
            table.add_row("", _more(one))
            continue
        table.add_row("–", Text(f"{one.short_title}  {one.uses}\n{why[one.id]}"), "–", "–", "–", "–", style="dim")


def _more(count: int) -> Text:
    return Text(_("… {count} more (--all shows them)").format(count=count), style="dim")


def _chosen(stages: Sequence[Shown], every: bool) -> Iterator[Shown | int]:
    """Stages to show; in place of those in the middle of a large matrix, how many they are."""
    points = Counter(planned.stage for planned in stages)
    seen = Counter[str]()
    for planned in stages:
        count = points[planned.stage]
        seen[planned.stage] += 1
        if every or count <= MANY_POINTS or seen[planned.stage] <= _FIRST_POINTS or seen[planned.stage] == count:
            yield planned
        elif seen[planned.stage] == count - 1:
            yield count - _FIRST_POINTS - 1


def _upstream(planned: PlannedStage, titles: Mapping[str, str], every: bool) -> str:
    names = [titles.get(name, name) for name in planned.upstream]
    if every or len(names) <= MANY_POINTS:
        return ", ".join(names)
    return ", ".join([*names[:_FIRST_POINTS], f"… ({len(names)})"])


def workers(planned: PlannedStage) -> str:
    """``2 × (4 CPU, 8 H100-80GB)``."""
    needs = planned.resources
    parts = [f"{needs.cpus_per_worker:g} CPU"]
    if needs.gpus_per_worker:
        parts.append(f"{needs.gpus_per_worker} {needs.accelerator or 'GPU'}")
    each = ", ".join(parts)
    return f"{needs.workers} × ({each})" if needs.workers > 1 else each


def memory_words(memory: MemoryEstimate) -> str:
    """``weights 4.1 MB, gradients 4.1 MB, ...``: what the estimate is made of."""
    return ", ".join(
        f"{_(MEMORY_WORDS[name])} {size(count)}" for name, count in memory.model_dump().items() if count
    )


def cache_words(planned: PlannedStage, titles: Mapping[str, str]) -> str:
    """Whether the stage comes from the cache, and why not; or why it will not run at all."""
    words = _(CACHE_WORDS[planned.cache.reason])
    detail = titles.get(planned.cache.detail, planned.cache.detail)
    if planned.cache.will_be_skipped:
        return words.format(condition=detail, stages=detail)
    return f"{words}: {detail}" if detail else words


def _summary(plan: RunPlan, skipped: int) -> str:
    hits = sum(planned.cache.hit for planned in plan.stages)
    run = sum(planned.cache.runs for planned in plan.stages)
    stages = of_count(len(plan.stages), _("{count} stage"), _("{count} stages"))
    text = _("{stages}, {run} to run, {hits} from the cache; highest label {label}.").format(
        stages=stages, run=run, hits=hits, label=plan.label
    )
    if hits and plan.floor != OPEN:
        text += " " + _("What comes from the cache keeps its own label in the store; shown is that of this run.")
    skipped += len(plan.stages) - run - hits
    conditional = sum(planned.when is not None and planned.cache.runs for planned in plan.stages)
    if conditional:
        text += " " + of_count(
            conditional,
            _("{count} runs only if its condition holds."),
            _("{count} run only if their condition holds."),
        )
    if skipped:
        text += " " + of_count(skipped, _("{count} is skipped."), _("{count} are skipped."))
    return f"{text} {_gpu_words(plan)}"


def _gpu_words(plan: RunPlan) -> str:
    """What the stages that will run take of GPUs."""
    if not any(planned.resources.total_gpus for planned in plan.stages if planned.cache.runs):
        return _("No GPU.")
    if plan.gpu_hours is None:
        return _("GPU-hours cannot be estimated.")
    if plan.not_estimated:
        # At least "< 0.1" would say nothing: a bound as small as that is rounded down.
        hours = _hours(floor(plan.gpu_hours * 100) / 100, 0)
        names = ", ".join(dict.fromkeys(planned.stage for planned in plan.not_estimated))
        return _("At least {hours} GPU-hours; {stages} cannot be estimated.").format(hours=hours, stages=names)
    return _("Estimated {hours} GPU-hours").format(hours=_hours(plan.gpu_hours, 0.1)) + "."


def _stage_hours(planned: PlannedStage) -> str:
    if not planned.is_estimated:
        return "?"
    return _hours(planned.gpu_hours, 0.01) if planned.gpu_hours else "–"


def _hours(hours: float, least: float) -> str:
    """Hours as whole as they are large; what would read as none is below ``least``."""
    if hours < least:
        return f"< {least}"
    return f"{hours:.3g}" if hours < 100 else f"{hours:,.0f}"
