"""What holds for every test."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from database_places import database, postgres, small_database
from hypothesis import settings

# Fixtures for every test: a store on each kind of database.
__all__ = ["database", "postgres", "small_database"]

# How long one example takes says more about the machine's other work than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the tests (``pytest -n``), they are told apart by their ids: of several with one id a
    single one would run, and nothing would say so."""
    several = [found for found, times in Counter(item.nodeid for item in items).items() if times > 1]
    if several and hasattr(config, "workerinput"):
        raise pytest.UsageError(f"These tests have one id, so run them in one process: {', '.join(several)}")


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    """A command that gives way to a server leaves its process with another umask; the next test is another process to
    it."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
