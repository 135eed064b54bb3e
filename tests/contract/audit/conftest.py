"""A platform over each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_places import Logs, logs_over

from bongsu.store.database import Database


@pytest.fixture
def logs(database: Database, tmp_path: Path) -> Logs:
    return logs_over(database, tmp_path)
