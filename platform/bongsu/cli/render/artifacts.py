"""Lists of artifacts."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.domain.quantities import short, size
from bongsu.service.artifacts import ListedArtifact


def artifacts_view(found: Sequence[ListedArtifact]) -> RenderableType:
    """Two lines for each, so that a terminal of 80 columns holds them."""
    return Group(*[line for one in found for line in _lines(one)])


def _lines(one: ListedArtifact) -> tuple[Text, Text]:
    head = Text(short(one.digest), style="bold")
    head.append(f"  {one.type.value}  {_('Label')} {one.label}  {one.title}", style="")
    parts = (size(one.size), one.ministry, one.run_id, one.stage_id, moment(one.created_at))
    return head, Text("  " + " · ".join(part for part in parts if part), style="dim")
