"""The state directory is one of this machine and its owner's alone; it is looked at even if it may not be written."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from service_places import Place, drive
from small_plans import plan_of, stage
from store_places import drop_everything, empty, store_at
from unprivileged import make_read_only, make_writable, run_unprivileged

from bongsu.domain.problems import BongsuError
from bongsu.service import embedded
from bongsu.service.doctor import Finding, examine
from bongsu.service.embedded import lasting_key, open_home
from bongsu.service.home import close_to_others, local_home
from bongsu.service.submitting import submit

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  inputs: {law: {dataset: "file:law.txt"}}
  stages:
    - {name: first, uses: probe, inputs: {after: inputs.law}, with: {text: "1"}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    if (tmp_path / "home").exists():
        make_writable(tmp_path / "home")


@pytest.fixture(params=[0o000, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def with_a_run(home: Path) -> str:
    """A home as a finished run leaves it."""
    home.mkdir(parents=True, exist_ok=True)
    place = Place(home)
    run = submit(place.platform, plan_of(stage("a"), stage("b", "a"))).run
    drive(place.platform, [run.id])
    place.close()
    return run.id


# -- where it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["s3://bucket/home", "https://example.org/x", "file:///srv/bongsu", "gs://b"])
def test_an_address_is_no_home_and_no_folder_of_that_name_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for use in (open_home, examine):
        for written in (Path(address), Path(address).absolute()):
            with pytest.raises(BongsuError) as caught:
                use(written, {})  # type: ignore[operator]
            (problem,) = caught.value.problems
            assert problem.code.name == "run.home-not-local"
            assert problem.args["home"] == address.replace(":///", "://")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_colon_in_its_name_is_a_home(tmp_path: Path) -> None:
    assert local_home(tmp_path / "12:30" / "a:b") == tmp_path / "12:30" / "a:b"


# -- whose it is ---------------------------------------------------------------------------------------------------


def test_what_is_made_in_a_home_is_its_owners_alone(home: Path, umask: int) -> None:
    platform = open_home(home, os.environ)
    writer = platform.artifacts.writer("k")
    with platform.lock, writer.create("a") as file:
        file.write(b"1")
    writer.commit()
    lasting_key(home / "masking.key")
    (home / "logs" / "r-1").mkdir(parents=True)
    (home / "logs" / "r-1" / "log.txt").write_text("said")
    found = {path: mode(path) for path in (home, *home.rglob("*"))}
    platform.close()
    assert {path: bits for path, bits in found.items() if bits & 0o077} == {}
    assert os.umask(umask) == umask, "the process has its own umask again"


def test_an_existing_home_is_closed_when_it_is_opened(home: Path, umask: int) -> None:
    home.mkdir(mode=0o755)
    store_at(home).close()
    (home / "bongsu.db").chmod(0o644)
    home.chmod(0o755)
    open_home(home, os.environ).close()
    assert (mode(home), mode(home / "bongsu.db")) == (0o700, 0o600)


def test_whoever_comes_at_once_gets_one_executor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Driver, routes and metrics ask for it, each in a thread of its own; only one of two would be closed."""
    all_here, given = threading.Barrier(4), embedded.s3_variables

    def slow(*args: Any) -> dict[str, str]:
        with suppress(threading.BrokenBarrierError):
            all_here.wait(0.5)
        return given(*args)

    monkeypatch.setattr(embedded, "s3_variables", slow)
    platform = open_home(home, os.environ)
    try:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _number: platform.executor(), range(4)))
        assert len({id(one) for one in found}) == 1
    finally:
        platform.close()


@pytest.mark.parametrize("bits", [0o755, 0o1777])
def test_a_folder_that_holds_other_things_or_is_everybodys_is_left_open(home: Path, bits: int) -> None:
    home.mkdir()
    (home / "other").write_text("not ours")
    (home / "other").chmod(0o644)
    home.chmod(bits)
    open_home(home, os.environ).close()
    assert mode(home) == bits
    assert mode(home / "bongsu.db") == 0o600
    close_to_others(home)
    assert mode(home / "other") == 0o644


def finding(home: Path, subject: str) -> Finding:
    return next(found for found in examine(home, {}) if found.subject == subject)


def test_the_doctor_closes_what_others_could_read_and_says_so(home: Path) -> None:
    with_a_run(home)
    (home / "environments" / "bin").mkdir(parents=True)
    (home / "environments" / "bin" / "python").write_text("#!")
    (home / "environments" / "bin" / "link").symlink_to("/etc/passwd")
    outside = mode(Path("/etc/passwd"))
    for path in (home / "environments" / "bin" / "python", home / "driver.lock", home / "artifacts"):
        path.chmod(0o755)
    first = finding(home, "Files that others could read")
    assert (first.level, int(str(first.fact)) >= 3, bool(first.fix)) == ("warning", True, True)
    assert finding(home, "Files that others could read").level == "ok"
    assert mode(home / "environments" / "bin" / "python") == 0o700
    assert mode(Path("/etc/passwd")) == outside
    assert [path for path in home.rglob("*") if not path.is_symlink() and mode(path) & 0o077] == []


# -- what became of its database -----------------------------------------------------------------------------------


def garble(path: Path) -> None:
    path.write_bytes(b"garbage " * 4000)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (empty, "run.database-lost"),
        (drop_everything, "run.database-lost"),
        (Path.unlink, "run.database-lost"),
        (garble, "run.database-damaged"),
    ],
)
def test_a_database_that_was_lost_is_told_and_not_made_anew(
    home: Path, spoil: Callable[[Path], None], code: str
) -> None:
    with_a_run(home)
    spoil(home / "bongsu.db")
    for _ in range(2):
        with pytest.raises(BongsuError) as caught:
            open_home(home, os.environ)
        assert caught.value.problems[0].code.name == code
    found = finding(home, "Database of runs")
    assert (found.level, bool(found.fix)) == ("problem", True)


def test_the_doctor_finds_sound_databases_sound(home: Path) -> None:
    assert finding(home, "Database of runs").level == "ok"
    with_a_run(home)
    with sqlite3.connect(home / "mlflow.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('abc')")
    connection.close()
    for subject in ("Database of runs", "Database of MLflow"):
        assert finding(home, subject).level == "ok"
    garble(home / "mlflow.db")
    assert finding(home, "Database of MLflow").level == "problem"


def test_the_doctor_tells_of_a_newer_database_a_lock_that_is_none_and_records_that_wait(home: Path) -> None:
    with_a_run(home)
    assert finding(home, "Locks").level == "ok"
    waiting = finding(home, "Records that wait for MLflow")
    with sqlite3.connect(home / "bongsu.db") as connection:
        (count,) = connection.execute("SELECT count(*) FROM outbox WHERE NOT done").fetchone()
        assert waiting.fact == str(count)
        connection.execute("UPDATE outbox SET done = 1")
        connection.execute("INSERT INTO outbox (run_id, body, tries, done, error) VALUES ('r', '{}', 0, 0, '')")
        connection.commit()
        fresh = finding(home, "Records that wait for MLflow")
        assert (fresh.fact, fresh.fix) == ("1", "The next run delivers them.")
        connection.execute("UPDATE outbox SET tries = 3, error = 'no answer' WHERE NOT done")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    late = finding(home, "Records that wait for MLflow")
    assert (late.level, str(late.fact)) == ("warning", "1 (no answer)")
    assert "did not take them" in late.fix, "the next run may not get further"
    newer = finding(home, "Database of runs")
    assert (newer.level, "9999" in str(newer.fact), bool(newer.fix)) == ("problem", True, True)
    (home / "driver.lock").unlink()
    (home / "driver.lock").mkdir()
    lock = finding(home, "Locks")
    assert (lock.level, lock.fact) == ("problem", str(home / "driver.lock"))


# -- a place that may not be written -------------------------------------------------------------------------------


def bongsu(folder: Path, home: Path, *words: str) -> tuple[int, str, str]:
    done = run_unprivileged(["-m", "bongsu.cli.main", *words], folder, BONGSU_HOME=str(home))
    return done.returncode, done.stdout, done.stderr


def test_a_home_that_may_not_be_written_can_be_looked_at(home: Path, tmp_path: Path) -> None:
    run_id = with_a_run(home)
    (tmp_path / "law.txt").write_text("text of a law")
    (tmp_path / "probes.yaml").write_text(PIPELINE)
    assert bongsu(tmp_path, home, "plan", "probes.yaml")[0] == 0  # takes its input in
    make_read_only(home)
    for words in (["runs"], ["show"], ["models"], ["logs", "latest"], ["plan", "probes.yaml"]):
        status, said, error = bongsu(tmp_path, home, *words)
        assert status == 0, f"{words}: {said}{error}"
    status, said, error = bongsu(tmp_path, home, "runs", "--json")
    assert [run["id"] for run in json.loads(said)] == [run_id], error
    assert bongsu(tmp_path, home, "report", "-o", "report.html")[0] == 0
    assert run_id in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "probes.yaml"], "artifact.read-only"),
        (["plan", "probes.yaml"], "artifact.read-only"),
        (["run", "plain.yaml"], "run.home-read-only"),
        (["cancel", "latest"], "run.database-read-only"),
        (["resume"], "run.home-read-only"),
    ],
)
def test_what_has_to_write_says_that_it_may_not(home: Path, tmp_path: Path, words: list[str], code: str) -> None:
    with_a_run(home)
    (tmp_path / "law.txt").write_text("text of a law")
    (tmp_path / "probes.yaml").write_text(PIPELINE)
    plain = PIPELINE.replace('  inputs: {law: {dataset: "file:law.txt"}}\n', "")
    (tmp_path / "plain.yaml").write_text(plain.replace(", inputs: {after: inputs.law}", ""))
    make_read_only(home)
    status, _, error = bongsu(tmp_path, home, *words)
    assert (status, code in error) == (7, True), error


def closed_home(home: Path, what: str) -> str:
    """A home that this user may not read; returns the name of whoever closed it."""
    with_a_run(home)
    path = home if what == "directory" else home / "bongsu.db"
    if os.geteuid() == 0:
        os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        path.chmod(0o700 if what == "directory" else 0o600)
        return "nobody"
    path.chmod(0)
    return pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize("what", ["directory", "database"])
@pytest.mark.parametrize("words", [["runs"], ["mlflow"], ["plan", "p.yaml"]])
def test_the_home_of_somebody_else_is_said_to_be_theirs(
    home: Path, tmp_path: Path, words: list[str], what: str
) -> None:
    owner = closed_home(home, what)
    (tmp_path / "p.yaml").write_text(PIPELINE)
    status, _, error = bongsu(tmp_path, home, *words)
    assert (status, f"belongs to {owner}" in error, "[run.home-closed]" in error) == (7, True, True)


def test_the_doctor_says_whose_home_it_is_and_goes_on(home: Path, tmp_path: Path) -> None:
    owner = closed_home(home, "directory")
    status, said, error = bongsu(tmp_path, home, "doctor", "--json")
    assert (status, error) == (7, "")
    found = {one["subject"]: one for one in json.loads(said)}
    assert owner in found["State directory"]["fact"]
    assert "Python" in found
    assert "Temporary directory" in found


def test_where_no_home_can_be_made_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    make_read_only(tmp_path / "closed")
    status, _, error = bongsu(tmp_path, tmp_path / "closed" / "home", "runs")
    assert (status, "run.database-unusable" in error) == (7, True), error
    make_writable(tmp_path / "closed")
