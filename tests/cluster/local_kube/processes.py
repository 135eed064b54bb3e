"""Processes of a cluster, in files: whoever comes later finds them, and ends no other's.

A number of a process is given to another one after its end, so the moment at which it began stands beside it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

LEAVE_S = 10.0
LOOK_S = 0.2


class NotReady(Exception):
    """Something did not come about in its time; the text has the last words of whoever was to do it."""


@dataclass(frozen=True)
class Processes:
    """Of one cluster.

    Attributes:
        folder: of files ``NAME`` with a process's number and begin.
        logs: of files ``NAME.log``.
    """

    folder: Path
    logs: Path

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Start a process that outlives this one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        (self.folder / name).write_text(f"{process.pid} {_began(process.pid)}")

    def names(self) -> list[str]:
        """Whatever was started and not stopped."""
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def get(self, name: str) -> psutil.Process | None:
        """None if it has ended, or was never started."""
        try:
            number, began = (self.folder / name).read_text().split()
            process = psutil.Process(int(number))
            is_same = _began(process.pid) == began
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            return None

    def listens(self, name: str, port: int) -> bool:
        """Whether it is this process, and no other's, that answers there."""
        process = self.get(name)
        try:
            lines = process.net_connections() if process else []
        except psutil.NoSuchProcess:
            return False
        return any(line.status == psutil.CONN_LISTEN and line.laddr.port == port for line in lines)

    def kill(self, name: str) -> None:
        """As a power cut does; it can be started again under its name."""
        self.stop(name, how=signal.SIGKILL)

    def stop(self, *names: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask all of them, and kill who is still there after :data:`LEAVE_S`."""
        found = [process for name in names if (process := self.get(name)) is not None]
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(how)
        _, left = psutil.wait_procs(found, timeout=LEAVE_S)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=LEAVE_S)
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def wait_for(
        self,
        what: str,
        is_so: Callable[[], object],
        limit_s: float,
        who: str = "",
        otherwise: Callable[[], str] = str,
    ) -> None:
        """Wait until ``is_so`` answers with something true.

        Args:
            what: is waited for, in words.
            is_so: asked again and again; that it raises OSError or SubprocessError means not yet.
            limit_s: for how long.
            otherwise: what else is said if it did not come about, such as the conditions of a thing.
            who: process that is to bring it about; if that ends, so does the waiting.

        Raises:
            NotReady: it did not come about.
        """
        deadline, last = time.monotonic() + limit_s, ""
        while True:
            try:
                answer = is_so()
                if answer:
                    return
                last = repr(answer)
            except (OSError, subprocess.SubprocessError) as error:
                last = getattr(error, "stderr", "") or str(error)
            if who and self.get(who) is None:
                raise NotReady("\n".join([f"{what}: {who} has ended.", self._tail(who)]))
            if time.monotonic() > deadline:
                late = f"{what}: not within {limit_s:g} s; the last answer was {last}"
                raise NotReady("\n".join([late, _said(otherwise), self._tail(who)]))
            time.sleep(LOOK_S)

    def described(self) -> Iterator[str]:
        """A line for each process."""
        for name in self.names():
            process = self.get(name)
            if process is None:
                yield f"{name:<26} ended, see {self.log(name)}"
            else:
                yield f"{name:<26} process {process.pid:<8} {process.memory_info().rss / 1e6:7.0f} MB"

    def _tail(self, who: str) -> str:
        if not who or not self.log(who).exists():
            return ""
        lines = self.log(who).read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"The end of {self.log(who)}:", *lines])


def _began(number: int) -> str:
    """When a process began, in ticks since the machine did: unlike its time of day, nobody sets that.

    Raises:
        OSError: it has ended.
    """
    # The name in brackets may hold anything.
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]


def _said(otherwise: Callable[[], str]) -> str:
    try:
        return otherwise()
    except (OSError, subprocess.SubprocessError) as error:
        return f"(No more is known: {error})"
