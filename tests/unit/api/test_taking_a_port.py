"""The port of a server: taken at its start, open once it answers."""

from __future__ import annotations

import socket

import pytest

from bongsu.api.serving import listen
from bongsu.domain.problems import BongsuError


def test_until_the_server_is_ready_whoever_comes_is_sent_away() -> None:
    with listen("127.0.0.1", 0) as taken:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(taken.getsockname(), timeout=5)
        taken.listen()
        socket.create_connection(taken.getsockname(), timeout=5).close()


def test_a_port_at_which_somebody_answers_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(BongsuError, match=r"api\.port-taken"):
        listen("127.0.0.1", other.getsockname()[1])
