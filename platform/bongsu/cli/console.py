"""Rich's console, with the controls in every text written out before they reach a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bongsu.domain.unseen import escaped


class EscapingConsole(Console):
    """Whatever is printed passes through ``render``, the cells of tables too, which are cut to their width after it."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process with a status of failure; whoever reads ``bongsu runs | head`` has seen enough."""
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(escaped(segment.text), segment.style)
