"""What an access permit lets another ministry see: the thing of the ministry that gave it, while it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.people import Actor, Role
from bongsu.policy.access import AccessPermit, Thing, sees

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ENGINEER = Actor("army/kim", "kim", roles={"army": frozenset({Role.ENGINEER})}, clearance=OPEN)
PERMIT = AccessPermit("model:axk1/3", "mnd", "army", "administration", NOW - DAY, NOW + DAY)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (Thing("model:axk1/3", "mnd", OPEN), True),
        (Thing("model:axk1/3", "navy", OPEN), False),
        (Thing("model:axk1/2", "mnd", OPEN), False),
        (Thing("model:axk1/3", "mnd", Label(grade=Grade.SENSITIVE)), False),
    ],
)
def test_it_speaks_of_one_thing_of_the_ministry_that_gave_it(thing: Thing, expected: bool) -> None:
    assert sees(ENGINEER, thing, [PERMIT], NOW) is expected


@pytest.mark.parametrize(("at", "expected"), [(-2, False), (-1, True), (0, True), (1, False)])
def test_it_holds_from_its_begin_to_before_its_end(at: int, expected: bool) -> None:
    assert sees(ENGINEER, Thing("model:axk1/3", "mnd", OPEN), [PERMIT], NOW + at * DAY) is expected


def test_it_is_for_one_ministry() -> None:
    other = Actor("navy/lee", "lee", roles={"navy": frozenset({Role.ENGINEER})})
    assert not sees(other, Thing("model:axk1/3", "mnd", OPEN), [PERMIT], NOW)
