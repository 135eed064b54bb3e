"""Where a worker's events and output go: two files in the attempt's log directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path

from bongsu.domain.events import Checkpointed, Message, PhaseEntered, Progress, StageEvent

LINE_EVERY_S = 5.0


class EventFile:
    """Appends one JSON line an event; a line is written in one call, so a reader never sees half of one. Events are for
    watching: one that the disk does not take is lost, and nothing else is."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, event: StageEvent) -> None:
        with suppress(OSError):
            os.write(self._descriptor, event.model_dump_json().encode() + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


class LogLines:
    """Writes to standard output what a reader of the log wants to know: phases, messages, checkpoints, and every few
    seconds the step with its figures.

    Args:
        emit: receives every event as well.
    """

    def __init__(self, emit: Callable[[StageEvent], None]) -> None:
        self._emit = emit
        self._said_at = -inf

    def __call__(self, event: StageEvent) -> None:
        self._emit(event)
        match event:
            case PhaseEntered(name=name):
                print(name, flush=True)
            case Message(text=text):
                print(text, flush=True)
            case Checkpointed(step=step):
                print(f"checkpoint after step {step}", flush=True)
            case Progress(time=time, step=step, total=total) if (
                time >= self._said_at + LINE_EVERY_S or step == total
            ):
                self._said_at = time
                print(_line(event), flush=True)


def _line(event: Progress) -> str:
    of = f"/{event.total}" if event.total else ""
    return "  ".join([f"step {event.step}{of}", *(f"{name} {value:.5g}" for name, value in event.metrics.items())])


def drop(event: StageEvent) -> None:
    """Receives events that nobody watches."""
    del event


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Send standard output and error of the whole process, C code included, to ``path`` for a while."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _flush()
    saved = os.dup(1), os.dup(2)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    try:
        yield
    finally:
        _flush()
        for old, number in zip(saved, (1, 2), strict=True):
            os.dup2(old, number)
            os.close(old)


def _flush() -> None:
    """Write what is held back. A disk that does not take it must not keep the output from going its way again."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
