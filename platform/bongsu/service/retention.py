"""For how long a server keeps what nothing needs any more: logs of attempts, and environments that none has used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

from bongsu.domain.codes import run as codes
from bongsu.domain.problems import BongsuError
from bongsu.domain.server_defaults import ENVIRONMENT_DAYS, LOG_DAYS
from bongsu.machine.removing import remove_tree
from bongsu.machine.shared_environments import delete_unused
from bongsu.service.home import ENVIRONMENTS, LOGS
from bongsu.service.platform import Platform
from bongsu.store.attempts import attempts_of
from bongsu.store.runs import get_run

DAY_S = 86_400.0


@dataclass(frozen=True)
class Kept:
    """Attributes:
    log_days: logs of an attempt that is over, in days from its end.
    environment_days: an environment, in days from the end of its last use.
    """

    log_days: int = LOG_DAYS
    environment_days: int = ENVIRONMENT_DAYS


def delete_old_logs(platform: Platform, days: int) -> int:
    """Delete from this machine what attempts wrote that have been over for so many days; of how many attempts. What the
    database does not know stays."""
    before, found = platform.clock() - days * DAY_S, 0
    for folder in _folders(platform.home / LOGS):
        old = [one for stage in _folders(folder) for one in _folders(stage) if _written_at(one) < before]
        if not old and any(_folders(folder)):
            continue
        over, is_over = _ended(platform, folder.name, before)
        for one in old:
            if (one.parent.name, one.name) in over:
                remove_tree(one)
                found += not one.exists()
        if is_over:
            _remove_empty(folder)
    return found


def delete_old_environments(platform: Platform, days: int) -> int:
    """Delete environments of stages that nobody uses, nor has used for so many days, from this machine; how many."""
    return delete_unused(platform.home / ENVIRONMENTS, platform.clock() - days * DAY_S)


def _ended(platform: Platform, run: str, before: float) -> tuple[set[tuple[str, str]], bool]:
    """Attempts of the run that were over before then, as their folders are called; and whether the run is over."""
    try:
        with platform.read() as connection:
            is_over = get_run(connection, run).state.is_final
            attempts = attempts_of(connection, run)
    except BongsuError as error:
        if error.problems[0].code not in (codes.UNKNOWN_RUN, codes.DATABASE_DAMAGED):
            raise
        return set(), False
    over = [one for one in attempts if one.finished_at is not None and one.finished_at < before]
    return {(one.stage_id, str(one.number)) for one in over}, is_over


def _written_at(folder: Path) -> float:
    """When something was last put into it."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return inf


def _remove_empty(folder: Path) -> None:
    """With what is below it; whatever stands in one stays with it."""
    for one in (*_folders(folder), folder):
        with contextlib.suppress(OSError):
            one.rmdir()


def _folders(place: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(path for path in place.iterdir() if path.is_dir() and not path.is_symlink())
