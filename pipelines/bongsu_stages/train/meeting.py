"""Where the workers of a gang meet.

Ray Train has torch listen for them at every address of the machine. Here the rendezvous and the connections of gloo and
NCCL lie at the address at which Ray knows the worker's node: loopback, where Ray listens there alone.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psutil
import ray
import torch.distributed as dist
from ray.train.torch import TorchConfig
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # documented, and in no list of names

_INTERFACE_SETTINGS = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
_held: list[TCPStore] = []
"""Stores that this process keeps open for the others of its gang; a worker of Ray Train serves one gang and ends."""


@dataclass(frozen=True)
class Place:
    """Address and port at which a gang of ``size`` workers meets, and for how long one waits for another, in
    seconds."""

    host: str
    port: int
    size: int
    timeout_s: float

    @property
    def timeout(self) -> timedelta:
        return timedelta(seconds=self.timeout_s)


class GangConfig(TorchConfig):  # type: ignore[misc]  # Ray Train has no types
    """``TorchConfig``, but for where the workers listen."""

    @property
    def backend_cls(self) -> type:
        class Meeting(super().backend_cls):  # type: ignore[misc]  # as above
            def on_start(self, worker_group: Any, backend_config: TorchConfig) -> None:
                size = len(worker_group)
                place = worker_group.execute_single(0, open_place, size, backend_config.timeout_s)
                ray.get(
                    [
                        worker_group.execute_single_async(rank, join, place, rank, backend_config.backend)
                        for rank in range(size)
                    ]
                )

        return Meeting


def open_place(size: int, timeout_s: float) -> Place:
    """In the first worker: listen for the others at its node's address."""
    host = ray.util.get_node_ip_address()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    port = hold_store(socket.create_server((host, 0), family=family), size, timedelta(seconds=timeout_s))
    return Place(host, port, size, timeout_s)


def hold_store(listener: socket.socket, size: int, timeout: timedelta) -> int:
    """Serve torch's store at a socket that listens, as long as this process lives; its port."""
    host, port = listener.getsockname()[:2]
    store = TCPStore(
        host,
        port,
        size,
        is_master=True,
        timeout=timeout,
        wait_for_workers=False,
        master_listen_fd=listener.detach(),
    )
    _held.append(store)
    return int(port)


def join(place: Place, rank: int, backend: str) -> None:
    """In each worker: wait until all are there. What an operator says of interfaces counts first."""
    interface = interface_of(ray.util.get_node_ip_address())
    for name in _INTERFACE_SETTINGS:
        if interface:
            os.environ.setdefault(name, interface)
    store = TCPStore(place.host, place.port, place.size, is_master=False, timeout=place.timeout)
    dist.init_process_group(backend=backend, store=store, rank=rank, world_size=place.size, timeout=place.timeout)


def interface_of(address: str) -> str | None:
    """Name of this machine's network interface that has an address; None where none has it."""
    for name, addresses in psutil.net_if_addrs().items():
        # An address of IPv6 that holds on one link names its interface behind a percent sign.
        if any(one.address.partition("%")[0] == address for one in addresses):
            return name
    return None
