"""The page of an approver is as many statements for fifty proposals of all kinds as for a few."""

from __future__ import annotations

from pathlib import Path

from api_places import ApiPlace
from many_proposals import propose_each

from bongsu.domain.approval import ProposalKind

MOST = 35
"""Statements for the page of one person, signing in included."""


def test_a_page_of_fifty_is_as_many_statements_as_one_of_five(tmp_path: Path) -> None:
    place = ApiPlace(tmp_path)
    place.permit_use()
    place.permit_data()
    numbers = {}
    try:
        for range_ in (range(2), range(2, 10)):
            propose_each(place, range_)
            # That somebody looks is on record once in ten minutes, whatever is on the list.
            for _look in range(2):
                place.ask("ann", "GET", "/v1/approvals")
            with place.asked() as statements:
                response = place.ask("ann", "GET", "/v1/approvals")
            listed = response.json()["items"]
            assert {one["binding"]["kind"] for one in listed} == {kind.value for kind in ProposalKind}
            numbers[len(listed)] = len(statements)
        with place.asked() as statements:
            assert len(place.ask("ann", "GET", "/v1/approvals?limit=1").json()["items"]) == 1
    finally:
        place.close()
    assert list(numbers) == [10, 50]
    assert numbers[50] == numbers[10] <= MOST
    assert 0 < len(statements) <= numbers[50]
