"""The executor's hold on the process that holds the Ray client, and on all that this one has started."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from bongsu.executors.local_ray.endings import Ending
from bongsu.executors.local_ray.host_messages import Answer, Begin, Command, parse_answer
from bongsu.machine.processes import TOKEN, kill_all
from bongsu.machine.python import python_command
from bongsu.machine.watchdog import Watchdog

_LOG_BYTES = 1024 * 1024
_READ_BYTES = 64 * 1024


class HostProcess:
    """``bongsu.executors.local_ray.host`` in a session of processes of its own: Ctrl-C in a terminal, and the end of
    the terminal, do not reach it, and whatever Ray starts is found by the session.

    It ends with the thread that makes this.

    Args:
        begin: which Ray.
        environment: that it and Ray get.
        log: what Ray prints is added to it.
    """

    def __init__(self, begin: Begin, environment: Mapping[str, str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_name(log.name + ".1"))
        token = secrets.token_hex(16)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                python_command("bongsu.executors.local_ray.host"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**environment, TOKEN: token},
                start_new_session=True,
            )
        self._watchdog = Watchdog(self._process.pid, token)
        self._writing = threading.Lock()
        # Workers of a Ray that ran before inherit nothing from the host.
        self.send(begin.model_copy(update={"variables": {**begin.variables, TOKEN: token}}))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """True once it has, before anybody asks how: its number stays its own."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def send(self, command: Command) -> None:
        """Tell it; nothing happens if it is gone, which :meth:`answers` shows."""
        assert self._process.stdin is not None
        line = command.line()  # what cannot be written is the caller's mistake, and no sign of an end
        with self._writing, contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def answers(self, look_s: float) -> Iterator[Answer | None]:
        """What it says, until it is gone; None whenever it said nothing for so many seconds."""
        assert self._process.stdout is not None
        descriptor, rest = self._process.stdout.fileno(), b""
        with selectors.PollSelector() as selector:  # select() knows no descriptor above 1023
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                if not selector.select(look_s):
                    yield None
                    continue
                data = os.read(descriptor, _READ_BYTES)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                yield from map(parse_answer, lines)

    def dismiss(self) -> None:
        """Ask it to end Ray, or to let go of it, and then itself."""
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError):
            self._process.stdin.close()

    def kill(self) -> None:
        """Do not wait for it any longer; :meth:`end` is still to follow."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)

    def end(self) -> Ending:
        """Kill what is left of it and of its Ray, workers included; says how it ended."""
        self.kill()
        # Its status is asked for afterwards: until then no other session can have its number.
        kill_all([process for process in psutil.process_iter() if self._has_started(process.pid)])
        self.dismiss()
        assert self._process.stdout is not None
        self._process.stdout.close()
        status = self._process.wait()
        self._watchdog.dismiss()
        return Ending(-status if status < 0 else status << 8)

    def _has_started(self, pid: int) -> bool:
        try:
            return pid != self._process.pid and os.getsid(pid) == self._process.pid
        except OSError:
            return False
