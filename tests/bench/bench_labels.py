"""What labels cost when a stage ends and when one rises: ``python tests/bench/bench_labels.py [--runs 100 3000]``.

On a real PostgreSQL: runs that took one tree and made something of it, each an own one. Then one more stage that took
it ends, in the driver's transaction, which holds the labels: of a tree that is labelled S, and beside it of one that is
open, where there is nothing to carry on. And somebody states that the tree of all these runs is S, so that each of them
rises with what it made. Statements and seconds of each. Target: a stage's end asks as much beside many runs as beside
few.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from database_places import fresh_database
from earlier_runs import begin_last, end_last, fill
from postgres_server import running_server
from query_plans import asked
from small_plans import ref_of
from store_places import NOW
from targets import settle

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import Database

SENSITIVE = Label(grade=Grade.SENSITIVE)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 3000])
    given = parser.parse_args()
    ends = set()
    with running_server(careless=False) as server, fresh_database(server) as database:
        for runs in given.runs:
            for label in (SENSITIVE, OPEN):
                begin_last(database, fill(database, runs, label))
                name = f"a stage ends, input {label}"
                ends.add((label, measured(database, runs, name, lambda label=label: end(database, label))))
            tree = fill(database, runs, OPEN)
            measured(database, runs, "its label rises, O to S", lambda tree=tree: rise(database, tree))
    several = len({label for label, _ in ends}) < len(ends)
    settle(["a stage's end asks more beside more runs"] if several else [])


def end(database: Database, label: Label) -> None:
    end_last(database, [ref_of("last", label=label)])


def rise(database: Database, tree: ArtifactRef) -> None:
    with database.write() as connection:
        note_artifact(connection, tree.model_copy(update={"label": SENSITIVE}), "given", NOW)


def measured(database: Database, runs: int, name: str, act: Callable[[], None]) -> int:
    """How many statements it takes."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    began = time.perf_counter()
    with asked(database) as statements:
        act()
    took = time.perf_counter() - began
    print(f"{runs:6} earlier runs: {name:24} {len(statements):6} statements {took:8.3f} s", flush=True)
    return len(statements)


if __name__ == "__main__":
    main()
