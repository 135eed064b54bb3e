"""Two transactions at once, of which the first is written only when the second has done what it can beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from sqlalchemy import Connection

from bongsu.store.database import Database

Act = Callable[[Connection], Any]
# How long the second is watched: by then it is through, or stands and waits for the first.
BESIDE_S = 0.3


def at_once(database: Database, first: Act, second: Act) -> tuple[Any, Any]:
    """What both return, in transactions of their own. Raises what either raises."""
    with ThreadPoolExecutor(2) as pool:
        has_acted, may_commit = threading.Event(), threading.Event()

        def lead() -> Any:
            with database.write() as connection:
                try:
                    found = first(connection)
                finally:
                    has_acted.set()
                assert may_commit.wait(30)
                return found

        def follow() -> Any:
            assert has_acted.wait(30)
            with database.write() as connection:
                return second(connection)

        one, other = pool.submit(lead), pool.submit(follow)
        wait([other], timeout=BESIDE_S)
        may_commit.set()
        return one.result(30), other.result(30)
