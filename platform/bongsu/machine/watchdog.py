"""Ends what a killed process leaves behind: ``python -m bongsu.machine.watchdog SESSION TOKEN``.

It reads its standard input, which nobody but the process that started it holds open. A line there means that all is
in order. An end without one means that this process was killed: then every process of the session ends, and every
other that was started with the token in its environment, whoever its parent has become.
"""

from __future__ import annotations

import subprocess
import sys

from bongsu.machine.python import python_command

_IN_ORDER = b"in order\n"
_LAST_S = 5.0


class Watchdog:
    """The watchdog of this process.

    Args:
        session: id of the session of processes that is to end with this process.
        token: value of :data:`bongsu.machine.processes.TOKEN` in the environment of whatever else is to end with it.
    """

    def __init__(self, session: int, token: str) -> None:
        self._process = subprocess.Popen(
            python_command("bongsu.machine.watchdog", str(session), token),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Nothing is left that it would have to end."""
        try:
            self._process.communicate(_IN_ORDER, timeout=_LAST_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()


def main() -> None:
    session, token = int(sys.argv[1]), sys.argv[2]
    if sys.stdin.buffer.readline() == _IN_ORDER:
        return
    # Not before it is needed: one of these runs beside every Ray, and psutil takes its time.
    from bongsu.machine.processes import kill_session

    kill_session(session, token)


if __name__ == "__main__":
    main()
