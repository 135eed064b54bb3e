"""A place that ministries share, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from governed_places import GovernedPlace


@pytest.fixture
def governed(tmp_path: Path) -> Iterator[GovernedPlace]:
    """With a permitted use and data, and a model ``axk1/1``."""
    made = GovernedPlace(tmp_path)
    made.permit_use()
    made.permit_data()
    made.register()
    yield made
    made.close()
