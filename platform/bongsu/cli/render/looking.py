"""What was found, how much there is, and where a label came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.domain.quantities import size
from bongsu.domain.searching import Found, SearchKind
from bongsu.service.capacity import CapacityShown, Load
from bongsu.service.labels import LabelShown


def found_view(found: Sequence[Found]) -> RenderableType:
    """Two lines for each, so that a terminal of 80 columns holds them."""
    kinds = _kinds()
    return Group(*[line for one in found for line in _found(one, kinds[one.kind])])


def capacity_view(shown: CapacityShown) -> RenderableType:
    """What there is, and a table of what is asked of it."""
    there = shown.there
    # Nothing stands behind the figures that would have to be one or many.
    words = _("cores {cpus}, memory {memory}, GPUs {gpus}").format(
        cpus=f"{there.cpus:g}", memory=size(there.memory), gpus=there.gpus
    )
    head = Text(words + (f" ({', '.join(there.accelerators)})" if there.accelerators else ""), style="bold")
    if not shown.ministries:
        return Group(head, Text(_("Nothing runs or waits."), style="dim"))
    table = Table(box=None, pad_edge=False)
    for title in (_("Ministry"), _("State"), _("Stages"), _("Cores"), _("Memory"), _("GPUs")):
        table.add_column(title)
    for one in shown.ministries:
        for state, load in ((_("running"), one.running), (_("waiting"), one.waiting)):
            if load.stages:
                table.add_row(one.ministry, state, *_load(load))
    return Group(head, table)


def label_view(shown: LabelShown) -> RenderableType:
    """The label, then a line for each thing that brought a part of it in."""
    head = Text(shown.title, style="bold")
    head.append("  " + _("Label") + f" {shown.label}", style="")
    lines = [head]
    for one in shown.parts:
        for origin in one.origins:
            lines.append(Text(_("{part} came with {title}").format(part=one.part, title=origin.title)))
            lines.append(Text(f"  {origin.id}", style="dim"))
    titles = {origin.id: origin.title for one in shown.parts for origin in one.origins}
    for raised in shown.raised:
        title = titles.get(raised.of, shown.title)
        words = _("{title} was raised to {label} by {who}")
        lines.append(Text(words.format(title=title, label=raised.label, who=raised.by)))
        lines += [*_because(raised.reason), Text(f"  {moment(raised.raised_at)}", style="dim")]
    for lowered in shown.released:
        words = _("Lowered from {old} to {new} by a downgrade that was approved.")
        if not lowered.old:
            words = _("Lowered to {new} by a downgrade that was approved.")
        lines.append(Text(words.format(old=lowered.old, new=lowered.new)))
        if lowered.released_at is not None:
            who = _("approved by {approvers}").format(approvers=", ".join(lowered.approvers))
            parts = (lowered.proposal, lowered.proposer, who, moment(lowered.released_at))
            lines += [*_because(lowered.reason), Text("  " + " · ".join(parts), style="dim")]
    if not shown.parts:
        lines.append(Text(_who_may_see(shown.ministry), style="dim"))
    return Group(*lines)


def _who_may_see(ministry: str) -> str:
    """Of what carries no label above O."""
    if not ministry:
        return _("Everybody who may use this home may see it.")
    return _("Everybody of {ministry} may see it, and every ministry that it was shared with.").format(
        ministry=ministry
    )


def _because(reason: str) -> list[Text]:
    return [Text("  " + _("Reason") + f": {reason}")] if reason else []


def _kinds() -> Mapping[SearchKind, str]:
    return {
        SearchKind.RUN: _("run"),
        SearchKind.MODEL: _("model"),
        SearchKind.DATASET: _("data set"),
        SearchKind.ARTIFACT: _("artifact"),
    }


def _found(one: Found, kind: str) -> tuple[Text, Text]:
    head = Text(one.name, style="bold")
    head.append(f"  {kind}", style="")
    parts = [
        one.title,
        _("Label") + f" {one.label}",
        *([one.ministry] if one.ministry else []),
        moment(one.created_at),
    ]
    return head, Text("  " + " · ".join(parts), style="dim")


def _load(load: Load) -> Iterator[str]:
    yield str(load.stages)
    yield f"{load.cpus:g}"
    yield size(load.memory) if load.memory else "–"
    yield ", ".join(f"{count} {kind}".strip() for kind, count in sorted(load.gpus.items())) or "–"
