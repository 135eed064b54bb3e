"""Registered data sets."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.domain.quantities import short, size
from bongsu.service.datasets import DatasetVersion


def datasets_view(versions: Sequence[DatasetVersion]) -> RenderableType:
    """Two lines for each version, so that a terminal of 80 columns holds them."""
    return Group(*[line for version in versions for line in _lines(version)])


def _lines(version: DatasetVersion) -> tuple[Text, Text]:
    head = Text(f"datasets:/{version.name}/{version.version}", style="bold")
    head.append(f"  {short(version.digest)}  {_('Label')} {version.label}", style="")
    return head, Text(f"  {size(version.size)} · {version.origin} · {moment(version.created_at)}", style="dim")
