"""Where the process that started a gang hears what its first worker tells (:class:`RemoteSink`), over TCP.

A queue of Ray would be an actor: a process more, which looks for signals a hundred times a second and so takes 1% of
a small machine's training (docs/adr/0013-gangs-without-helpers.md).
"""

from __future__ import annotations

import hmac
import pickle
import secrets
import socket
import socketserver
import threading
from types import TracebackType
from typing import Any, BinaryIO, cast

from bongsu_stages.train.sink import Call, Ear, Sink

LAST_WORDS_S = 10.0
"""How long a worker that is being ended is heard out."""
_TOKEN_BYTES = 32
_KNOCK_S = 10.0


class SinkServer:
    """Repeats on ``sink`` what is sent to ``ear``, in a thread of its own; nobody without its token is heard.

    A context manager. When the block ends, what came before has been repeated.

    Args:
        host: address of this machine at which the workers reach it. The port is a free one.
        sink: of this process.
    """

    def __init__(self, host: str, sink: Sink) -> None:
        token = secrets.token_bytes(_TOKEN_BYTES)
        self._server = _Server(host, token, sink)
        self.ear = Ear(host, self._server.server_address[1], token)

    def __enter__(self) -> SinkServer:
        threading.Thread(target=self._server.serve_forever, name="bongsu-sink", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.hear_out(LAST_WORDS_S)
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, host: str, token: bytes, sink: Sink) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.token = token
        self.sink = sink
        self._silence = threading.Condition()
        self._talking = 0
        self._is_door_free = False
        super().__init__((host, 0), _Handler)

    def hear_out(self, seconds: float) -> None:
        """Let in whoever waits at the door, and wait until all have hung up."""
        self.timeout = 0
        while not self._is_door_free:
            self.handle_request()
        with self._silence:
            self._silence.wait_for(lambda: self._talking == 0, seconds)

    def handle_timeout(self) -> None:
        self._is_door_free = True

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._silence:
            self._talking += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._silence:
            self._talking -= 1
            self._silence.notify_all()


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        if not self._is_known():
            return
        while (calls := _next(cast(BinaryIO, self.rfile))) is not None:
            for name, arguments, keywords in calls:
                getattr(self.server.sink, name)(*arguments, **keywords)

    def _is_known(self) -> bool:
        """Before anything is unpickled: a pickle can run code."""
        self.connection.settimeout(_KNOCK_S)
        try:
            given = self.rfile.read(_TOKEN_BYTES)
        except OSError:
            return False
        self.connection.settimeout(None)
        return hmac.compare_digest(given, self.server.token)


def _next(stream: BinaryIO) -> list[Call] | None:
    """None at the end, also in the midst of a parcel: whoever sent it is no more."""
    try:
        calls: list[Call] = pickle.load(stream)
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
    return calls
