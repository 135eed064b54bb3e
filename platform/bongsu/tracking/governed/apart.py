"""MLflow is told in a process of its own, so that a server answers meanwhile.

Being told of a run keeps MLflow's client and SQLAlchemy busy for tenths of a second, all of it Python: in the server's
own process, every answer would wait for that.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import threading
from collections.abc import Sequence
from typing import IO

from bongsu.domain.mistakes import MistakeThere
from bongsu.domain.publication import (
    ModelPage,
    Publication,
    RegisteredVersion,
    RegistrationRefused,
    RegistrationRequest,
)
from bongsu.machine.python import python_command
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.telling import Answered, Place, Publish, Register

_log = logging.getLogger(__name__)


class RaisedThere(Exception):
    """What was raised in the other process; its class has the name that it has there."""


class PublisherApart:
    """A :class:`bongsu.tracking.governed.publisher.GovernedPublisher` in a process of its own.

    The process is started by the first call, and anew by a call that finds it gone: whoever calls tries again what
    raised, and each item is idempotent. It ends with this one, however this one ends.

    Args:
        settings: the same as the mount's.
    """

    def __init__(self, settings: GovernedSettings) -> None:
        self._place = Place(database_uri=settings.database_uri, files_uri=settings.files_uri)
        self._alone = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        # Held for moments only, so that whoever ends the process waits for no call that is under way.
        self._starting = threading.Lock()
        self._is_closed = False

    def is_blank(self) -> bool:
        """As of the publisher there."""
        return False

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        """As of the publisher there.

        Raises:
            RaisedThere: what MLflow raised.
            MistakeThere: a fault of ours.
            ChildProcessError: the other process ended, or was told to.
        """
        return self._ask(Publish(items=tuple(items))).pages

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        """As of the publisher there.

        Raises:
            RegistrationRefused: MLflow says that it never will.
            RaisedThere: what else MLflow raised.
            MistakeThere: a fault of ours.
            ChildProcessError: the other process ended, or was told to.
        """
        version = self._ask(Register(request=request)).version
        assert version is not None
        return version

    def close(self) -> None:
        """End the other process at once, whatever it does: what it was not done with is told again."""
        with self._starting:
            self._is_closed = True
            process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def _ask(self, asked: Publish | Register) -> Answered:
        with self._alone:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                _send(process.stdin, asked)
                line = process.stdout.readline()
            except OSError:
                line = b""
            if not line.endswith(b"\n"):
                process.kill()
                raise ChildProcessError(f"the process that tells MLflow ended with {process.wait()}")
        answer = Answered.model_validate_json(line)
        if answer.refused:
            raise RegistrationRefused(answer.refused)
        if answer.error:
            raise raised(answer)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        with self._starting:  # a process that is started is one that is ended
            if self._is_closed:
                raise ChildProcessError("MLflow is told nothing any more: the server ends")
            process = self._process = _started()
        assert process.stdin is not None
        assert process.stderr is not None
        threading.Thread(target=_log_lines, args=(process.stderr,), name="telling-log", daemon=True).start()
        with contextlib.suppress(OSError):  # if it has ended already, whoever asks it finds that out
            _send(process.stdin, self._place)
        return process


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        python_command("bongsu.tracking.governed.telling"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Who interrupts the server at a terminal lets it finish what is under way. No session of its own: Linux shares
        # the processor among sessions first, and niceness would count for nothing (sched(7), autogroup).
        process_group=0,
    )


def raised(answer: Answered) -> Exception:
    """What the answer says was raised, as an exception of this process."""
    error: Exception = type(answer.error, (MistakeThere if answer.trace else RaisedThere,), {})(answer.text)
    if answer.trace:
        error.add_note(answer.trace)
    return error


def _send(to: IO[bytes], what: Place | Publish | Register) -> None:
    to.write(what.model_dump_json().encode() + b"\n")
    to.flush()


def _log_lines(source: IO[bytes]) -> None:
    """In the server's own log, which leaves secrets out."""
    for line in source:
        _log.warning("telling MLflow: %s", line.decode(errors="replace").rstrip())
