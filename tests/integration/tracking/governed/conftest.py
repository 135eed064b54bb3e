"""One server for each database, for all tests of the mount."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from governed_ids import World, find_ids
from governed_postgres import database_of
from governed_server import serving


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """MLflow of two ministries, with everything that ``governed_world`` tells of."""
    home: Path = tmp_path_factory.mktemp(f"governed-{request.param}")
    with database_of(request.param, home) as database, serving(home, database) as server:
        yield World(server, database, find_ids(server))
