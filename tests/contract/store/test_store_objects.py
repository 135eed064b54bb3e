"""Objects that registers and proposals speak of are found together as each alone is, by an index, on both databases."""

from __future__ import annotations

import re

from query_plans import plans
from sqlalchemy import insert

from bongsu.domain.ids import digest_of
from bongsu.store.database import Database
from bongsu.store.governed_objects import find_object, find_objects
from bongsu.store.schema import artifacts, dataset_versions, model_versions

DIGESTS = [digest_of(str(number).encode()) for number in range(3000)]
OWNERS = ("mnd", "army")


def fill(database: Database) -> None:
    facts = {"label": "O", "title": "x", "created_at": 1.0}
    model = {**facts, "use_class": "administration", "stage_id": "a", "metrics": "{}", "link": ""}
    data = {"label": "O", "created_at": 1.0, "type": "documents", "size": 1, "origin": ""}
    named = [
        {
            "tenant": OWNERS[number % 2],
            "name": f"m-{number // 4}",
            "version": number // 2 % 2 + 1,
            "digest": digest,
        }
        for number, digest in enumerate(DIGESTS)
    ]
    # No two ministries have a model of one name.
    models = [
        {
            **model,
            **one,
            "name": f"{one['tenant']}-{one['name']}",
            "ministry": one["tenant"],
            "run_id": f"r-{number}",
        }
        for number, one in enumerate(named)
    ]
    trees = [
        {**facts, "tenant": one["tenant"], "digest": one["digest"], "type": "model", "size": 1} for one in named
    ]
    with database.write() as connection:
        connection.execute(insert(model_versions), models)
        connection.execute(insert(dataset_versions), [{**data, **one} for one in named])
        connection.execute(insert(artifacts), trees)


def wanted() -> list[tuple[str, str]]:
    """What is there and what is not: of another ministry, of a version that there is none of, of no kind."""
    names = [
        f"model:{owner}-m-{number}/{version}" for owner in OWNERS for number in (1, 2, 9) for version in (1, 2, 3)
    ]
    names += [f"dataset:m-{number}/{version}" for number in (1, 2, 9) for version in (1, 2, 3)]
    names += [f"artifact:{digest}" for digest in DIGESTS[:6]]
    names += ["dataset:m-1", "dataset:m-1/0", "model:nothing/1", "artifact:sha256-0", "m-1/1", ""]
    return [(owner, name) for owner in (*OWNERS, "navy") for name in names]


def test_many_are_found_as_each_alone_is(database: Database) -> None:
    fill(database)
    with database.read() as connection:
        each = {one: find_object(connection, *one) for one in wanted()}
        together = find_objects(connection, wanted())
        assert find_objects(connection, []) == {}
    assert together == {one: found for one, found in each.items() if found is not None}
    assert len(together) == 2 * 6 + 2 * 6 + 6
    assert all((one.thing.ministry, one.thing.object) == key for key, one in together.items())


def test_many_are_found_by_an_index(database: Database) -> None:
    fill(database)
    for table in ("artifacts", "model_versions", "dataset_versions"):
        (plan,) = plans(database, lambda connection: find_objects(connection, wanted()), f"FROM {table}")
        assert not re.search(rf"SCAN {table}\b|Seq Scan on {table}\b", plan), plan
