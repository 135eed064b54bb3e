"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from database_places import database, postgres, small_database
from hypothesis import settings

# Fixtures for every test: a store on each kind of database.
__all__ = ["database", "postgres", "small_database"]

# How long one example takes says more about the machine's other work than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    """A command that gives way to a server leaves its process with another umask; the next test is another process to
    it."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
