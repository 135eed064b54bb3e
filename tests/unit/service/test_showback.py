"""Showback: the sum of its rows is the ledger's is the recount's, however it is cut, and each sees what is theirs."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from grant_places import (
    DAY,
    ENGINEER,
    MANAGER,
    STRANGER,
    gpu_stage,
    order,
    paid_plan,
    permit_data,
    person,
    with_ministries,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from reconciler_world import registering_stage, registration_inputs
from service_places import CAPACITY, Place, drive
from store_places import NOW

from bongsu.domain.documents import plain
from bongsu.domain.grants import Dimension
from bongsu.domain.ids import AttemptId
from bongsu.domain.labels import Grade
from bongsu.domain.people import Actor, Role
from bongsu.domain.problems import BongsuError
from bongsu.service.grants.documents import showback_document
from bongsu.service.grants.giving import give
from bongsu.service.grants.looking import recount_grant, show_grant
from bongsu.service.grants.periods import this_month, time_of
from bongsu.service.grants.showback import BOM, Showback, ShowbackRow, as_csv, showback
from bongsu.service.submitting import submit

HOUR_MS = 3_600_000
ARMY = person("jung", Role.ENGINEER, ministry="army", grade=Grade.CLASSIFIED)
GRANTS = {"nap-2026-mnd-01": ENGINEER, "nap-2026-army-01": ARMY}
ALL = (0.0, 4e9)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two ministries with a grant each; three runs of MND, one of which registers a model, and one of the army's."""
    made = Place(tmp_path_factory.mktemp("showback"))
    made.cluster.capacity = replace(CAPACITY, gpus=16)
    with_ministries(made.platform.database, "msit", "mnd", "army", "dapa")
    give(made.platform, MANAGER, order())
    give(made.platform, MANAGER, order(id="nap-2026-army-01", receiver="army", programme="drones"))

    def fate(attempt: AttemptId) -> None:
        made.cluster.start(attempt)
        made.now += 1234.567
        failed = attempt.stage_id == "broken" and attempt.number == 1
        (made.cluster.fail if failed else made.cluster.succeed)(attempt)

    made.fate = fate
    inputs = registration_inputs(made.platform.artifacts)  # type: ignore[arg-type]
    for entry in inputs:
        permit_data(made.platform.database, "mnd", entry.ref.digest)
    registers = paid_plan(gpu_stage("a", gpus=3), registering_stage("register", "a"), name="registers")
    plans = [
        (registers.model_copy(update={"inputs": inputs}), ENGINEER),
        (paid_plan(gpu_stage("broken", retries=1), name="fails"), ENGINEER),
        (paid_plan(gpu_stage("a", gpus=7), name="plain"), ENGINEER),
        (paid_plan(gpu_stage("a"), ministry="army", grant_id="nap-2026-army-01"), ARMY),
    ]
    for plan, actor in plans:
        run = submit(replace(made.platform, actor=actor), plan).run
        assert drive(made.platform, [run.id]).runs[0].state.value == "succeeded"
    yield made
    made.close()


def rows(found: Showback) -> dict[tuple[str, ...], int]:
    return {row.key: row.used for row in found.rows}


def each(gpus: int) -> int:
    return gpus * 1_234_567


def test_the_receiver_sees_its_models_and_the_giver_sees_its_grants(place: Place) -> None:
    mine = showback(place.platform, ENGINEER, *ALL)
    key = ("mnd", "nap", "nap-2026-mnd-01")
    assert rows(mine) == {(*key, ""): each(2 + 2 + 7), (*key, "light"): each(3)}
    theirs = showback(place.platform, MANAGER, *ALL)
    army = ("army", "drones", "nap-2026-army-01")
    assert rows(theirs) == {(*key, ""): each(14), (*army, ""): each(2)}
    assert rows(showback(place.platform, ARMY, *ALL)) == {(*army, ""): each(2)}
    assert showback(place.platform, STRANGER, *ALL).rows == ()


@pytest.mark.parametrize("actor", [ENGINEER, MANAGER, ARMY], ids=lambda actor: actor.id)
def test_the_sum_is_the_ledger_is_the_recount(place: Place, actor: Actor) -> None:
    known = []
    for name in GRANTS:
        try:
            counted = recount_grant(place.platform, actor, name)
        except BongsuError:
            continue
        assert counted.differing == ()
        assert counted.booked == counted.counted == show_grant(place.platform, actor, name).summary.used
        known.append(counted.counted)
    found = showback(place.platform, actor, *ALL)
    assert found.used == sum(known) == sum(row.used for row in found.rows)


@settings(max_examples=50)
@given(
    st.lists(st.integers(-1_000, 8_000_000), min_size=1, max_size=6, unique=True).map(sorted),
    st.lists(st.sampled_from(Dimension), max_size=4),
)
def test_periods_that_follow_one_another_give_the_whole_however_rows_are_told_apart(
    place: Place, cuts: list[int], by: list[Dimension]
) -> None:
    whole = showback(place.platform, MANAGER, *ALL, by)
    moments = [0.0, *(NOW + cut / 1000 for cut in cuts), 4e9]
    parts = [showback(place.platform, MANAGER, *pair, by) for pair in itertools.pairwise(moments)]
    assert sum(part.used for part in parts) == whole.used == each(16)
    for key, used in rows(whole).items():
        assert sum(rows(part).get(key, 0) for part in parts) == used
    assert all(len(key) == len(set(by)) for key in rows(whole))


def test_csv_opens_in_a_korean_excel_and_holds_every_figure(place: Place) -> None:
    found = showback(place.platform, ENGINEER, *ALL, (Dimension.GRANT, Dimension.MODEL))
    text = as_csv(found)
    assert text.encode().startswith(b"\xef\xbb\xbf")
    head, *lines, total = list(csv.reader(io.StringIO(text.removeprefix(BOM))))
    assert head == ["grant", "model", "gpuHours", "gpuHoursHeld", "attempts"]
    assert [(line[0], line[1], round(float(line[2]) * HOUR_MS)) for line in lines] == [
        (*row.key, row.used) for row in found.rows
    ]
    assert total[:2] == ["total", ""]
    assert round(float(total[2]) * HOUR_MS) == found.used
    assert total[4] == "4"


def test_a_text_that_a_spreadsheet_would_compute_stays_text() -> None:
    row = ShowbackRow(("=cmd|' /C calc'!A0",), 1, 0, 1)
    text = as_csv(Showback(0.0, 1.0, (Dimension.MODEL,), (row,), 1, 0))
    assert next(iter(list(csv.reader(io.StringIO(text)))[1])) == "'=cmd|' /C calc'!A0"


def test_the_document_has_rows_by_name_and_a_total(place: Place) -> None:
    found = showback(place.platform, ARMY, *ALL, (Dimension.PROGRAMME,))
    used = {"gpuMilliseconds": each(2), "gpuHours": each(2) / HOUR_MS}
    none = {"gpuMilliseconds": 0, "gpuHours": 0.0}
    assert plain(showback_document(found)) == {
        "beginsAt": "1970-01-01T00:00:00.000Z",
        "endsAt": "2096-10-02T07:06:40.000Z",
        "by": ["programme"],
        "rows": [{"programme": "drones", "used": used, "held": none, "attempts": 1}],
        "total": {"used": used, "held": none},
    }


def test_a_period_has_to_have_a_length(place: Place) -> None:
    with pytest.raises(BongsuError) as caught:
        showback(place.platform, ENGINEER, NOW, NOW)
    assert caught.value.problems[0].code.name == "grants.bad-period"


def test_days_and_times_are_read_as_people_write_them() -> None:
    assert time_of("2026-07-01") == time_of("2026-07-01T00:00Z") == time_of("2026-07-01T09:00+09:00")
    assert time_of("2026-07-02") - time_of("2026-07-01") == DAY
    for text in ("July", "2026-13-01", "0001-01-01", "9999-12-31T23:59-23:00", ""):
        with pytest.raises(BongsuError) as caught:
            time_of(text)
        assert caught.value.problems[0].code.name == "grants.bad-date"
    assert this_month(time_of("2026-07-19T10:11")) == (time_of("2026-07-01"), time_of("2026-07-19T10:11"))
