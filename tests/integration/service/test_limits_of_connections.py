"""Connections that are slow, and requests that are large or many, at a real server's sockets."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from served_process import ServedProcess, served

from bongsu.api.connections import HEAD_S, MOST_HEAD_BYTES
from bongsu.api.requests import BODY_PAUSE_S, MOST_BYTES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    with served(tmp_path_factory.mktemp("server")) as made:
        yield made


def read_all(connection: socket.socket) -> bytes:
    """Until the server closes."""
    said = b""
    try:
        while more := connection.recv(65536):
            said += more
    except ConnectionResetError:
        pass
    return said


def test_a_head_that_never_ends_is_refused_before_it_is_long(server: ServedProcess) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: ")
        sent = 0
        try:
            for _ in range(400):
                connection.sendall(b"a" * 4096)
                sent += 4096
                time.sleep(0.001)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 10 * MOST_HEAD_BYTES
        said = read_all(connection)
    assert said == b"" or said.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("where", ["address", "header"])
def test_a_head_that_is_too_large_is_told_so(server: ServedProcess, where: str) -> None:
    long = "a" * (MOST_HEAD_BYTES + 1)
    address, header = (f"/v1/runs?filter={long}", "x") if where == "address" else ("/v1/runs", long)
    with server.connect() as connection:
        connection.sendall(f"GET {address} HTTP/1.1\r\nhost: x\r\nx-long: {header}\r\n\r\n".encode())
        said = connection.recv(65536)
    assert said.startswith(b"HTTP/1.1 431 ")


def test_one_that_is_as_large_as_it_may_be_is_answered(server: ServedProcess) -> None:
    with server.client() as client:
        assert client.get("/v1/runs", headers={"x-long": "a" * (MOST_HEAD_BYTES - 2000)}).status_code == 200
        refused = client.get("/v1/runs", headers={"x-long": "a" * (MOST_HEAD_BYTES - 50)})
    assert refused.status_code == 431
    assert refused.json()["code"] == "api.head-too-large"


def test_whoever_says_nothing_or_half_a_head_is_let_go_of(server: ServedProcess) -> None:
    with server.connect() as silent, server.connect() as slow, server.connect() as again:
        began = time.monotonic()
        slow.sendall(b"GET /healthz HTTP/1.1\r\nhost:")
        again.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert again.recv(65536).startswith(b"HTTP/1.1 200")
        again.sendall(b"GET /heal")  # a second one, on a connection that was good for one
        for connection in (silent, slow, again):
            connection.settimeout(HEAD_S + 5)
            assert b"HTTP/1.1 408 " in read_all(connection)
        assert HEAD_S - 1 < time.monotonic() - began < HEAD_S + 5
    with server.client() as client:
        assert client.get("/healthz").status_code == 200


def test_a_body_that_does_not_come_is_given_up(server: ServedProcess) -> None:
    head = "POST /v1/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer kim\r\ncontent-type: application/json\r\n"
    with server.connect() as connection:
        connection.settimeout(BODY_PAUSE_S + 10)
        connection.sendall((head + 'content-length: 100\r\naccept-language: en\r\n\r\n{"text":').encode())
        said = b""
        while not said.endswith(b"}"):
            said += connection.recv(65536)
    assert said.startswith(b"HTTP/1.1 408")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["code"] == "api.too-slow"


@pytest.mark.parametrize("is_stated", [True, False])
def test_a_body_that_is_too_large_is_refused(server: ServedProcess, is_stated: bool) -> None:
    body = b"a" * (MOST_BYTES + 1)

    def pieces() -> Iterator[bytes]:
        for begin in range(0, len(body), 65536):
            yield body[begin : begin + 65536]

    with server.client() as client:
        response = client.post("/v1/runs", content=body if is_stated else pieces())
    assert response.status_code == 413
    assert response.json()["code"] == "api.too-large"


def test_an_upgrade_to_another_protocol_is_not_made(server: ServedProcess) -> None:
    headers = {
        "upgrade": "websocket",
        "connection": "upgrade",
        "sec-websocket-key": "eA==",
        "sec-websocket-version": "13",
    }
    with server.client() as client:
        assert client.get("/healthz", headers=headers).status_code in (200, 400)
        assert client.get("/healthz").status_code == 200
