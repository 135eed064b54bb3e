"""Runs that are submitted at once on one grant, from processes with connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from grant_places import GRANT, gpu_stage, order, paid_plan
from service_places import Place
from store_places import store_at

from bongsu.domain.problems import BongsuError
from bongsu.service.grants.giving import give
from bongsu.service.grants.looking import list_grants, show_grant
from bongsu.service.owner import OWNER
from bongsu.service.platform import Platform
from bongsu.service.showing import list_runs
from bongsu.service.submitting import submit
from bongsu.store.database import Database, open_database

ROUNDS = 5


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    folder = tmp_path / "store"
    folder.mkdir()
    made = store_at(folder)
    yield made
    made.close()


@pytest.fixture
def platform(database: Database, tmp_path: Path) -> Iterator[Platform]:
    place = Place(tmp_path)
    yield replace(place.platform, database=database)
    place.close()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_two_who_submit_at_once_on_a_grant_for_one_one_is_refused(platform: Platform, number: int) -> None:
    give(platform, OWNER, order())
    at_once = threading.Barrier(2)
    url = platform.database.engine.url.render_as_string(hide_password=False)

    def ask(name: str) -> str:
        with closing(open_database(url)) as mine:
            at_once.wait(30)
            try:
                return submit(
                    replace(platform, database=mine), paid_plan(gpu_stage("a", hours=60), name=name)
                ).run.id
            except BongsuError as error:
                return error.problems[0].code.name

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(ask, ("one", f"other{number}")))
    assert found.count("grants.exceeded") == 1
    assert [run.id for run in list_runs(platform)] == [one for one in found if one != "grants.exceeded"]
    (summary,) = list_grants(platform, OWNER)
    assert (summary.reserved, summary.available) == (60 * 3_600_000, 40 * 3_600_000)


def test_one_plan_that_is_submitted_by_several_at_once_sets_aside_once(platform: Platform) -> None:
    give(platform, OWNER, order())
    at_once = threading.Barrier(4)
    url = platform.database.engine.url.render_as_string(hide_password=False)

    def ask(_number: int) -> str:
        with closing(open_database(url)) as mine:
            at_once.wait(30)
            return submit(replace(platform, database=mine), paid_plan(gpu_stage("a", hours=30))).run.id

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(ask, range(4)))
    assert len(found) == 1
    assert [entry.kind.value for entry in show_grant(platform, OWNER, GRANT).entries] == ["given", "reserved"]
