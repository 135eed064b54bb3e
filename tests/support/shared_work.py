"""Which process runs which tests, and when, where several share them (``pytest -n 2 --dist loadfile``)."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Folders whose files share something that takes long to begin: a site, servers with models in them.
TOGETHER = ("tests/integration/runbooks/", "tests/integration/tracking/governed/")
# What takes minutes begins first, so that no process ends long before another.
LONGEST = (
    "tests/e2e/",
    *TOGETHER,
    "tests/integration/service/test_kills_under_load.py",
    "tests/integration/planner/",
    "tests/integration/",
    "tests/contract/",
)


class ByPlace(LoadFileScheduling):  # type: ignore[misc]
    """The tests of a file stay together, and those of some folders; they are begun in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
        return folder or str(super()._split_scope(nodeid))


def longest_first(items: list[pytest.Item]) -> None:
    """Orders them by what their modules are; within a module they stay as they are."""

    def rank(item: pytest.Item) -> int:
        return next((n for n, place in enumerate(LONGEST) if item.nodeid.startswith(place)), len(LONGEST))

    items.sort(key=rank)
