"""Is the state directory whole, private, and up to date."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from bongsu.domain.codes import run as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, as_phrase, joined, phrase
from bongsu.domain.problems import BongsuError, Problem
from bongsu.service.artifact_place import place_of, reached
from bongsu.service.doctor.finding import Finding
from bongsu.service.home import (
    DATABASE,
    LOCK,
    PUBLISHER_LOCK,
    TRACKING_DATABASE,
    close_to_others,
    holds_work,
    prepare_home,
    refuse_closed,
)

# Of rows that cannot be read.
SHOWN = 3


def closed(home: Path) -> Finding | None:
    """Whose home it is, if this user may not look into it."""
    try:
        refuse_closed(home)
    except BongsuError as error:
        return _told(N_("State directory"), error.problems[0])
    return None


def writable(home: Path) -> Finding:
    try:
        prepare_home(home)
        with tempfile.NamedTemporaryFile(dir=home):
            pass
    except OSError as error:
        return Finding(
            "problem", N_("State directory"), str(error), N_("Set BONGSU_HOME to a directory you may write to.")
        )
    return Finding("ok", N_("State directory"), str(home))


def private(home: Path) -> Finding:
    found = close_to_others(home)
    subject = N_("Files that others could read")
    if found.refused:
        fix = N_("They belong to somebody else: have their owner close them, or use a directory of your own.")
        return Finding("problem", subject, str(found.refused), fix)
    if found.closed:
        fix = N_("They are closed now; think of who may have read them before.")
        return Finding("warning", subject, str(found.closed), fix)
    return Finding("ok", subject, "0")


def artifacts(home: Path, environment: Mapping[str, str], clock: Callable[[], datetime]) -> list[Finding]:
    """The bucket, if the artifacts lie in one: it is reached, its clock compared with ``clock``, and an object written,
    read and taken away."""
    subject = N_("Artifact store")
    try:
        place = place_of(home, environment)
    except BongsuError as error:
        return [_told(subject, error.problems[0])]
    if not place.is_remote:
        return []
    from bongsu.artifacts.s3.probe import examine as examine_bucket
    from bongsu.artifacts.s3.store import S3Store

    try:
        with reached(place, environment):
            fitness = examine_bucket(S3Store.from_uri(place.uri, place.cache), clock)
    except BongsuError as error:  # e.g. a profile that does not exist
        return [_told(subject, error.problems[0])]
    if fitness.problems:
        return [_told(subject, problem) for problem in fitness.problems]
    skew = "–" if fitness.skew_s is None else f"{fitness.skew_s:+.0f} s"
    return [
        Finding("ok", subject, f"{place.uri} ({place.endpoint})" if place.endpoint else place.uri),
        Finding("ok", N_("Clock of the artifact store"), skew),
    ]


def _told(subject: str, problem: Problem) -> Finding:
    facts = joined([value if isinstance(value, Phrase) else str(value) for value in problem.args.values()], ", ")
    fact = phrase("{code}: {facts}", code=problem.code.name, facts=facts)
    return Finding("problem", subject, fact, problem.code.fix)


def database(home: Path, name: str, subject: str) -> Finding:
    """Every page of it is read. It is there once something was run."""
    from bongsu.store.database import check_database, refuse_newer

    path = home / name
    if not path.exists():
        if name == DATABASE and holds_work(home):
            return Finding("problem", subject, "–", codes.DATABASE_LOST.fix)
        if name == TRACKING_DATABASE and (count := _told_once(home)):
            fix = N_("It is gone. The next run, or `bongsu mlflow`, writes it again from the records of the runs.")
            return Finding("warning", subject, f"– ({count})", fix)
        return Finding("ok", subject, "–")
    try:
        check_database(f"sqlite:///{path}", may_be_new=lambda: not holds_work(home))
        if name == DATABASE:
            refuse_newer(f"sqlite:///{path}")
    except BongsuError as error:
        details = joined([problem.args["detail"] for problem in error.problems[:SHOWN]])
        fact = phrase("{path}: {detail}", path=path, detail=details)
        return Finding("problem", subject, fact, error.problems[0].code.fix)
    return Finding("ok", subject, str(path))


def served_database(url: str) -> Finding:
    """Every row of a server's database is read."""
    from bongsu.store.addresses import parsed, shown
    from bongsu.store.database import check_database, refuse_newer

    subject = N_("Database of runs")
    try:
        refuse_newer(url)
        check_database(url)
        return Finding("ok", subject, shown(parsed(url)))
    except BongsuError as error:
        return _told(subject, error.problems[0])


def _told_once(home: Path) -> int:
    """How many records MLflow once had."""
    from bongsu.store import outbox
    from bongsu.store.database import open_for_reading

    if not (home / DATABASE).is_file():
        return 0
    try:
        with open_for_reading(f"sqlite:///{home / DATABASE}") as connection:
            return outbox.count_told(connection)
    except BongsuError:  # told by another check
        return 0


def locks(home: Path) -> Finding:
    """They are files that processes hold; something else in their place holds up every run."""
    subject = N_("Locks")
    wrong = [name for name in (LOCK, PUBLISHER_LOCK) if (home / name).exists() and not (home / name).is_file()]
    if wrong:
        fix = N_("Move it away: it is no file of Bongsu's, and no run can begin while it is there.")
        return Finding("problem", subject, ", ".join(str(home / name) for name in wrong), fix)
    return Finding("ok", subject, str(home / LOCK))


def undelivered(home: Path) -> Finding:
    """Records of runs that MLflow does not have yet. What is wrong with the database is told by another check."""
    from bongsu.store import outbox
    from bongsu.store.database import open_for_reading

    subject = N_("Records that wait for MLflow")
    if not (home / DATABASE).is_file():
        return Finding("ok", subject, "0")
    try:
        with open_for_reading(f"sqlite:///{home / DATABASE}") as connection:
            count, error = outbox.count_waiting(connection), outbox.last_error(connection)
    except BongsuError:
        return Finding("ok", subject, "–")
    if not count:
        return Finding("ok", subject, "0")
    if not error:
        return Finding("warning", subject, str(count), N_("The next run delivers them."))
    fix = N_(
        "MLflow did not take them when they were last tried. Mend what is named here; every run tries again, and"
        " `delivery.log` in the state directory has more."
    )
    return Finding("warning", subject, phrase("{count} ({error})", count=count, error=as_phrase(error)), fix)
