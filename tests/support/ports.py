"""Ports of this machine that nobody listens at."""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """Drawn by the system; somebody else may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
