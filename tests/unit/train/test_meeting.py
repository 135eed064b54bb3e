"""Where torch listens for a gang."""

from __future__ import annotations

import socket
from datetime import timedelta

import psutil
import torch.distributed as dist

from bongsu_stages.train.meeting import hold_store, interface_of

WAIT = timedelta(seconds=30)


def test_the_store_listens_at_the_address_of_its_socket_alone() -> None:
    port = hold_store(socket.create_server(("127.0.0.1", 0)), 2, WAIT)
    other = dist.TCPStore("127.0.0.1", port, 2, is_master=False, timeout=WAIT)
    other.set("rank", "1")
    assert dist.TCPStore("127.0.0.1", port, 2, is_master=False, timeout=WAIT).get("rank") == b"1"
    open_at = [line.laddr for line in psutil.Process().net_connections() if line.status == "LISTEN"]
    assert [line.ip for line in open_at if line.port == port] == ["127.0.0.1"]


def test_an_interface_is_found_by_its_address() -> None:
    assert interface_of("127.0.0.1") == next(
        name for name, held in psutil.net_if_addrs().items() if any(one.address == "127.0.0.1" for one in held)
    )
    assert interface_of("192.0.2.1") is None, "an address of documentation is nobody's"
