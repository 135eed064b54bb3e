"""Where the process that started a gang hears what its first worker tells (:class:`RemoteSink`), over TCP.

A queue of Ray would be an actor: a process more, which looks for signals a hundred times a second and so takes 1% of
a small machine's training (docs/adr/0013-gangs-without-helpers.md).

Anybody on this machine can come to the port. Until somebody has shown the token they cost one descriptor, for some
seconds at most, and only so many are at the door at once; who has shown it gets a thread.
"""

from __future__ import annotations

import contextlib
import hmac
import pickle
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, cast

from bongsu_stages.train.sink import Ear, Parcel, Recorder

LAST_WORDS_S = 10.0
"""How long a worker that is being ended is heard out."""
AT_THE_DOOR = 64
KNOCK_S = 10.0
"""How long somebody may take to show the token, in all."""
_TOKEN_BYTES = 32
_LOOK_S = 0.1
# Where descriptors have run out, who waits at the door stays there and is told of at once, again and again.
_PAUSE_S = 0.2


class SinkServer:
    """Repeats on ``sink`` what is sent to ``ear``, in threads of its own; nobody without its token is heard.

    A context manager. When the block ends, what came before has been repeated.

    Args:
        host: address of this machine at which the workers reach it. The port is a free one.
        sink: of this process.
    """

    def __init__(self, host: str, sink: Recorder) -> None:
        token = secrets.token_bytes(_TOKEN_BYTES)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, 0), family=family, backlog=AT_THE_DOOR)
        self.ear = Ear(host, listening.getsockname()[1], token)
        self._talks = _Talks(sink)
        self._door = _Door(listening, token, self._talks.begin)
        self._is_open = threading.Event()
        self._is_open.set()
        self._thread = threading.Thread(target=self._keep_the_door, name="bongsu-sink", daemon=True)

    def __enter__(self) -> SinkServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open.clear()
        self._thread.join()
        self._talks.hear_out(LAST_WORDS_S)

    def _keep_the_door(self) -> None:
        while self._is_open.is_set():
            self._door.attend(_LOOK_S)
        self._door.close()


@dataclass
class _Guest:
    """Somebody at the door: until when they may stay, and what they have shown."""

    until: float
    shown: bytes = field(default=b"", repr=False)


class _Door:
    """Where everybody comes to who does not talk yet. Used by one thread.

    Args:
        listening: where they come.
        token: what they have to show.
        begin: is given the line of each that has shown it.
    """

    def __init__(self, listening: socket.socket, token: bytes, begin: Callable[[socket.socket], None]) -> None:
        self._listening = listening
        self._token = token
        self._begin = begin
        self._guests: dict[socket.socket, _Guest] = {}
        listening.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ)

    def attend(self, seconds: float) -> None:
        """See to whoever comes, or shows something, within so long; and to who has been here for too long."""
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._listening:
                self._let_in()
            else:
                self._look_at(cast(socket.socket, key.fileobj))
        now = time.monotonic()
        for line in [line for line, guest in self._guests.items() if guest.until < now]:
            self._show_out(line)

    def close(self) -> None:
        """A worker that was killed may have knocked and spoken before: whoever waits is looked at once."""
        self._let_in()
        for line in list(self._guests):
            self._look_at(line)
        for line in list(self._guests):
            self._show_out(line)
        self._selector.close()
        self._listening.close()

    def _let_in(self) -> None:
        """Everybody who waits. Where there is no more room the first to have come goes, who has had most time."""
        for _ in range(AT_THE_DOOR):
            try:
                line, _address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError:
                time.sleep(_PAUSE_S)
                return
            line.setblocking(False)
            if len(self._guests) >= AT_THE_DOOR:
                self._show_out(next(iter(self._guests)))
            self._guests[line] = _Guest(time.monotonic() + KNOCK_S)
            self._selector.register(line, selectors.EVENT_READ)

    def _look_at(self, line: socket.socket) -> None:
        """Before anything is unpickled: a pickle can run code."""
        guest = self._guests.get(line)
        if guest is None:  # shown out since they were seen to have something
            return
        try:
            given = line.recv(_TOKEN_BYTES - len(guest.shown))
        except BlockingIOError:
            return
        except OSError:
            given = b""
        guest.shown += given
        if given and len(guest.shown) < _TOKEN_BYTES:
            return
        if not hmac.compare_digest(guest.shown, self._token):
            self._show_out(line)
            return
        self._forget(line)
        line.setblocking(True)
        self._begin(line)

    def _show_out(self, line: socket.socket) -> None:
        self._forget(line)
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()

    def _forget(self, line: socket.socket) -> None:
        self._selector.unregister(line)
        del self._guests[line]


class _Talks:
    """Workers that are being heard."""

    def __init__(self, sink: Recorder) -> None:
        self._sink = sink
        self._silence = threading.Condition()
        self._talking = 0

    def begin(self, line: socket.socket) -> None:
        with self._silence:
            self._talking += 1
        threading.Thread(target=self._hear, args=(line,), name="bongsu-sink-talk", daemon=True).start()

    def hear_out(self, seconds: float) -> None:
        """Wait until all have hung up."""
        with self._silence:
            self._silence.wait_for(lambda: self._talking == 0, seconds)

    def _hear(self, line: socket.socket) -> None:
        try:
            with line, line.makefile("rb") as stream:
                while (parcel := _next(cast(BinaryIO, stream))) is not None:
                    for call in parcel.calls:
                        call.repeat(self._sink.earlier(parcel.sent_at - call.at))
        finally:
            with self._silence:
                self._talking -= 1
                self._silence.notify_all()


def _next(stream: BinaryIO) -> Parcel | None:
    """None at the end, also in the midst of a parcel: whoever sent it is no more."""
    try:
        parcel: Parcel = pickle.load(stream)
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
    return parcel
