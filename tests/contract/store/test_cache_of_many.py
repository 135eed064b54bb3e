"""What a stage usually takes and what it was made of the last time, beside years of entries: the newest are read."""

from __future__ import annotations

import json
import re

import pytest
from earlier_runs import fill, run_id
from query_plans import asked, plans, rows_read
from sqlalchemy import insert
from store_places import NOW

from bongsu.domain.ids import digest_of
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.tenants import HOME
from bongsu.store import cache
from bongsu.store.database import Database
from bongsu.store.schema import cache_entries, runs
from bongsu.store.scope import Scope

SENSITIVE = Label(grade=Grade.SENSITIVE)
WHOLE = re.compile(r"SCAN (cache_entries|runs)\b|Seq Scan on cache_entries\b|cache_entries [^']*\(tenant=\?\)")
MANY = 3 * cache.LOOKED_AT
STAGES = ("adapt", "evaluate", "prepare")
PIPELINE = "nightly"


@pytest.fixture
def full(database: Database) -> Database:
    """Runs of a pipeline, one after another, whose stages were all made anew; the last one labelled S. Each took as
    many seconds as its number; and another pipeline has as many."""
    fill(database, MANY, OPEN)
    shared = {"tenant": "", "outputs": "{}", "metrics": "{}"}
    rows = [
        {
            **shared,
            "key": digest_of(f"{pipeline} {stage} {number}".encode()),
            "pipeline": pipeline,
            "run_id": run_id(number),
            "stage_id": stage,
            "parts": json.dumps({"run": number}),
            "seconds": float(number),
            "created_at": NOW + number,
        }
        for pipeline in (PIPELINE, "other")
        for number in range(MANY)
        for stage in STAGES
    ]
    with database.write() as connection:
        connection.execute(insert(cache_entries), rows)
        connection.execute(runs.update().where(runs.c.id == run_id(MANY - 1)).values(label="S"))
    return database


def test_the_time_of_a_stage_is_the_average_of_its_newest_entries(full: Database) -> None:
    newest = range(MANY - cache.AVERAGED, MANY)
    with full.read() as connection:
        found = cache.usual_seconds(connection, PIPELINE)
        assert found == dict.fromkeys(STAGES, sum(newest) / len(newest))
        assert cache.usual_seconds(connection, "none") == {}


def test_the_parts_of_a_stage_are_those_of_its_newest_entry_that_is_seen(full: Database) -> None:
    for clearance, number in ((OPEN, MANY - 2), (SENSITIVE, MANY - 1)):
        with full.read(Scope.of(HOME, clearance)) as connection:
            assert cache.last_parts(connection, PIPELINE) == {name: {"run": number} for name in STAGES}
    with full.write() as connection:
        hidden = runs.c.created_at >= 0, runs.c.id >= run_id(MANY - cache.LOOKED_AT)
        connection.execute(runs.update().where(*hidden).values(label="S"))
    with full.read(Scope.of(HOME, OPEN)) as connection:
        assert cache.last_parts(connection, PIPELINE) == {}, "nobody reads on for what is years old"
    with full.read(Scope.of(HOME, SENSITIVE)) as connection:
        assert len(cache.last_parts(connection, PIPELINE)) == len(STAGES)


def test_older_entries_are_not_read(full: Database) -> None:
    looks = {
        cache.usual_seconds: (1, len(STAGES) * cache.AVERAGED),
        cache.last_parts: (2, len(STAGES) * (cache.LOOKED_AT + 1)),
    }
    for look, (statements, most) in looks.items():
        with full.read() as connection, asked(full) as found:
            look(connection, PIPELINE)
        assert len(found) == statements
        told = plans(full, lambda connection, look=look: look(connection, PIPELINE), "cache_entries")
        assert [plan for plan in told if WHOLE.search(plan)] == []
        if full.engine.dialect.name == "postgresql":
            read = rows_read(full, lambda connection, look=look: look(connection, PIPELINE), "cache_entries")
            # With the looks for the stages' names.
            assert read <= most + len(STAGES) + 1
