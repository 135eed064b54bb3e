"""The lineage graph as a picture of a page's width: raw data above, registered bytes below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unicodedata import east_asian_width

from bongsu.domain.lineage import NodeKind
from bongsu.domain.messages import N_
from bongsu.domain.problems import Translate
from bongsu.service.report.boxes import Box, boxes
from bongsu.service.report.charts import Render
from bongsu.service.report.layout import Line, layers, lines
from bongsu.service.report.model import GraphEdge, GraphNode
from bongsu.service.report.style import COLOURS, figure

_FACES = {
    NodeKind.INPUT: "#e8f1f8",
    NodeKind.RUN_STAGE: "#ffffff",
    NodeKind.ARTIFACT: "#f3f3f3",
    NodeKind.MODEL_VERSION: "#fdeee2",
}
# Inches. Five boxes side by side are as wide as a page, and their text is still read when it is printed.
PER_LINE = 5
_BOX = (1.75, 0.62)
_PITCH = (2.0, 1.0)
_MARGIN = 0.1
_TITLE_CELLS = 26
Places = Mapping[str, tuple[float, float]]


def lineage(
    nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], render: Render, translate: Translate = str
) -> Any:
    """Draw the graph; every box carries its label. Returns what ``render`` makes of the figure."""
    drawn_boxes, arrows = boxes(nodes, edges)
    page = lines(layers([box.id for box in drawn_boxes], arrows), PER_LINE)
    places = dict(_places(page))
    in_line = {name: number for number, line in enumerate(page) for name in line.names}
    width, height = PER_LINE * _PITCH[0], len(page) * _PITCH[1]
    with figure(width, height) as (drawn, axes):
        axes.set_axis_off()
        for source, target in arrows:
            _arrow(axes, places[source], places[target], in_line[target] - in_line[source])
        for box in drawn_boxes:
            _draw(axes, box, places[box.id], translate)
        axes.set_xlim(0, width)
        axes.set_ylim(-height + _PITCH[1] / 2 - _BOX[1] / 2 - _MARGIN, _BOX[1] / 2 + _MARGIN)
        return render(drawn)


def _places(page: Sequence[Line]) -> Iterator[tuple[str, tuple[float, float]]]:
    """The middle of each box. A chain begins at the left; what stands side by side stands in the middle."""
    for number, line in enumerate(page):
        free = 0.0 if line.is_chain else (PER_LINE - len(line.names)) / 2
        for place, name in enumerate(line.names):
            yield name, ((free + place + 0.5) * _PITCH[0], -number * _PITCH[1])


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], lines_down: int) -> None:
    """From the lower edge to the upper one; within a line from the right edge to the left one. Boxes cover it, and it
    is the fainter the further it goes."""
    if lines_down:
        tail, head = (start[0], start[1] - _BOX[1] / 2), (end[0], end[1] + _BOX[1] / 2)
    else:
        tail, head = (start[0] + _BOX[0] / 2, start[1]), (end[0] - _BOX[0] / 2, end[1])
    is_over_others = not lines_down and end[0] - start[0] > 1.5 * _PITCH[0]
    look = {
        "arrowstyle": "-|>",
        "color": COLOURS[0],
        "lw": 0.8,
        "alpha": 0.8 if abs(lines_down) <= 1 else 0.35,
        "shrinkA": 0,
        "shrinkB": 0,
        "connectionstyle": "arc3,rad=-0.3" if is_over_others else "arc3",
    }
    axes.annotate("", xy=head, xytext=tail, arrowprops=look, zorder=1)


def _draw(axes: Any, box: Box, place: tuple[float, float], translate: Translate) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = place
    corner = (x - _BOX[0] / 2 + 0.05, y - _BOX[1] / 2 + 0.05)
    shape = FancyBboxPatch(
        corner, _BOX[0] - 0.1, _BOX[1] - 0.1, "round,pad=0.05", fc=_FACES[box.kind], ec="#666666", lw=0.8, zorder=2
    )
    axes.add_patch(shape)
    title = _wrapped(box.title)
    size = 9 if _cells(box.title) <= _TITLE_CELLS - 4 else 7.5
    axes.text(x, y + 0.1, "\n".join(title), ha="center", va="center", fontsize=size, zorder=3)
    below = [f"[{box.label}]", box.digest]
    if box.count > 1:
        below.append(translate(N_("{count} points")).format(count=box.count))
    text = "  ".join(part for part in below if part)
    axes.text(x, y - 0.19, text, ha="center", va="center", fontsize=7, color="#444444", zorder=3)


def _wrapped(title: str) -> list[str]:
    """At most two lines of it, broken behind a mark of punctuation if there is one; wide characters take two cells."""
    if _cells(title) <= _TITLE_CELLS:
        return [title]
    first = _beginning(title)
    at = max(first.rfind(mark) for mark in " /-_.") + 1
    first = first[:at] if at > len(first) // 3 else first
    rest = title[len(first) :]
    return [first, rest if _cells(rest) <= _TITLE_CELLS else _beginning(rest)[:-1] + "…"]


def _beginning(text: str) -> str:
    """As much of it as a line holds."""
    kept = len(text)
    while _cells(text[:kept]) > _TITLE_CELLS:
        kept -= 1
    return text[:kept]


def _cells(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
