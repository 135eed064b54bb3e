"""Connections that are too slow, or whose requests have heads without an end: let go of before they cost anything; and
those whose answers nobody reads, for each holds a place that others wait for."""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# Of the line and the headers of a request: what proxies commonly allow, with room for a token of 16 KiB.
MOST_HEAD_BYTES = 64 * 1024
# From the beginning of a connection, or of a further request on it, until the head is there.
HEAD_S = 10.0
# In which no byte of an answer was taken, while some wait.
READ_PAUSE_S = 60.0
# After an answer, for the rest of a body that nobody waits for: whoever is still sending it hears the answer first.
REST_S = 10.0


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's, which itself waits for ever: for a head, however long it becomes, and for a reader."""

    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None
    _rest_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_in_head = True
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_reading_timer()
        self._stop_rest_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        self._stop_reading_timer()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._is_in_head:
            self._is_in_head, self._head_bytes = True, 0
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._stop_rest_timer()

    def on_response_complete(self) -> None:
        answered = self.cycle
        super().on_response_complete()
        if answered.more_body and self._rest_timer is None and not self.transport.is_closing():
            self._rest_timer = self.loop.call_later(REST_S, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(431)  # the parser of addresses gives up at about the same length
        else:
            super().send_400_response(msg)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._refuse, 408)

    def _await_reader(self) -> None:
        self._read_timer = self.loop.call_later(READ_PAUSE_S, self._look_at_reader, self._unread())

    def _unread(self) -> int:
        """Bytes that the other side has not taken: the kernel's megabytes, too, which a slow reader takes first."""
        queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        return self.transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)

    def _look_at_reader(self, unread: int) -> None:
        """However slowly it reads, it may go on."""
        if self._unread() < unread:
            self._await_reader()
        else:
            self.transport.abort()

    def _stop_reading_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _stop_rest_timer(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int) -> None:
        """Say why, unless an earlier request is still being answered, and close."""
        self._stop_timer()
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
