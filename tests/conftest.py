"""What holds for every test."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from database_places import database, own_postgres, postgres, small_database
from hypothesis import settings
from shared_work import ByPlace, longest_first

# Where several tests share the cores, threads of torch that wait for each other by spinning take them from whom they
# wait for: three times the work, and the same results. Read by libgomp as it is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

# Who starts the tests by nohup, or in the background of a shell, has them ignore these signals, and what tests start
# would do so too. With a handler they are ignored here as before, and are what they are to a new program.
for _kind in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_kind) is signal.SIG_IGN:
        signal.signal(_kind, lambda _number, _frame: None)

# Fixtures for every test: a store on each kind of database.
__all__ = ["database", "own_postgres", "postgres", "small_database"]

# How long one example takes says more about the machine's other work than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the tests (``pytest -n``), they are told apart by their ids: of several with one id a
    single one would run, and nothing would say so."""
    several = [found for found, times in Counter(item.nodeid for item in items).items() if times > 1]
    if not hasattr(config, "workerinput"):
        return
    if several:
        raise pytest.UsageError(f"These tests have one id, so run them in one process: {', '.join(several)}")
    longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return ByPlace(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    """A command that gives way to a server leaves its process with another umask; the next test is another process to
    it."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
