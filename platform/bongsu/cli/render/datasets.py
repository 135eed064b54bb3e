"""Registered data sets."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.render.sharing import sharing_lines
from bongsu.cli.texts import _
from bongsu.domain.quantities import short, size
from bongsu.service.datasets import DatasetVersion


def datasets_view(versions: Sequence[DatasetVersion]) -> RenderableType:
    """Two lines for each version, so that a terminal of 80 columns holds them; and one for each permit of another's."""
    return Group(*[line for version in versions for line in _lines(version)])


def _lines(version: DatasetVersion) -> list[Text]:
    whose = f"//{version.shared[0].giver}/" if version.shared else "/"
    head = Text(f"datasets:{whose}{version.name}/{version.version}", style="bold")
    head.append(f"  {short(version.digest)}  {_('Label')} {version.label}", style="")
    parts = (size(version.size), version.origin, moment(version.created_at))
    known = Text("  " + " · ".join(part for part in parts if part), style="dim")
    return [head, known, *sharing_lines(version.shared)]
