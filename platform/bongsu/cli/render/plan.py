"""A plan as a person reads it: what will run, on what, at what cost, under which label, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.texts import _, translate
from bongsu.domain.messages import N_
from bongsu.domain.plan import CacheReason, PlannedStage, RunPlan
from bongsu.domain.quantities import short, size

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
    CacheReason.OUTPUT_GONE: N_("output is gone"),
    CacheReason.OUTPUT_DAMAGED: N_("output is damaged"),
}


# A stage with more points than this is shown by its first and last ones.
MANY_POINTS = 12
_FIRST_POINTS = 3


def plan_view(plan: RunPlan, every: bool = False) -> RenderableType:
    """The whole plan: heading, inputs, stages, what it costs, which approvals it will need.

    Args:
        plan: what is shown.
        every: show all points of large matrices.
    """
    return Group(*_parts(plan, every))


def _parts(plan: RunPlan, every: bool) -> Iterator[RenderableType]:
    heading = Text(f"{plan.metadata.name}", style="bold")
    heading.append(f"  {plan.metadata.ministry} · {plan.purpose.use_class.value} · {short(plan.hash)}", style="dim")
    yield heading
    yield Text(plan.purpose.statement)
    if plan.parameters:
        yield Text(_("Parameters: ") + ", ".join(f"{k}={v}" for k, v in plan.parameters.items()))
    if plan.inputs:
        yield _inputs(plan)
    yield _stages(plan, every)
    yield Text(_summary(plan))
    for need in plan.approvals:
        yield Text(
            "• "
            + _("Will need {count} approvals: {subject} ({rule})").format(
                count=need.approvers, subject=need.subject, rule=translate(need.rule)
            )
        )


def _inputs(plan: RunPlan) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, title_justify="left")
    for name in (_("Input"), _("From"), _("Digest"), _("Size"), _("Label")):
        table.add_column(name, justify="right" if name == _("Size") else "left", overflow="fold")
    for entry in plan.inputs:
        table.add_row(entry.name, entry.uri, short(entry.ref.digest), size(entry.ref.size), str(entry.ref.label))
    return table


def _stages(plan: RunPlan, every: bool) -> Table:
    """Two lines for each stage: what it takes, and below it what it waits for and why it runs."""
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
            table.add_row("", Text(_("… {count} more (--all shows them)").format(count=planned), style="dim"))
            continue
        stage = Text(planned.short_title, style="bold")
        stage.append(f"  {planned.uses}", style="not bold dim")
        if planned.upstream:
            stage.append(f"\n← {_upstream(planned, titles, every)}", style="not bold")
        stage.append(f"\n{cache_words(planned, titles)}", style="not bold dim")
        table.add_row(
            Text("✓" if planned.cache.hit else "▶", style="green" if planned.cache.hit else ""),
            stage,
            workers(planned),
            size(planned.memory.total) if planned.memory else "–",
            f"{planned.gpu_hours:.3g}" if planned.gpu_hours else "–",
            str(planned.label),
            style="dim" if planned.cache.hit else "",
        )
    return table


def _chosen(stages: Sequence[PlannedStage], every: bool) -> Iterator[PlannedStage | int]:
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


def cache_words(planned: PlannedStage, titles: Mapping[str, str]) -> str:
    """Whether the stage comes from the cache, and why not."""
    words = _(CACHE_WORDS[planned.cache.reason])
    detail = titles.get(planned.cache.detail, planned.cache.detail)
    return f"{words}: {detail}" if detail else words


def _summary(plan: RunPlan) -> str:
    hits = sum(planned.cache.hit for planned in plan.stages)
    text = _("{total} stages, {run} to run, {hits} from the cache; highest label {label}.").format(
        total=len(plan.stages), run=len(plan.stages) - hits, hits=hits, label=plan.label
    )
    if plan.gpu_hours:
        against = f" ({plan.grant})" if plan.grant else ""
        text += " " + _("Estimated {hours} GPU-hours").format(hours=f"{plan.gpu_hours:,.1f}") + against + "."
    return text
