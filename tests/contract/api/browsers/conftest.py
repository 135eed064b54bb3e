"""A server that people sign in to with a browser, over each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_places import Browser, BrowserPlace

from bongsu.store.database import Database


@pytest.fixture
def place(database: Database, tmp_path: Path) -> BrowserPlace:
    return BrowserPlace(database, tmp_path)


@pytest.fixture
def browser(place: BrowserPlace) -> Iterator[Browser]:
    with (made := place.browser()).http:
        yield made
