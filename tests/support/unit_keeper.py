"""``systemctl`` of a test: starts and ends what unit files say, as systemd would, as the user of the test.

It reads ``EnvironmentFile``, ``Environment``, ``ExecStart`` and ``TimeoutStopSec``, gives processes the few variables
that systemd gives, and sends SIGTERM to all processes of a unit. Whether systemd takes the file as it is,
``systemd-analyze verify`` tells; what else stands in it (the user, what it may write) is not carried out. Nothing is
started again by itself: a server that ends fails the test.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from bongsu.machine.processes import die_with_parent

_GIVEN = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
    "LANG": "C.UTF-8",
    "SHELL": "/usr/sbin/nologin",
}
_CLIENT = """\
#!{python}
import json, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    asked.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    said = asked.makefile().read()
print(said, end="", file=sys.stderr)
sys.exit(1 if said else 0)
"""


class UnitKeeper:
    """Attributes:
    folder: of unit files, ``/etc/systemd/system`` of pages.
    logs: folder for what units say, a file each.
    """

    def __init__(self, folder: Path, logs: Path, home: Path) -> None:
        self.folder, self.logs, self.home = folder, logs, home
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def ask(self, words: list[str]) -> None:
        """Raises ValueError for what this one does not know."""
        verb, *units = words
        starts = "--now" in units
        units = [one for one in units if not one.startswith("--")]
        if verb == "daemon-reload" or (verb == "enable" and not starts):
            return
        if verb not in ("start", "stop", "restart", "enable"):
            raise ValueError(f"systemctl {verb} is not known here")
        units = self._named(units)
        if verb in ("stop", "restart"):
            self.stop(units)
        if verb != "stop":
            for unit in units:
                self.start(unit)

    def log(self, unit: str) -> str:
        return (self.logs / f"{unit}.log").read_text()

    def runs(self, unit: str) -> bool:
        running = self._running.get(unit)
        return running is not None and running.poll() is None

    def end_all(self) -> None:
        self.stop(list(self._running))

    def start(self, unit: str) -> None:
        if self.runs(unit):
            return
        said = self._said(unit)
        (command,) = said["ExecStart"]
        with (self.logs / f"{unit}.log").open("ab") as log:
            self._running[unit] = subprocess.Popen(
                shlex.split(command),
                cwd=self.home.parent,
                env=self._environment(said),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
            )

    def stop(self, units: list[str]) -> None:
        """All at once. Raises AssertionError if one takes longer than its file allows."""
        stopped = {unit: self._running.pop(unit) for unit in units if unit in self._running}
        family = [one for process in stopped.values() for one in _family(process)]
        for one in family:
            _send(one, signal.SIGTERM)
        try:
            for unit, process in stopped.items():
                process.wait(float(self._said(unit)["TimeoutStopSec"][0]))
        except subprocess.TimeoutExpired:
            logs = "\n".join(self.log(unit)[-3000:] for unit in stopped)
            raise AssertionError(f"{list(stopped)} do not end:\n{logs}") from None
        finally:
            for one in family:
                _send(one, signal.SIGKILL)
            for process in stopped.values():
                process.wait(10)

    def _named(self, units: list[str]) -> list[str]:
        """What patterns stand for, among what runs."""
        return [one for unit in units for one in (fnmatch.filter(self._running, unit) if "*" in unit else [unit])]

    def _said(self, unit: str) -> Mapping[str, list[str]]:
        name, _, instance = unit.partition("@")
        found: dict[str, list[str]] = {}
        text = (self.folder / f"{name}@.service").read_text().replace("%i", instance)
        for key, value in re.findall(r"^(\w+)=(.*)$", text, re.M):
            found.setdefault(key, []).append(value)
        return found

    def _environment(self, said: Mapping[str, list[str]]) -> dict[str, str]:
        lines = list(said.get("Environment", []))
        # These count for more, systemd.exec(5) says.
        lines += [line for file in said["EnvironmentFile"] for line in Path(file).read_text().splitlines()]
        return {**_GIVEN, "HOME": str(self.home), **dict(line.split("=", 1) for line in lines if "=" in line)}


@contextmanager
def keeping_units(folder: Path, logs: Path, home: Path, tools: Path) -> Iterator[UnitKeeper]:
    """Until the end of the block, where all of its processes end.

    Args:
        folder: of unit files.
        logs: folder for what units say.
        home: of the user under which they would run.
        tools: folder in which the command ``systemctl`` is made.
    """
    keeper = UnitKeeper(folder, logs, home)

    class Door(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                keeper.ask(json.loads(self.rfile.readline()))
            except Exception as error:  # told to who asked
                self.wfile.write(f"{type(error).__name__}: {error}\n".encode())

    # Not below the test's own folder: such an address has room for a hundred characters.
    place = tempfile.TemporaryDirectory(prefix="bongsu-units-")
    address = str(Path(place.name) / "socket")
    # One thread from beginning to end: what it starts ends with it.
    server = socketserver.UnixStreamServer(address, Door)
    thread = threading.Thread(target=server.serve_forever, name="units", daemon=True)
    thread.start()
    command = tools / "systemctl"
    command.write_text(_CLIENT.format(python=sys.executable, address=address))
    command.chmod(0o755)
    try:
        yield keeper
    finally:
        keeper.end_all()
        server.shutdown()
        server.server_close()
        thread.join(10)
        place.cleanup()


def _family(process: subprocess.Popen[bytes]) -> list[subprocess.Popen[bytes] | psutil.Process]:
    if process.poll() is not None:
        return []
    return [process, *psutil.Process(process.pid).children(recursive=True)]


def _send(process: subprocess.Popen[bytes] | psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
