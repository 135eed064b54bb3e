"""Who read what is not for everybody: one entry for one look, however often a page asks."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from audit_places import MND, SECRET, Logs, auditor
from sqlalchemy import Connection, event, text

from bongsu.domain.labels import Label
from bongsu.domain.problems import BongsuError
from bongsu.service.audit.reading import list_entries
from bongsu.service.audit.reads import (
    WINDOW_S,
    WRITING_WINDOW_S,
    forget_old_reads,
    record_read,
    record_reads,
    record_these,
)
from bongsu.store import audit_reads
from bongsu.store.audit_reads import Reading, claim_read
from bongsu.store.conflicts import Conflict

MODEL = "model:axk1-admin/3"


def entries(logs: Logs) -> list[tuple[str, str, str]]:
    found = list_entries(logs.platform, auditor(), MND).entries
    return [
        (entry.content["actor"], entry.content["action"], entry.content["object"])
        for entry in reversed(found)
        if entry.content
    ]


def test_a_reading_is_recorded_in_the_log_of_whose_the_object_is(logs: Logs) -> None:
    reader = auditor(ministry=MND)
    assert record_read(logs.platform, reader, MND, MODEL, SECRET, "req-1")
    assert entries(logs) == [("mnd/park", "model.read", MODEL)]


@pytest.mark.parametrize(("label", "is_recorded"), [("O", False), ("O/logistics", True), ("S", True), ("C", True)])
def test_what_everybody_may_see_is_not_recorded(logs: Logs, label: str, is_recorded: bool) -> None:
    assert record_read(logs.platform, auditor(), MND, MODEL, Label.parse(label)) is is_recorded


def test_reading_again_is_the_same_reading_until_the_window_is_over(logs: Logs) -> None:
    read = (logs.platform, auditor(), MND, MODEL, SECRET)
    assert record_read(*read)
    for seconds in (0.0, 1.0, WINDOW_S - 2):
        logs.clock.now += seconds
        assert not record_read(*read)
    logs.clock.now += 1.0
    assert record_read(*read), "readings in between do not put the end of the window off"
    assert len(entries(logs)) == 2


def test_what_was_found_in_the_log_once_is_not_looked_for_again(logs: Logs) -> None:
    for _ in range(2):
        record_read(logs.platform, auditor(), MND, MODEL, SECRET)
    asked: list[str] = []
    event.listen(logs.platform.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert not record_read(logs.platform, auditor(), MND, MODEL, SECRET)
    assert asked == []
    assert record_read(logs.platform, auditor(), MND, MODEL, Label.parse("C/logistics"))
    assert not record_read(logs.platform, auditor(), MND, MODEL, Label.parse("C/logistics"))
    logs.clock.now += WINDOW_S
    assert record_read(logs.platform, auditor(), MND, MODEL, SECRET)


def test_another_person_another_object_and_another_label_are_other_readings(logs: Logs) -> None:
    assert record_read(logs.platform, auditor(), MND, MODEL, SECRET)
    assert record_read(logs.platform, auditor(), MND, "model:axk1-admin/4", SECRET)
    assert record_read(logs.platform, auditor(), MND, MODEL, Label.parse("C/logistics"))
    other = auditor().__class__("mnd/choi", "Choi", roles=auditor().roles, clearance=auditor().clearance)
    assert record_read(logs.platform, other, MND, MODEL, Label.parse("C/logistics"))


@pytest.mark.parametrize("length", [290, 300, 2000])
def test_names_that_begin_alike_are_of_other_things_however_long_they_are(logs: Logs, length: int) -> None:
    def writes(last: str) -> int:
        reading = Reading(MND, "mnd/park", "x" * (length - 1) + last, SECRET, logs.clock.now, "mlflow.run.write")
        return record_these(logs.platform, [reading], "request-1")

    assert [writes("a"), writes("b"), writes("a"), writes("b")] == [1, 1, 0, 0]


def test_who_finds_the_claim_changed_each_time_gives_way(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    now = Reading(MND, "mnd/park", MODEL, SECRET, logs.clock.now)
    looked: list[Reading] = []

    def before_the_others(_connection: Connection, reading: Reading) -> Reading:
        looked.append(reading)
        return replace(reading, at=reading.at - 2 * WINDOW_S)

    with logs.database.write() as connection:
        assert claim_read(connection, now, WINDOW_S)
        monkeypatch.setattr(audit_reads, "recorded", before_the_others)
        with pytest.raises(Conflict):
            claim_read(connection, now, WINDOW_S)
    assert len(looked) == 5


def test_a_clock_that_was_set_back_hides_no_reading(logs: Logs) -> None:
    assert record_read(logs.platform, auditor(), MND, MODEL, SECRET)
    logs.clock.now -= 3600
    assert record_read(logs.platform, auditor(), MND, MODEL, SECRET)


def test_of_requests_at_once_one_makes_the_entry(logs: Logs) -> None:
    made: list[bool] = []
    threads = [
        threading.Thread(target=lambda: made.append(record_read(logs.platform, auditor(), MND, MODEL, SECRET)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    assert len(entries(logs)) == 1


def test_old_readings_are_forgotten_and_the_log_keeps_them(logs: Logs) -> None:
    record_read(logs.platform, auditor(), MND, MODEL, SECRET)
    assert forget_old_reads(logs.platform) == 0
    logs.clock.now += WRITING_WINDOW_S + 1
    assert forget_old_reads(logs.platform) == 1
    assert len(entries(logs)) == 1


def test_several_things_at_once_are_recorded_each_by_its_name(logs: Logs) -> None:
    things = [("model:a/1", SECRET), ("model:b/1", Label.parse("O")), ("model:c/1", Label.parse("S"))]
    assert record_reads(logs.platform, "mnd/park", MND, things) == 2
    assert record_reads(logs.platform, "mnd/park", MND, [*things, ("model:d/1", SECRET)]) == 1
    assert [name for _actor, _action, name in entries(logs)] == ["model:a/1", "model:c/1", "model:d/1"]


def test_a_list_that_was_read_up_to_a_label_covers_those_below_it(logs: Logs) -> None:
    def read(label: str) -> bool:
        return record_read(logs.platform, auditor(), MND, "list:runs", Label.parse(label))

    assert [read("S/a"), read("S"), read("S/b"), read("S/a"), read("S/a/b")] == [True, False, True, False, False]
    logs.clock.now += WINDOW_S - 1
    assert read("C"), "a higher one is another reading"
    logs.clock.now += 1
    assert read("S"), "which does not put the end of the window off"


def test_a_log_that_has_a_row_where_the_next_belongs_gives_nothing_to_read(logs: Logs) -> None:
    record_read(logs.platform, auditor(), MND, MODEL, SECRET)
    with logs.database.write() as connection:
        copied = text(
            "INSERT INTO audit_entries (tenant, position, at, actor, action, object, label, outcome, entry)"
            " SELECT tenant, 1, at, actor, action, object, label, outcome, entry FROM audit_entries"
        )
        connection.execute(copied)
    with pytest.raises(BongsuError, match=r"audit\.damaged"):
        record_read(logs.platform, auditor(), MND, "model:other/1", SECRET)
