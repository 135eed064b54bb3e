"""The stages that a server has."""

from __future__ import annotations

from urllib.parse import quote

from bongsu.client.http import Server
from bongsu.service.stages_described import StageDescribed

_PATH = "/v1/stages"


def stages_at(server: Server) -> list[StageDescribed]:
    """By name."""
    return list(server.pages(_PATH, StageDescribed))


def stage_at(server: Server, name: str) -> StageDescribed:
    """Raises ``cli.unknown-stage``."""
    return server.get(f"{_PATH}/{quote(name, safe='')}", StageDescribed)
