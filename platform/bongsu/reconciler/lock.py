"""One driver per store, and one process at a time that talks to the tracking server."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Collection, Container
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from bongsu.domain.codes import run as codes
from bongsu.domain.ids import RunId
from bongsu.store.database import Database

# Whoever only asks whether the lock is held takes it for less than a millisecond.
_TRIES = 5
_TRY_AGAIN_S = 0.02
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class DriverLock(Protocol):
    """Held while runs are driven; given up at the latest when the holder's process ends."""

    def __enter__(self) -> object:
        """Raises ``run.driven-elsewhere``."""
        ...

    def note(self, runs: Collection[RunId]) -> None:
        """Say which runs the holder, who calls this, drives."""
        ...

    def driven(self) -> Container[RunId] | None:
        """Runs that the holder drives, whichever process that is; None if nobody holds the lock."""
        ...

    def fenced(self, database: Database) -> Database:
        """The store as the holder writes to it: not at all any more once somebody else has taken the lock."""
        ...

    def assure(self) -> None:
        """Before the holder asks others for anything: raises ``run.leadership-lost`` if somebody else may hold it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Turn(Protocol):
    """The right to talk to the tracking server, which one process has at a time; nobody stands and waits for it."""

    def take(self) -> bool:
        """False if another process has it now."""
        ...

    def give_back(self) -> None:
        """Let others have it; nothing happens if it is not held."""
        ...


class FileTurn:
    """A turn by a lock on a file. The kernel frees it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def give_back(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class FileLock:
    """A lock beside a database file. The kernel frees it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> FileLock:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Not inherited by children (close-on-exec), so no worker holds it on.
            file = self._path.open("a+")
        except OSError as error:
            if error.errno in _READ_ONLY:
                raise codes.HOME_READ_ONLY.error(home=self._path.parent, detail=error.strerror) from error
            raise
        if not _taken(file):
            file.seek(0)
            pid = file.readline().strip() or "unknown"
            file.close()
            raise codes.DRIVEN_ELSEWHERE.error(pid=pid, home=self._path.parent)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return self

    def note(self, runs: Collection[RunId]) -> None:
        assert self._file is not None
        self._file.write("".join(f"{run}\n" for run in runs))
        self._file.flush()

    def driven(self) -> Container[RunId] | None:
        try:
            file = self._path.open()
        except FileNotFoundError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return frozenset(map(RunId, file.read().split()[1:]))
        return None

    def fenced(self, database: Database) -> Database:
        """As it is: the kernel takes the lock from nobody who lives."""
        return database

    def assure(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class EveryRun(Container[RunId]):
    """What the process drives that serves a control plane."""

    def __contains__(self, run: object) -> bool:
        return True


class ServerLock(FileLock):
    """The lock of a server on one machine."""

    def note(self, runs: Collection[RunId]) -> None:
        """Nothing: a server drives every run."""

    def driven(self) -> Container[RunId] | None:
        return EveryRun() if super().driven() is not None else None


def _taken(file: IO[str]) -> bool:
    for left in range(_TRIES - 1, -1, -1):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if left:
                time.sleep(_TRY_AGAIN_S)
    return False
