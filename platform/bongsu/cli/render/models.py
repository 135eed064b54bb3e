"""Registered model versions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.render.sharing import sharing_lines
from bongsu.cli.texts import _
from bongsu.domain.quantities import figure, short
from bongsu.domain.titles import brief
from bongsu.service.models import ModelVersion


def models_view(versions: Sequence[ModelVersion]) -> RenderableType:
    """Three or four lines for each version, so that a terminal of 80 columns holds them."""
    return Group(*[line for version in versions for line in _lines(version)])


def _lines(version: ModelVersion) -> list[Text]:
    number = f"{version.name}/{version.version}"
    head = Text(f"models://{version.shared[0].giver}/{number}" if version.shared else number, style="bold")
    for alias in version.aliases:
        head.append(f" @{alias}", style="green")
    head.append(f"  {short(version.digest)}  {_('Label')} {version.label}", style="")
    parts = (brief(version.title), version.use_class, version.run_id, moment(version.created_at))
    made = Text("  " + " · ".join(part for part in parts if part))
    figures = " · ".join(f"{name} {figure(value)}" for name, value in version.metrics.items())
    return [
        head,
        *_stopped(version),
        made,
        *sharing_lines(version.shared),
        *([Text(f"  {figures}", style="dim")] if figures else []),
    ]


def _stopped(version: ModelVersion) -> list[Text]:
    """That it must not be used; a ministry that it is shared with is not told who said so."""
    if version.suspended_at is None:
        return []
    since = moment(version.suspended_at)
    said = _("Suspended since {since} by {who}") if version.suspended_by else _("Suspended since {since}")
    return [Text("  " + said.format(since=since, who=version.suspended_by), style="bold red")]
