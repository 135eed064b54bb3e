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
    """In a worker: puts each call on a Ray queue. The process that started the gang repeats it.

    Training does not wait for anybody to take note of a step. Calls of one worker arrive in their order, so each of
    the others waits for all before it, and so does the last step.
    """

    queue: Any

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        call = ("progress", (step, total), metrics)
        if step == total:
            self.queue.put(call)
        else:
            self.queue.actor.put_nowait.remote(call)

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
