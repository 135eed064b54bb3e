"""Where a worker's events and output go: two files in the attempt's log directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.domain.events import StageEvent


class EventFile:
    """Appends one JSON line an event; a line is written in one call, so a reader never sees half of one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, event: StageEvent) -> None:
        os.write(self._descriptor, event.model_dump_json().encode() + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def drop(event: StageEvent) -> None:
    """Receives events that nobody watches."""
    del event


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Send standard output and error of the whole process, C code included, to ``path`` for a while."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for old, number in zip(saved, (1, 2), strict=True):
            os.dup2(old, number)
            os.close(old)
