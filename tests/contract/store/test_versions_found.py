"""One version among many of its name, and a name among many: found by an index, and nothing else is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query_plans import asked, plans, rows_read
from sqlalchemy import Connection, Table, delete, insert
from store_places import NOW

from bongsu.domain.ids import digest_of
from bongsu.domain.problems import BongsuError
from bongsu.store.database import Database
from bongsu.store.datasets import find_dataset_version, find_dataset_versions
from bongsu.store.models import find_version, find_versions, is_name_of_another, registered_at
from bongsu.store.near_names import AT_MOST, names_near
from bongsu.store.schema import aliases, dataset_versions, model_versions

MANY = 3000
NAME = "nightly"


def model(name: str, version: int, ministry: str = "mnd") -> dict[str, object]:
    return {
        **{"tenant": "", "name": name, "version": version, "digest": digest_of(f"{name} {version}".encode())},
        **{"label": "O", "use_class": "administration", "ministry": ministry, "run_id": f"r-{name}-{version}"},
        **{"stage_id": "a", "title": "it", "metrics": "{}", "link": "", "created_at": NOW + version},
    }


def data_set(name: str, version: int) -> dict[str, object]:
    return {
        **{"tenant": "", "name": name, "version": version, "digest": digest_of(f"{name} {version}".encode())},
        **{"type": "documents", "label": "O", "size": 1, "origin": "x", "created_at": NOW},
    }


@pytest.fixture
def full(database: Database) -> Database:
    """A model and a data set with many versions each, beside many others."""
    numbers = range(1, MANY + 1)
    models = [model(NAME, number) for number in numbers] + [model(f"m-{number}", 1) for number in numbers]
    sets = [data_set(NAME, number) for number in numbers] + [data_set(f"d-{number}", 1) for number in numbers]
    with database.write() as connection:
        connection.execute(insert(model_versions), models)
        connection.execute(insert(dataset_versions), sets)
        named = {"tenant": "", "name": NAME, "alias": "champion", "version": 7}
        connection.execute(insert(aliases), [named])
    return database


def assert_few_are_read(database: Database, table: Table, look: Callable[[Connection], object], most: int) -> None:
    # SQLite does not say how many rows it reads; it is told apart by which columns it looks for.
    whole = re.compile(rf"SCAN {table.name}\b|Seq Scan on {table.name}\b|{table.name} [^']*\(tenant=\?\)")
    found = plans(database, look, table.name)
    assert found
    assert [plan for plan in found if whole.search(plan)] == []
    if database.engine.dialect.name == "postgresql":
        assert rows_read(database, look, table.name) <= most


@pytest.mark.parametrize(
    ("text", "version"),
    [("", MANY), ("@champion", 7), (f"/{MANY - 1}", MANY - 1), ("@1", 1), (f"@{MANY + 1}", None), ("@none", None)],
)
def test_a_version_is_found_without_reading_the_others_of_its_name(
    full: Database, text: str, version: int | None
) -> None:
    def look(connection: Connection) -> None:
        try:
            found: int | None = find_version(connection, NAME + text).version
        except BongsuError:
            found = None
        assert found == version

    assert_few_are_read(full, model_versions, look, most=1)
    with asked(full) as statements, full.read() as connection:
        look(connection)
    assert len(statements) <= 8


def test_a_version_of_a_data_set_is_found_without_reading_the_others(full: Database) -> None:
    def look(connection: Connection) -> None:
        found = [find_dataset_version(connection, NAME, number) for number in (None, 1, MANY + 1)]
        assert [one and one.version for one in found] == [MANY, 1, None]
        assert find_dataset_version(connection, "none") is None

    assert_few_are_read(full, dataset_versions, look, most=2)


def test_versions_by_their_numbers_are_found_together(full: Database) -> None:
    wanted = [(NAME, 3), (NAME, MANY + 1), ("m-5", 1), ("d-5", 1)]

    def look(connection: Connection) -> None:
        assert set(find_versions(connection, wanted)) == {(NAME, 3), ("m-5", 1)}
        assert set(find_dataset_versions(connection, wanted)) == {(NAME, 3), ("d-5", 1)}
        assert find_versions(connection, []) == find_dataset_versions(connection, []) == {}

    for table in (model_versions, dataset_versions):
        assert_few_are_read(full, table, look, most=2)


def test_whether_another_ministry_has_a_name_is_seen_on_both_sides_of_ones_own(full: Database) -> None:
    with full.write() as connection:
        connection.execute(insert(model_versions), [model("shared", 1), model("shared", 2, "army")])

    def look(connection: Connection) -> None:
        assert not is_name_of_another(connection, NAME, "mnd")
        assert not is_name_of_another(connection, "none", "mnd")
        for ministry in ("army", "mnd", "msit"):
            assert is_name_of_another(connection, "shared", ministry)

    assert_few_are_read(full, model_versions, look, most=4)


def test_when_bytes_were_registered_is_found_by_them(full: Database) -> None:
    digests = [digest_of(f"{NAME} {number}".encode()) for number in (5, 6)]
    again = model(NAME, MANY + 1) | {"digest": digests[0]}
    with full.write() as connection:
        connection.execute(insert(model_versions), [again, model("m-0", 1) | {"digest": digests[1]}])

    def look(connection: Connection) -> None:
        found = registered_at(connection, [NAME, "none"], [*digests, digest_of(b"none")])
        assert found == {
            (NAME, digests[0]): [(MANY + 1, NOW + MANY + 1), (5, NOW + 5)],
            (NAME, digests[1]): [(6, NOW + 6)],
        }

    assert_few_are_read(full, model_versions, look, most=10)
    if full.engine.dialect.name == "sqlite":
        assert all("(tenant=? AND digest=?)" in plan for plan in plans(full, look, "model_versions"))


def test_a_mistyped_name_reads_as_much_as_may_be_suggested(full: Database) -> None:
    def look(connection: Connection) -> None:
        found = names_near(connection, model_versions.c.name, "nightl")
        assert NAME in found
        assert len(found) <= 2 * AT_MOST + 1
        assert NAME in names_near(connection, model_versions.c.name, NAME)

    assert_few_are_read(full, model_versions, look, most=2 * (2 * AT_MOST + 2))


@given(st.lists(st.text("abz", min_size=1, max_size=3), max_size=12), st.text("abz", max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_all_names_are_near_where_there_are_few(small_database: Database, names: list[str], wanted: str) -> None:
    with small_database.write() as connection:
        connection.execute(delete(model_versions))
        rows: list[dict[str, Any]] = [model(name, number) for number, name in enumerate(names)]
        if rows:
            connection.execute(insert(model_versions), rows)
        assert sorted(names_near(connection, model_versions.c.name, wanted)) == sorted(set(names))
