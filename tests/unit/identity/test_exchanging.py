"""Exchanges with a provider that does its worst: they end in time, in little memory, and are few."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from private_authority import loopback_certificate

from bongsu.identity.exchanging import MAX_ANSWER_BYTES, MOST_AT_ONCE, Exchanges, FetchError, Line, provider_client

LIMIT_S = 0.5
Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk) -> Iterator[str]:
    """Where each connection is talked to in a thread of its own."""
    threads: list[threading.Thread] = []

    def taken(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            talk(connection)

    def take() -> None:
        with contextlib.suppress(OSError):
            while True:
                thread = threading.Thread(target=taken, args=(listening.accept()[0],))
                threads.append(thread)
                thread.start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        taking = threading.Thread(target=take)
        taking.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for one in (taking, *threads):
                one.join(10)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return loopback_certificate(tmp_path)


@pytest.fixture
def exchanges(certificate: tuple[Path, Path]) -> Iterator[Exchanges]:
    with provider_client(ssl.create_default_context(cafile=certificate[0])) as client:
        yield Exchanges(client, LIMIT_S)


def asking() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "identity-provider"]


def gone_within(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while asking() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not asking()


def drip(first: bytes) -> Talk:
    """Each byte comes in time, and all of them never do; for 20 seconds, or until nobody listens."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(400):
            time.sleep(0.05)
            connection.sendall(b"\0" if first.startswith(b"\x16") else b"1")

    return talk


@pytest.mark.parametrize(
    ("scheme", "first"),
    [
        ("http", b"HTTP/1.1 200 OK\r\nx: "),
        ("http", b"HTTP/1.1 200 OK\r\n\r\n"),
        # The head of a record of TLS, whose 16 KiB follow one by one.
        ("https", b"\x16\x03\x03\x40\x00\x02"),
    ],
)
def test_a_provider_that_drips_holds_no_thread_and_no_connection(
    exchanges: Exchanges, scheme: str, first: bytes
) -> None:
    with server(drip(first)) as place:
        began = time.monotonic()
        with pytest.raises(FetchError, match="slow"):
            exchanges.ask("GET", f"{scheme}://{place}/keys")
        assert time.monotonic() - began < LIMIT_S + 2
        assert gone_within(2)


def test_nor_does_one_that_drips_within_tls(exchanges: Exchanges, certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    dripping = drip(b"HTTP/1.1 200 OK\r\nx: ")

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            dripping(secured)

    with server(talk) as place:
        with pytest.raises(FetchError, match="slow"):
            exchanges.ask("GET", f"https://{place}/keys")
        assert gone_within(2)


def test_a_line_that_was_cut_before_it_was_connected_is_cut_then() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line()
        line.cut()
        stream = _Stream(ours)
        line.note("connection.connect_tcp.complete", {"return_value": stream})
        theirs.settimeout(5)
        assert theirs.recv(1) == b""
        line.close()


class _Stream:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def get_extra_info(self, name: str) -> socket.socket | None:
        return self._connection if name == "socket" else None


def test_a_small_answer_that_unpacks_to_much_is_refused_as_it_is(exchanges: Exchanges) -> None:
    packed = gzip.compress(gzip.compress(bytes(64 << 20)))
    heads: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heads.append(connection.recv(65536))
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        connection.sendall(head.encode() + packed)

    with server(talk) as place:
        tracemalloc.start()
        try:
            with pytest.raises(FetchError, match="packed"):
                exchanges.ask("GET", f"http://{place}/keys")
            _now, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(packed) < 4096
    assert most < 8 << 20
    assert b"accept-encoding: identity\r\n" in heads[0].lower()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x-own"])
def test_no_coding_is_taken_but_none(coding: str) -> None:
    transport = httpx.MockTransport(
        lambda _request: httpx.Response(200, headers={"Content-Encoding": coding}, stream=httpx.ByteStream(b"{}"))
    )
    with httpx.Client(transport=transport) as client, pytest.raises(FetchError, match="packed"):
        Exchanges(client, LIMIT_S).ask("GET", "https://login.example/keys")


@pytest.mark.parametrize(("length", "is_taken"), [(MAX_ANSWER_BYTES, True), (MAX_ANSWER_BYTES + 1, False)])
def test_an_answer_has_its_length(length: int, is_taken: bool) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=httpx.ByteStream(b" " * length)))
    with httpx.Client(transport=transport) as client:
        exchanges = Exchanges(client, LIMIT_S)
        if is_taken:
            assert exchanges.ask("GET", "https://login.example/keys") == (200, b" " * length)
        else:
            with pytest.raises(FetchError, match="too long"):
                exchanges.ask("GET", "https://login.example/keys")


def test_few_wait_for_one_provider_and_others_are_told_at_once() -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def answer(_request: httpx.Request) -> httpx.Response:
        begun.release()
        assert go_on.wait(30)
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        slow, other = Exchanges(client, 30.0), Exchanges(client, 30.0)
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.append(slow.ask("GET", "https://login.example/keys")[0]))
            for _ in range(MOST_AT_ONCE)
        ]
        for one in threads:
            one.start()
            assert begun.acquire(timeout=10)
        with pytest.raises(FetchError, match="under way"):
            slow.ask("GET", "https://login.example/keys")
        go_on.set()
        assert other.ask("GET", "https://login.example/keys") == (200, b"{}")
        for one in threads:
            one.join(10)
        assert found == [200] * MOST_AT_ONCE
        assert slow.ask("GET", "https://login.example/keys") == (200, b"{}"), "places are given back"
