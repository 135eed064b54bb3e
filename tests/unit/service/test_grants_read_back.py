"""What a server says of grants is read back into what it was made of: it gives the same document again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from grant_places import DAY, grant

from bongsu.domain.codes import grants as codes
from bongsu.domain.documents import plain
from bongsu.domain.grants import Balance, Dimension, EntryKind, GrantState, Held
from bongsu.domain.problems import Problem
from bongsu.policy.decision import Decision
from bongsu.policy.grant_forecast import Forecast
from bongsu.policy.grant_needs import Need
from bongsu.policy.weak_use import Weakness, WeakUse
from bongsu.service.grants import documents, reading_back
from bongsu.service.grants.looking import GrantDetails, GrantSummary, LedgerEntry, Notice, Recounted
from bongsu.service.grants.reserving import GrantStanding
from bongsu.service.grants.showback import Showback, ShowbackRow

NOW = 1_700_000_000.25
SUMMARY = GrantSummary(grant(), GrantState.OPEN, 360_000_000, 7_200_001, 13, 352_799_986)
METERED = LedgerEntry(
    EntryKind.METERED, "r-1/a/1", 7_200_001, NOW, "r-1", Held(2, NOW - 3600.5, NOW), reason="succeeded", position=3
)
GIVEN = LedgerEntry(EntryKind.GIVEN, "given", 360_000_000, NOW - DAY, actor="msit/lee", position=1)
RESERVED = LedgerEntry(EntryKind.RESERVED, "r-1/0", 99, NOW, "r-1", until=NOW + DAY, position=2)
FORECASTS = (
    Forecast(7, 1_234_567.0, 0.0, 2_469_134.0, NOW + DAY, NOW, NOW + 2 * DAY, 0),
    Forecast(28, 0.0, 0.0, 0.0, None, None, None, 352_799_986),
)
WEAK = (WeakUse(Weakness.BEHIND, 5, 0.26), WeakUse(Weakness.SILENT, 7, 1.0, ("r-1/a/1",)))
NOTICE = Notice("nap-2026-mnd-01", 0, 3_600_000, "Unused", "msit/lee", NOW, NOW + 7 * DAY)
DETAILS = GrantDetails(SUMMARY, (GIVEN, RESERVED, METERED), 12, FORECASTS, WEAK, 3_600_000, NOTICE)
OBSTACLE = Problem(codes.UNKNOWN)


def sent(document: object) -> object:
    return json.loads(json.dumps(plain(document)))


@pytest.mark.parametrize("details", [DETAILS, replace(DETAILS, notice=None, weak=(), forecasts=(), entries=())])
def test_a_grant_in_full(details: GrantDetails) -> None:
    document = documents.details_document(details)
    assert reading_back.details_of(sent(document)) == details  # type: ignore[arg-type]


def test_a_recount_and_a_showback() -> None:
    counted = Recounted(7_200_001, 7_200_000, ("r-1/a/1", ""))
    assert reading_back.recounted_of(sent(documents.recount_document(counted))) == counted  # type: ignore[arg-type]
    by = (Dimension.MODEL, Dimension.MINISTRY)
    rows = (ShowbackRow(("axk1", "mnd"), 7, 1, 2), ShowbackRow(("", "mnd"), 5, 0, 1))
    shown = Showback(NOW - DAY, NOW, by, rows, 12, 1)
    assert reading_back.showback_of(sent(documents.showback_document(shown))) == shown  # type: ignore[arg-type]


def test_what_a_plan_would_leave() -> None:
    allowed, denied = Decision("grants.owned", None, {"grant": "g"}), Decision("grants.amount", OBSTACLE, {})
    standing = GrantStanding(grant(), Balance(100, 40, 10), Need(60), (allowed, denied))
    told = sent(documents.standing_document(standing))
    assert reading_back.standing_of(told, [OBSTACLE]) == standing  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no obstacle"):
        reading_back.standing_of(told, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("document", [{}, {"grant": None}, {"grant": {"id": 1}}])
def test_what_another_version_wrote_is_not_understood(document: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        reading_back.details_of(document)
