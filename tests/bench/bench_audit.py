"""What the audit log costs: ``python tests/bench/bench_audit.py``.

A submission with its entry beside one without it, on SQLite and on PostgreSQL; sides take turns, medians are printed.
Then how fast a log grows, is exported and verified offline. Target: an entry makes a submission at most half as long
again.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

sys.path.append(str(Path(__file__).parents[1] / "support"))

from audit_places import KEYS, MND, Logs, auditor, events, logs_over
from database_places import fresh_database
from postgres_server import running_server
from small_plans import plan_of, stage
from store_places import store_at
from targets import settle

from bongsu.service.audit.verdict import Trust
from bongsu.service.audit.verifying import verify
from bongsu.service.submitting import submit
from bongsu.store.database import Database

# Of a submission without an entry.
TARGET = 1.5
SUBMISSIONS = 150
ENTRIES = 20_000


def submissions(logs: Logs) -> tuple[float, float]:
    """Seconds of a submission with an entry, and without; medians."""
    plans = [
        plan_of(*(stage(f"s{number}-{side}-{n}") for n in range(5)))
        for number in range(SUBMISSIONS)
        for side in "ab"
    ]
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number, plan in enumerate(plans):
        is_recorded = number % 2 == 0
        with ExitStack() as stack:
            if not is_recorded:
                stack.enter_context(patch("bongsu.service.submitting.append_all"))
            begin = time.perf_counter()
            submit(logs.platform, plan)
            seconds[is_recorded].append(time.perf_counter() - begin)
    return statistics.median(seconds[True]), statistics.median(seconds[False])


def measure(name: str, database: Database, folder: Path) -> float:
    recorded, bare = submissions(logs_over(database, folder))
    print(f"{name}: a submission {recorded * 1000:.2f} ms with its entry, {bare * 1000:.2f} ms without")
    return recorded / bare


def timed(what: str, work: Callable[[], object]) -> None:
    begin = time.perf_counter()
    work()
    print(f"{what}: {ENTRIES / (time.perf_counter() - begin):,.0f} entries a second")


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    database = store_at(folder)
    yield database
    database.close()


def main() -> None:
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sqlite(folder) as database:
            ratios.append(measure("SQLite", database, folder))
            logs, bundle = logs_over(database, folder), folder / "log.jsonl"
            timed("append, in one transaction", lambda: logs.add(*events(ENTRIES)))
            timed("export", lambda: bundle.write_text("".join(logs.bundle(auditor()))))
            print(f"bundle: {bundle.stat().st_size / ENTRIES:.0f} bytes an entry")
            timed("verify", lambda: verify(bundle, Trust(KEYS.public(MND))))
        with running_server(careless=False) as server, fresh_database(server) as database:
            ratios.append(measure("PostgreSQL", database, folder))
    missed = [f"{ratio:.2f} of a submission without an entry" for ratio in ratios if ratio > TARGET]
    settle(missed)


if __name__ == "__main__":
    main()
