"""From the training loop to the person who watches: figures, phases and checkpoints."""

from __future__ import annotations

import math
import pickle
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from bongsu.domain.phrases import Words

# Of a send: a process that was stopped for a while hears afterwards what it was sent.
_PATIENCE_S = 600.0


class Sink(Protocol):
    """The part of ``StageContext`` that the loop uses."""

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None: ...
    def message(self, text: str) -> None: ...
    def phase(self, name: Words) -> None: ...
    def checkpointed(self, step: int) -> None: ...


class Recorder(Sink, Protocol):
    """The sink of the process that started a gang: what is repeated there happened a moment before."""

    def earlier(self, seconds: float) -> Sink:
        """The same, for what happened so long ago."""
        ...


@dataclass(frozen=True)
class Call:
    """A method of a sink, its arguments, and when it was called, on the worker's monotonic clock."""

    name: str
    arguments: tuple[Any, ...]
    figures: dict[str, float]
    at: float

    def repeat(self, sink: Sink) -> None:
        getattr(sink, self.name)(*self.arguments, **self.figures)


@dataclass(frozen=True)
class Parcel:
    """Calls, and when they were sent, on the same clock."""

    calls: list[Call]
    sent_at: float


@dataclass(frozen=True)
class Ear:
    """Where a :class:`SinkServer` listens, and the token that it knows its workers by."""

    host: str
    port: int
    token: bytes = field(repr=False)


@dataclass
class RemoteSink:
    """In a worker: sends calls to the process that started the gang, which repeats them.

    Training does not wait for anybody to take note of a step, and steps go together, once a second at most: each
    parcel costs two processes a moment in which a worker of a small machine has to wait. Calls arrive in their order.

    Raises:
        OSError: nobody listens there any more.
    """

    ear: Ear
    monotonic: Callable[[], float]
    every_s: float = 1.0
    _pending: list[Call] = field(default_factory=list)
    _sent_at: float = -math.inf
    _line: socket.socket | None = None

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        self._keep("progress", step, total, **metrics)
        if step == total or self.monotonic() >= self._sent_at + self.every_s:
            self._send()

    def message(self, text: str) -> None:
        self._keep("message", text)
        self._send()

    def phase(self, name: Words) -> None:
        self._keep("phase", name)
        self._send()

    def checkpointed(self, step: int) -> None:
        self._keep("checkpointed", step)
        self._send()

    def _keep(self, name: str, *arguments: Any, **figures: float) -> None:
        self._pending.append(Call(name, arguments, figures, self.monotonic()))

    def _send(self) -> None:
        if self._line is None:
            self._line = socket.create_connection((self.ear.host, self.ear.port), timeout=_PATIENCE_S)
            self._line.sendall(self.ear.token)
        calls, self._pending = self._pending, []
        self._sent_at = self.monotonic()
        self._line.sendall(pickle.dumps(Parcel(calls, self._sent_at)))


@dataclass(frozen=True)
class SilentSink:
    """In workers other than the first."""

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None: ...
    def message(self, text: str) -> None: ...
    def phase(self, name: Words) -> None: ...
    def checkpointed(self, step: int) -> None: ...
