"""An address of a Ray that is none, or where nobody is, is told at once."""

from __future__ import annotations

import socket

import pytest

from bongsu.executors.local_ray.session import RaySettings, connect


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "127.0.0.1:0", "somewhere:port"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        connect(RaySettings(address), {})


def test_where_nobody_listens_nobody_waits() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        connect(RaySettings(f"127.0.0.1:{port}"), {})
