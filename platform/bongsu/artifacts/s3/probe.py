"""Is a bucket fit to hold artifacts? Asked of the server itself, with an object that is taken away again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bongsu.artifacts.s3.store import S3Store
from bongsu.domain.codes import artifact as codes
from bongsu.domain.problems import BongsuError, Problem

MAX_SKEW_S = 300.0
"""S3 refuses requests that are 15 minutes off; a clock that goes wrong is told before that."""


@dataclass(frozen=True)
class Fitness:
    """What was found: how far the server's clock is ahead of ours in seconds (None if it does not tell), and all
    that is wrong."""

    skew_s: float | None
    problems: tuple[Problem, ...]


def reach(store: S3Store) -> datetime | None:
    """Look into the bucket. Returns what its clock says, if it tells.

    Raises:
        BongsuError: ``artifact.no-bucket``, ``artifact.credentials``, ``artifact.denied``, ``artifact.clock``,
            ``artifact.remote-unreachable``, ``artifact.remote-refused``.
    """
    try:
        date = parsedate_to_datetime(store.server_date())
    except (TypeError, ValueError):
        return None
    # Without a zone it is in UTC all the same (RFC 5322, "-0000").
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def examine(store: S3Store, clock: Callable[[], datetime]) -> Fitness:
    """Reach the bucket, compare its clock with ours, and write, read and delete an object, as a run would."""
    try:
        date = reach(store)
        skew = (date - clock()).total_seconds() if date else None
    except BongsuError as error:
        return Fitness(None, tuple(error.problems))
    problems = []
    if skew is not None and abs(skew) > MAX_SKEW_S:
        problems.append(codes.CLOCK.at(store=store.uri, detail=f"{skew:+.0f} s"))
    try:
        problems += _written(store)
    except BongsuError as error:
        problems += error.problems
    return Fitness(skew, tuple(problems))


def _written(store: S3Store) -> list[Problem]:
    name, data = f"probe/{secrets.token_hex(8)}", b"bongsu doctor"
    store.create_once(name, data)
    try:
        overwritten = store.create_once(name, b"another")
        found = store.read_object(name)
    finally:
        store.delete_object(name)
    if overwritten or found != data:
        return [codes.NO_CONDITION.at(store=store.uri)]
    return []
