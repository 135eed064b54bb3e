"""GPU grants over HTTP: given by one ministry to another, seen by both and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import STAFF

from bongsu.domain.documents import iso_time
from bongsu.domain.people import Role


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    monkeypatch.setitem(STAFF, "army-pm", ("army", Role.PROGRAMME_MANAGER))
    made = ApiPlace(tmp_path)
    yield made
    made.close()


def order(place: ApiPlace) -> dict[str, Any]:
    return {
        "id": "nap-1",
        "giver": "army",
        "receiver": "mnd",
        "programme": "nap",
        "accelerator": "H100",
        "gpuHours": 100.0,
        "begins": place.now,
        "ends": place.now + 30 * 86_400,
    }


def test_a_grant_is_seen_by_who_gave_it_and_who_got_it(place: ApiPlace) -> None:
    assert place.ask("lee", "POST", "/v1/grants", json=order(place)).status_code == 404, "in the name of another"
    assert place.ask("army-eng", "POST", "/v1/grants", json=order(place)).status_code == 403
    given = place.ask("army-pm", "POST", "/v1/grants", json=order(place))
    assert given.status_code == 201, given.text
    for person in ("army-pm", "lee", "kim"):
        assert [one["id"] for one in place.ask(person, "GET", "/v1/grants").json()["items"]] == ["nap-1"]
        assert place.ask(person, "GET", "/v1/grants/nap-1").json()["grant"]["given"]["gpuHours"] == 100.0


def test_an_adjustment_that_comes_again_is_booked_once(place: ApiPlace) -> None:
    place.ask("army-pm", "POST", "/v1/grants", json=order(place))
    change, key = {"gpuHours": 20, "reason": "As agreed"}, {"Idempotency-Key": "k"}
    for _ in range(2):
        made = place.ask("army-pm", "POST", "/v1/grants/nap-1/adjust", json=change, headers=key)
        assert made.status_code == 201, made.text
    assert place.ask("lee", "GET", "/v1/grants/nap-1").json()["grant"]["given"]["gpuHours"] == 120.0
    refused = place.ask("lee", "POST", "/v1/grants/nap-1/adjust", json=change)
    assert refused.status_code in (403, 404), "a receiver does not give itself more"


def test_a_notice_that_was_withdrawn_says_when_it_ended(place: ApiPlace) -> None:
    place.ask("army-pm", "POST", "/v1/grants", json=order(place))
    asked = {"gpuHours": 20, "reason": "Unused"}
    standing = place.ask("army-pm", "POST", "/v1/grants/nap-1/reclaim", json=asked).json()
    assert standing["endedAt"] is None
    place.now += 60
    withdrawn = place.ask("army-pm", "POST", "/v1/grants/nap-1/reclaim/withdraw").json()
    assert withdrawn == standing | {"endedAt": iso_time(place.now)}
    place.now += 60
    assert place.ask("army-pm", "POST", "/v1/grants/nap-1/reclaim/withdraw").json() == withdrawn, "once"


def test_showback_is_a_table_and_its_sum(place: ApiPlace) -> None:
    place.ask("army-pm", "POST", "/v1/grants", json=order(place))
    period = {"since": "2023-01-01T00:00:00Z", "until": "2024-01-01T00:00:00Z"}
    found = place.ask("lee", "GET", "/v1/showback", params=period)
    assert found.json()["total"]["used"]["gpuMilliseconds"] == 0
    table = place.ask("lee", "GET", "/v1/showback", params=period | {"form": "csv"})
    assert table.headers["content-type"].startswith("text/csv")


def test_every_entry_of_a_grant_names_its_request(place: ApiPlace) -> None:
    def done(number: str, person: str, path: str, **body: Any) -> None:
        headers = {"X-Request-Id": number}
        answer = place.ask(person, "POST", f"/v1/grants{path}", json=body or None, headers=headers)
        assert answer.status_code in (200, 201, 403), answer.text

    done("request-give", "army-pm", "", **order(place))
    done("request-adjust", "army-pm", "/nap-1/adjust", gpuHours=20, reason="As agreed")
    done("request-refused", "lee", "/nap-1/adjust", gpuHours=20, reason="More")
    done("request-announce", "army-pm", "/nap-1/reclaim", gpuHours=20, reason="Unused")
    done("request-withdraw", "army-pm", "/nap-1/reclaim/withdraw")
    done("request-close", "army-pm", "/nap-1/close", reason="Over")
    log = place.ask("aud", "GET", "/v1/ministries/mnd/audit/entries", params={"object": "grant:nap-1"}).json()[
        "items"
    ]
    found = {one["content"]["request"] for one in log}
    assert found == {
        "request-give",
        "request-adjust",
        "request-refused",
        "request-announce",
        "request-withdraw",
        "request-close",
    }
