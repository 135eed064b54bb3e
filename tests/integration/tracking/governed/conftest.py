"""One server for each database, for all tests of the mount."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from governed_ids import World, find_ids
from governed_postgres import is_installed, postgres
from governed_server import serving


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """MLflow of two ministries, with everything that ``governed_world`` tells of."""
    home: Path = tmp_path_factory.mktemp(f"governed-{request.param}")
    with ExitStack() as stack:
        if request.param == "postgresql":
            if not is_installed():
                pytest.skip("PostgreSQL is not installed")
            database = stack.enter_context(postgres())
        else:
            database = f"sqlite:///{home / 'mlflow.db'}"
        server = stack.enter_context(serving(home, database))
        yield World(server, database, find_ids(server))
