"""From the training loop to the person who watches: figures, phases and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Sink(Protocol):
    """The part of ``StageContext`` that the loop uses."""

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None: ...
    def message(self, text: str) -> None: ...
    def phase(self, name: str) -> None: ...
    def checkpointed(self, step: int) -> None: ...


@dataclass(frozen=True)
class QueueSink:
    """In a worker: puts each call on a Ray queue. The process that started the gang repeats it."""

    queue: Any

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        self.queue.put(("progress", (step, total), metrics))

    def message(self, text: str) -> None:
        self.queue.put(("message", (text,), {}))

    def phase(self, name: str) -> None:
        self.queue.put(("phase", (name,), {}))

    def checkpointed(self, step: int) -> None:
        self.queue.put(("checkpointed", (step,), {}))


@dataclass(frozen=True)
class SilentSink:
    """In workers other than the first."""

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None: ...
    def message(self, text: str) -> None: ...
    def phase(self, name: str) -> None: ...
    def checkpointed(self, step: int) -> None: ...


def repeat(queue: Any, sink: Sink) -> None:
    """Repeat calls from ``queue`` on ``sink`` until None comes."""
    while (call := queue.get()) is not None:
        name, arguments, keywords = call
        getattr(sink, name)(*arguments, **keywords)
