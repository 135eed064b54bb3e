"""Environments that attempts share: made once, never deleted under who uses them, and deleted when nobody does."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bongsu.machine.shared_environments import delete_unused, environment_in_use

NAME = "0123456789abcdef"
LONG_AGO = 1_000_000.0
BEFORE = 2_000_000.0
_USER = """
import sys
from pathlib import Path
from bongsu.machine.shared_environments import environment_in_use
with environment_in_use(Path(sys.argv[1]), sys.argv[2], lambda _place: None) as ready:
    print(ready, flush=True)
    sys.stdin.read()
"""


def make(place: Path) -> None:
    place.mkdir()
    (place / "python").touch()


def use(folder: Path) -> None:
    with environment_in_use(folder, NAME, make) as ready:
        assert (ready / "python").exists()


def age(folder: Path) -> None:
    """As if it had been used long ago."""
    os.utime(folder / NAME / ".ready", (LONG_AGO, LONG_AGO))


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_one_that_nobody_has_used_for_long_is_deleted_and_made_again_when_it_is_wanted(tmp_path: Path) -> None:
    use(tmp_path)
    assert delete_unused(tmp_path, BEFORE) == 0
    age(tmp_path)
    assert delete_unused(tmp_path, BEFORE) == 1
    assert list(tmp_path.iterdir()) == [], "its locks neither: each pass would look at all that ever were"
    assert delete_unused(tmp_path, BEFORE) == 0
    use(tmp_path)
    assert left(tmp_path) == {NAME}


def test_its_use_counts_from_its_begin_and_from_its_end(tmp_path: Path) -> None:
    use(tmp_path)
    age(tmp_path)
    with environment_in_use(tmp_path, NAME, make) as ready:
        assert (ready / ".ready").stat().st_mtime > BEFORE
        age(tmp_path)
    assert (tmp_path / NAME / ".ready").stat().st_mtime > BEFORE


def test_one_that_is_used_for_longer_than_that_stays_until_the_last_user_is_done(tmp_path: Path) -> None:
    with environment_in_use(tmp_path, NAME, make):
        with environment_in_use(tmp_path, NAME, make) as ready:
            pass
        age(tmp_path)
        assert delete_unused(tmp_path, BEFORE) == 0
        assert (ready / "python").exists()
    age(tmp_path)
    assert delete_unused(tmp_path, BEFORE) == 1


def test_another_process_holds_it_and_lets_go_when_it_is_killed(tmp_path: Path) -> None:
    use(tmp_path)
    command = [sys.executable, "-c", _USER, str(tmp_path), NAME]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout is not None
        assert user.stdout.readline().strip() == str(tmp_path / NAME)
        age(tmp_path)
        assert delete_unused(tmp_path, BEFORE) == 0
        user.kill()
        user.wait()
        assert delete_unused(tmp_path, BEFORE) == 1


def test_one_that_is_being_made_stays(tmp_path: Path) -> None:
    begun, go_on, made = threading.Event(), threading.Event(), []

    def slowly(place: Path) -> None:
        make(place)
        os.utime(place, (LONG_AGO, LONG_AGO))
        begun.set()
        assert go_on.wait(60)

    def want() -> None:
        with environment_in_use(tmp_path, NAME, slowly) as ready:
            made.append((ready / "python").exists())

    thread = threading.Thread(target=want)
    thread.start()
    assert begun.wait(60)
    assert delete_unused(tmp_path, BEFORE) == 0
    go_on.set()
    thread.join(60)
    assert made == [True]


def test_who_comes_while_it_is_taken_away_gets_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(tmp_path)
    age(tmp_path)
    waits, got = threading.Event(), []
    flock = fcntl.flock

    def noting(file: int, how: int) -> None:
        if how == fcntl.LOCK_EX and threading.current_thread() is comer:
            waits.set()
        flock(file, how)

    def making(place: Path) -> None:
        """Alone: it holds the lock that whoever comes now will ask for, and not the one that was deleted."""
        with (tmp_path / f"{NAME}.lock").open() as standing, pytest.raises(BlockingIOError):
            flock(standing.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        make(place)

    def want() -> None:
        with environment_in_use(tmp_path, NAME, making) as ready:
            got.append((ready / "python").exists())

    comer = threading.Thread(target=want)
    rename = Path.rename

    def renaming(path: Path, to: Path) -> Path:
        comer.start()
        assert waits.wait(60)
        assert got == []
        return rename(path, to)

    monkeypatch.setattr("bongsu.machine.shared_environments.fcntl.flock", noting)
    monkeypatch.setattr(Path, "rename", renaming)
    assert delete_unused(tmp_path, BEFORE) == 1
    comer.join(60)
    assert got == [True]
    assert left(tmp_path) == {NAME}


@pytest.mark.parametrize("mark", [".ready", ""], ids=["whole", "half-made"])
def test_one_of_an_earlier_version_counts_as_used_when_it_is_first_seen(tmp_path: Path, mark: str) -> None:
    make(tmp_path / NAME)
    (tmp_path / f"{NAME}.lock").touch()
    marked = tmp_path / NAME / mark
    if mark:
        marked.touch()
    for deleted in (0, 1):
        os.utime(marked, (LONG_AGO, LONG_AGO))
        assert delete_unused(tmp_path, BEFORE) == deleted
        assert (tmp_path / NAME / ".ready").exists() is (bool(mark) and not deleted), (
            "what is not whole is not called so"
        )


def test_what_could_not_be_made_is_made_anew_and_what_was_left_half_deleted_goes(tmp_path: Path) -> None:
    def fail(place: Path) -> None:
        make(place)
        (place / "half").touch()
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"), environment_in_use(tmp_path, NAME, fail):
        pass
    use(tmp_path)
    assert not (tmp_path / NAME / "half").exists()
    make(tmp_path / "fedcba.gone")
    assert delete_unused(tmp_path, BEFORE) == 0
    assert left(tmp_path) == {NAME}


def test_locks_of_what_was_deleted_or_never_made_go(tmp_path: Path) -> None:
    for name in (f"{NAME}.lock", f"{NAME}.use", "fedcba.lock"):
        (tmp_path / name).touch()
    assert delete_unused(tmp_path, BEFORE) == 0
    assert list(tmp_path.iterdir()) == []


def test_locks_of_what_is_about_to_be_made_stay(tmp_path: Path) -> None:
    def look(place: Path) -> None:
        assert delete_unused(tmp_path, BEFORE) == 0
        assert (tmp_path / f"{NAME}.lock").exists()
        make(place)

    with environment_in_use(tmp_path, NAME, look):
        pass


def test_where_there_are_none_there_is_nothing_to_delete(tmp_path: Path) -> None:
    assert delete_unused(tmp_path / "environments", BEFORE) == 0
