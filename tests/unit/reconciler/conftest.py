"""What tests of deliveries begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deliveries import IMPATIENT, BrokenDatabase, Server, Store
from store_places import store_at

from bongsu.reconciler.delivery import Delivery
from bongsu.store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[BrokenDatabase]:
    opened = store_at(tmp_path)
    yield BrokenDatabase(opened.engine)
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "artifacts")


@pytest.fixture
def made(database: Database, store: Store) -> Iterator[Callable[[Server], Delivery]]:
    """Makes deliveries, which end with the test."""
    open_ones: list[Delivery] = []

    def make(server: Server) -> Delivery:
        open_ones.append(Delivery(database, server, lambda _tenant: store, IMPATIENT))
        return open_ones[-1]

    yield make
    for one in open_ones:
        one.close()
