"""From the training loop to the person who watches: figures, phases and checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from bongsu.domain.phrases import Words


class Sink(Protocol):
    """The part of ``StageContext`` that the loop uses."""

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None: ...
    def message(self, text: str) -> None: ...
    def phase(self, name: Words) -> None: ...
    def checkpointed(self, step: int) -> None: ...


Call = tuple[str, tuple[Any, ...], dict[str, float]]
"""Name of a method of a sink, and its arguments."""


@dataclass
class QueueSink:
    """In a worker: puts calls on a Ray queue. The process that started the gang repeats them.

    Training does not wait for anybody to take note of a step, and steps go together, once a second at most: each
    parcel costs three processes a moment in which a worker of a small machine has to wait. Calls arrive in their order,
    and with anything but a step on its way everything before it has arrived.
    """

    queue: Any
    monotonic: Callable[[], float]
    every_s: float = 1.0
    _pending: list[Call] = field(default_factory=list)
    _sent_at: float = -math.inf

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        self._pending.append(("progress", (step, total), metrics))
        if step == total:
            self._send(self.queue.put)
        elif self.monotonic() >= self._sent_at + self.every_s:
            self._send(self.queue.actor.put_nowait.remote)

    def message(self, text: str) -> None:
        self._pending.append(("message", (text,), {}))
        self._send(self.queue.put)

    def phase(self, name: Words) -> None:
        self._pending.append(("phase", (name,), {}))
        self._send(self.queue.put)

    def checkpointed(self, step: int) -> None:
        self._pending.append(("checkpointed", (step,), {}))
        self._send(self.queue.put)

    def _send(self, put: Callable[[list[Call]], object]) -> None:
        calls, self._pending = self._pending, []
        self._sent_at = self.monotonic()
        put(calls)


@dataclass(frozen=True)
class SilentSink:
    """In workers other than the first."""

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None: ...
    def message(self, text: str) -> None: ...
    def phase(self, name: Words) -> None: ...
    def checkpointed(self, step: int) -> None: ...


def repeat(queue: Any, sink: Sink) -> None:
    """Repeat calls from ``queue`` on ``sink`` until None comes, or the queue is no more."""
    while (calls := _next(queue)) is not None:
        for name, arguments, keywords in calls:
            getattr(sink, name)(*arguments, **keywords)


def _next(queue: Any) -> list[Call] | None:
    try:
        calls: list[Call] | None = queue.get()
    except Exception:  # Ray says in many ways that the queue's process ended; the trainer hears of it by itself
        return None
    return calls
