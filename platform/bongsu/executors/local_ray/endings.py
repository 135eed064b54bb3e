"""How a process ended, child of ours or not: by a signal from outside, by itself, or nobody knows.

Only a parent is told how its child ended, and a Ray worker's parent is the raylet. Until the parent has asked, the
status stands in ``/proc/PID/stat`` (proc(5), ``exit_code``). Afterwards Linux 6.15 and later tell whoever held a pidfd
of the process (``PIDFD_GET_INFO`` with ``PIDFD_INFO_EXIT``, linux/pidfd.h); before, nobody knows.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase

_INFO_BYTES = 64
_EXIT_CODE_AT = 60
_WANT_EXIT = 1 << 3
_GET_INFO = (3 << 30) | (_INFO_BYTES << 16) | (0xFF << 8) | 11  # _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info)
_STAT_EXIT_CODE = 48  # behind the state
# What somebody outside sends; a process that breaks by itself gets others, such as SIGSEGV.
FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})
_VMSTAT = Path("/proc/vmstat")


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes:
        status: as ``os.wait`` gives it; None if nobody knows.
    """

    status: int | None = None

    @property
    def signal(self) -> int | None:
        """Number of the signal that ended it; None if it ended by itself, or nobody knows."""
        if self.status is None or not os.WIFSIGNALED(self.status):
            return None
        return os.WTERMSIG(self.status)

    @property
    def is_from_outside(self) -> bool:
        return self.signal in FROM_OUTSIDE

    @property
    def words(self) -> Phrase:
        """What follows the name of the process in a sentence."""
        if self.signal is not None:
            return phrase(N_("was ended by {signal}"), signal=_signal_name(self.signal))
        if self.status is None:
            return phrase(N_("ended"))
        return phrase(N_("ended itself with status {status}"), status=os.waitstatus_to_exitcode(self.status))

    def __str__(self) -> str:
        return str(self.words)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most of those of real time have none
        return f"signal {number}"


class WatchedProcess:
    """A process whose end is looked for.

    Args:
        pid: of a live process. Raises ``psutil.NoSuchProcess`` if it is gone.
    """

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._descriptor: int | None = None
        with contextlib.suppress(OSError, AttributeError):  # before Linux 5.3
            self._descriptor = os.pidfd_open(pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def still_has_its_number(self) -> bool:
        """True until another process may have it: as long as nobody has asked how it ended."""
        return self._process.is_running()

    @property
    def is_over(self) -> bool:
        try:
            return not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def ending(self) -> Ending:
        """How it ended; it is over."""
        return self._before_its_parent_asks() or self._after_its_parent_has_asked()

    def _before_its_parent_asks(self) -> Ending | None:
        try:
            _, _, rest = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")
        except OSError:
            return None
        state, *fields = rest.split()
        return Ending(int(fields[_STAT_EXIT_CODE])) if state == "Z" else None

    def _after_its_parent_has_asked(self) -> Ending:
        if self._descriptor is None:
            return Ending()
        info = bytearray(_INFO_BYTES)
        struct.pack_into("Q", info, 0, _WANT_EXIT)
        try:
            fcntl.ioctl(self._descriptor, _GET_INFO, info)
        except OSError:
            return Ending()
        (given,) = struct.unpack_from("Q", info, 0)
        return Ending(struct.unpack_from("i", info, _EXIT_CODE_AT)[0]) if given & _WANT_EXIT else Ending()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def out_of_memory_kills() -> int:
    """How many processes the kernel has ended for want of memory since it started, those of containers included."""
    try:
        return _count("oom_kill", _VMSTAT.read_text().splitlines())
    except OSError:
        return 0


def _count(name: str, lines: Iterable[str]) -> int:
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)
