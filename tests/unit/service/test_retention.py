"""What a server deletes by itself: logs of attempts that have long been over, environments that nobody uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from service_places import Place, drive
from small_plans import plan_of, stage
from sqlalchemy import update

from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.run import RunState
from bongsu.machine.shared_environments import environment_in_use
from bongsu.service.audit.keys import LogKeys
from bongsu.service.resuming import resume
from bongsu.service.retention import Kept, delete_old_environments, delete_old_logs
from bongsu.service.submitting import submit
from bongsu.service.upkeep import Upkeep, chores
from bongsu.store.runs import get_run
from bongsu.store.schema import attempts, runs

DAY = 86_400.0


def wrote(place: Place, run: str, stage_id: str = "a", number: int = 1) -> Path:
    """The folder of an attempt, which wrote into it when the place's clock stood where it stands now."""
    folder = place.folder / "logs" / run / stage_id / str(number)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("done\n")
    for path in (folder / "log.txt", folder):
        os.utime(path, (place.now, place.now))
    return folder


def ended(place: Place, name: str = "one") -> RunId:
    run = submit(place.platform, plan_of(stage("a"), name=name)).run.id
    drive(place.platform, [run])
    return run


def test_logs_go_so_many_days_after_the_end_of_their_attempt(place: Place) -> None:
    early, late = ended(place), ended(place, "two")
    old, odd = wrote(place, early), place.folder / "logs" / "notes"
    odd.mkdir()
    (odd / "mine.txt").touch()
    place.now += 50 * DAY
    new = wrote(place, late)
    with place.platform.write() as connection:
        connection.execute(update(attempts).where(attempts.c.run_id == late).values(finished_at=place.now))
    place.now += 39 * DAY
    assert delete_old_logs(place.platform, 90) == 0
    place.now += 2 * DAY
    assert delete_old_logs(place.platform, 90) == 1
    assert not old.exists()
    assert not (place.folder / "logs" / early).exists()
    assert (new / "log.txt").exists()
    assert (odd / "mine.txt").exists()


def test_a_run_that_goes_on_keeps_what_is_live_however_old_it_is(place: Place) -> None:
    run = ended(place)
    first, second = wrote(place, run), wrote(place, run, number=2)
    with place.platform.write() as connection:
        row = dict(connection.execute(attempts.select().where(attempts.c.run_id == run)).one()._mapping)
        live = {**row, "number": 2, "state": "running", "finished_at": None}
        connection.execute(attempts.insert().values(**live))
        connection.execute(update(runs).where(runs.c.id == run).values(state=RunState.RUNNING.value))
    place.now += 400 * DAY
    assert delete_old_logs(place.platform, 90) == 1
    assert not first.exists()
    assert (second / "log.txt").exists()


def test_where_a_run_may_go_on_its_folders_stay(place: Place) -> None:
    run = ended(place)
    only = wrote(place, run)
    with place.platform.write() as connection:
        connection.execute(update(runs).where(runs.c.id == run).values(state=RunState.RUNNING.value))
    place.now += 400 * DAY
    assert delete_old_logs(place.platform, 90) == 1
    assert only.parent.is_dir(), "whoever is about to begin another attempt makes its folder there"


def test_what_the_database_does_not_know_or_cannot_read_stays_and_holds_up_no_other(place: Place) -> None:
    sound, damaged = ended(place), ended(place, "two")
    unknown, unreadable, old = wrote(place, "r-000000000000"), wrote(place, damaged), wrote(place, sound)
    with place.platform.write() as connection:
        connection.execute(update(runs).where(runs.c.id == damaged).values(state="odd"))
    place.now += 400 * DAY
    assert delete_old_logs(place.platform, 90) == 1
    assert (unknown.exists(), unreadable.exists(), old.exists()) == (True, True, False)


def test_a_run_whose_logs_were_deleted_is_resumed_as_any(place: Place) -> None:
    place.fate = place.cluster.fail
    run = ended(place)
    wrote(place, run)
    place.now += 100 * DAY
    assert delete_old_logs(place.platform, 90) == 1
    place.fate = place.cluster.succeed
    resume(place.platform, run)
    drive(place.platform, [run])
    with place.platform.read() as connection:
        assert get_run(connection, run).state is RunState.SUCCEEDED


def test_environments_go_so_many_days_after_their_last_use(place: Place) -> None:
    folder = place.folder / "environments"
    for name in ("aa", "bb"):
        with environment_in_use(folder, name, Path.mkdir):
            pass
        used = place.now if name == "aa" else place.now + 5 * DAY
        os.utime(folder / name / ".ready", (used, used))
    place.now += 31 * DAY
    assert delete_old_environments(place.platform, 30) == 1
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["bb"]


@pytest.mark.parametrize("kept", [Kept(10, 400), Kept(400, 10)], ids=["logs", "environments"])
def test_a_server_does_it_as_it_was_told(place: Place, kept: Kept) -> None:
    def no_keys() -> LogKeys:
        raise FileNotFoundError("this place signs nothing")

    run = ended(place)
    log = wrote(place, run)
    with environment_in_use(place.folder / "environments", "aa", Path.mkdir) as environment:
        pass
    os.utime(environment / ".ready", (place.now, place.now))
    place.now += 20 * DAY
    Upkeep(chores(place.platform, no_keys, kept), lambda _words: None).run_due()
    assert (log.exists(), environment.exists()) == (kept.log_days > 20, kept.environment_days > 20)


def test_an_attempt_is_found_by_the_folder_that_executors_write_into(place: Place) -> None:
    run = ended(place)
    with place.platform.read() as connection:
        (row,) = connection.execute(attempts.select().where(attempts.c.run_id == run)).all()
    attempt = AttemptId(run_id=run, stage_id=row.stage_id, number=row.number)
    assert place.folder / "logs" / attempt.key == wrote(place, run)
