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
# A machine out of descriptors takes nobody in, and does not say so but once.
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
        self._door = socket.create_server((host, 0), family=family, backlog=AT_THE_DOOR)
        self._door.setblocking(False)
        self.ear = Ear(host, self._door.getsockname()[1], token)
        self._talks = _Talks(sink)
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
        with self._door, selectors.DefaultSelector() as selector:
            selector.register(self._door, selectors.EVENT_READ)
            guests: dict[socket.socket, _Guest] = {}
            while self._is_open.is_set():
                for key, _ in selector.select(_LOOK_S):
                    if key.fileobj is self._door:
                        self._let_in(selector, guests)
                    else:
                        self._look_at(selector, guests, cast(socket.socket, key.fileobj))
                self._show_out_slow(selector, guests)
            # A worker that was killed may have knocked and spoken before: whoever waits is looked at once.
            self._let_in(selector, guests)
            for line in list(guests):
                self._look_at(selector, guests, line)
            for line in list(guests):
                _show_out(selector, guests, line)

    def _let_in(self, selector: selectors.BaseSelector, guests: dict[socket.socket, _Guest]) -> None:
        """Everybody who waits, but no more than there is room for: the first to have come has had most time."""
        for _ in range(AT_THE_DOOR):
            try:
                line, _address = self._door.accept()
            except BlockingIOError:
                return
            except OSError:
                time.sleep(_PAUSE_S)
                return
            line.setblocking(False)
            if len(guests) >= AT_THE_DOOR:
                _show_out(selector, guests, next(iter(guests)))
            guests[line] = _Guest(time.monotonic() + KNOCK_S)
            selector.register(line, selectors.EVENT_READ)

    def _look_at(
        self, selector: selectors.BaseSelector, guests: dict[socket.socket, _Guest], line: socket.socket
    ) -> None:
        """Before anything is unpickled: a pickle can run code."""
        guest = guests.get(line)
        if guest is None:
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
        if not hmac.compare_digest(guest.shown, self.ear.token):
            _show_out(selector, guests, line)
            return
        selector.unregister(line)
        del guests[line]
        line.setblocking(True)
        self._talks.begin(line)

    def _show_out_slow(self, selector: selectors.BaseSelector, guests: dict[socket.socket, _Guest]) -> None:
        now = time.monotonic()
        for line in [line for line, guest in guests.items() if guest.until < now]:
            _show_out(selector, guests, line)


@dataclass
class _Guest:
    """Somebody at the door: until when they may stay, and what they have shown."""

    until: float
    shown: bytes = field(default=b"", repr=False)


def _show_out(selector: selectors.BaseSelector, guests: dict[socket.socket, _Guest], line: socket.socket) -> None:
    selector.unregister(line)
    del guests[line]
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


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
