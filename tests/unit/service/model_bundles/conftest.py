"""A house that gives a model away, and one that takes it in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_places import Giver
from governed_places import GovernedPlace

from bongsu.domain.labels import Label


@pytest.fixture
def giver(tmp_path: Path) -> Iterator[Giver]:
    """Of a model ``axk1/1`` with the label ``S/logistics``, whose transfer to the army was approved."""
    (tmp_path / "giver").mkdir()
    made = Giver(tmp_path / "giver", Label.parse("S/logistics"))
    yield made
    made.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[GovernedPlace]:
    """Of the army."""
    (tmp_path / "house").mkdir()
    made = GovernedPlace(tmp_path / "house")
    yield made
    made.close()
