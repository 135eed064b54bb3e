"""Files with secrets in them: whose they are is looked at before they are believed."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bongsu.artifacts.durable import private
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase

MAX_BYTES = 1024 * 1024
# A secret that an orchestrator mounts is often readable for a group of the process's own; for others it never is.
_TOO_OPEN = stat.S_IWGRP | stat.S_IRWXO


class UnusableFileError(Exception):
    """Why a file of secrets is not used."""

    def __init__(self, detail: Words) -> None:
        super().__init__(str(detail))
        self.detail = detail


def private_document(path: Path) -> Any:
    """The JSON that stands in a file of secrets.

    Raises:
        UnusableFileError: it is not there, others may read it or write into it, or it is no JSON.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise UnusableFileError(error.strerror or str(error)) from error
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise UnusableFileError(phrase(N_("it is not a file")))
        if state.st_mode & _TOO_OPEN:
            mode = f"{stat.S_IMODE(state.st_mode):04o}"
            raise UnusableFileError(phrase(N_("others may get at it (its mode is {mode})"), mode=mode))
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnusableFileError(phrase(N_("it has more than {most} bytes"), most=MAX_BYTES))
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnusableFileError(phrase(N_("it is no JSON"))) from error


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Nobody else on this machine is in such a block of the same file meanwhile: two that change it at once would lose
    what one of them wrote. Raises OSError where the file beside it cannot be made."""
    with open(f"{path}.lock", "w", opener=private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
