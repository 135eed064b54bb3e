"""What is refused is in a log and is counted, whichever use case refuses it; what the machine lacks is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import STAFF
from test_api_grants import order

from bongsu.domain.codes import run as run_codes
from bongsu.domain.people import Role
from bongsu.service.governance import suspending
from bongsu.service.grants import reclaiming
from bongsu.service.refusals import Refusals
from bongsu.store.database import Database

GRANT = "/v1/grants/nap-1"


class Counted(Refusals):
    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    def note(self, actor: str) -> None:
        super().note(actor)
        self.noted.append(actor)


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    """A grant of the army for ``mnd``, which has one model."""
    monkeypatch.setitem(STAFF, "army-pm", ("army", Role.PROGRAMME_MANAGER))
    made = ApiPlace(tmp_path, database, Counted())
    assert made.ask("army-pm", "POST", "/v1/grants", json=order(made)).status_code == 201
    made.register("served", 1)
    yield made
    made.close()


def refused(place: ApiPlace, ministry: str) -> list[dict[str, Any]]:
    """Entries of its log."""
    entries = [json.loads(entry) for _actor, _action, entry in place.log(ministry)]
    return [one for one in entries if one["outcome"] == "refused"]


def counted(place: ApiPlace) -> list[str]:
    """Of whom a refusal was counted, in order."""
    refusals = place.plane.base.refusals
    assert isinstance(refusals, Counted)
    return refusals.noted


GRANTS: dict[str, tuple[str, str, dict[str, Any] | None, str]] = {
    "no grant that they know of": ("close", f"{GRANT}x/close", {"reason": "It is over."}, "grants.unknown"),
    "no reason": ("close", f"{GRANT}/close", {"reason": " "}, "grants.no-reason"),
    "no amount": ("adjust", f"{GRANT}/adjust", {"gpuHours": 0.0, "reason": "More"}, "grants.bad-amount"),
    "no amount to take back": (
        "announce-reclaim",
        f"{GRANT}/reclaim",
        {"gpuHours": 0.0, "reason": "It is not used."},
        "grants.bad-amount",
    ),
    "nothing was announced": ("withdraw-reclaim", f"{GRANT}/reclaim/withdraw", None, "grants.no-notice"),
    "nothing is to be taken back": ("reclaim", f"{GRANT}/reclaim/apply", None, "grants.no-notice"),
}


@pytest.mark.parametrize("what", GRANTS)
def test_what_is_refused_of_a_grant_is_in_the_logs_and_counted(place: ApiPlace, what: str) -> None:
    action, path, body, code = GRANTS[what]
    answer = place.ask("army-pm", "POST", path, json=body)
    assert answer.json()["code"] == code
    (entry,) = refused(place, "army")
    assert (entry["actor"], entry["action"]) == ("army-pm", f"grant.{action}")
    assert entry["facts"] == {"codes": [code]}
    assert entry["request"] == answer.headers["x-request-id"]
    told = [] if code == "grants.unknown" else [{**entry, "tenant": "mnd"}]
    assert [{**one, "salt": entry["salt"]} for one in refused(place, "mnd")] == told, "both sides hear of it"
    assert counted(place) == ["army-pm"], "and it is one attempt"


@pytest.mark.parametrize(
    ("change", "code"),
    [({}, "grants.name-taken"), ({"id": "nap-2", "receiver": "navy"}, "grants.no-such-ministry")],
)
def test_what_is_refused_of_an_order_is_in_the_givers_log(
    place: ApiPlace, change: dict[str, Any], code: str
) -> None:
    wanted = order(place) | {"gpuHours": 7.0} | change
    assert place.ask("army-pm", "POST", "/v1/grants", json=wanted).json()["code"] == code
    (entry,) = refused(place, "army")
    assert (entry["action"], entry["object"]) == ("grant.give", f"grant:{wanted['id']}")
    assert (entry["facts"], refused(place, "mnd")) == ({"codes": [code]}, [])
    assert counted(place) == ["army-pm"]


@pytest.mark.parametrize("verb", ["cancel", "resume"])
def test_a_run_that_one_may_not_change_or_that_there_is_not_is_on_record(place: ApiPlace, verb: str) -> None:
    place.permit_use()
    run = place.run_of("kim")
    answer = place.ask("lee", "POST", f"/v1/runs/{run}/{verb}")
    assert answer.status_code == 403
    (entry,) = refused(place, "mnd")
    assert (entry["actor"], entry["action"], entry["object"]) == ("lee", f"run.{verb}", f"run:{run}")
    assert entry["facts"] == {"codes": ["access.forbidden"], "rules": ["access.permission"]}
    assert entry["request"] == answer.headers["x-request-id"]
    assert place.ask("army-eng", "POST", f"/v1/runs/{run}/{verb}").status_code == 404
    (entry,) = refused(place, "army")
    assert (entry["object"], entry["facts"]) == (f"run:{run}", {"codes": ["run.unknown"]})
    assert counted(place) == ["lee", "army-eng"]


def test_a_state_in_which_a_run_is_not_cancelled_or_resumed_is_on_record(place: ApiPlace) -> None:
    place.permit_use()
    run = place.run_of("kim")
    assert place.ask("kim", "POST", f"/v1/runs/{run}/cancel").status_code == 202
    assert place.ask("kim", "POST", f"/v1/runs/{run}/resume").status_code == 409
    (entry,) = refused(place, "mnd")
    assert (entry["action"], entry["facts"]) == ("run.resume", {"codes": ["run.still-cancelling"]})


def test_a_fault_of_the_machine_is_no_refusal(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_given: object) -> None:
        raise run_codes.DATABASE_BUSY.error(url="x", detail="it is locked")

    monkeypatch.setattr(suspending, "lock_model", busy)
    body = {"ministry": "mnd", "name": "axk1", "version": None, "reason": "It is wrong."}
    asked = [place.ask("acc", "POST", "/v1/suspensions", json=body)]
    monkeypatch.setattr(reclaiming, "standing_notice", busy)
    asked.append(place.ask("army-pm", "POST", f"{GRANT}/reclaim/withdraw"))
    assert [one.json()["code"] for one in asked] == ["run.database-busy"] * 2
    assert refused(place, "mnd") + refused(place, "army") == []
    assert counted(place) == []


DATASET = {"name": "law", "uri": f"artifact:sha256-{'0' * 64}"}
LIFT = {"ministry": "mnd", "name": "axk1", "version": None, "reason": "It was mended."}
ELSEWHERE: dict[str, tuple[str, str, str, dict[str, Any] | None, dict[str, Any], str]] = {
    "at the door, without the role": (
        "kim",
        "POST",
        "/v1/ministries/mnd/datasets",
        DATASET,
        {"codes": ["access.forbidden"], "rules": ["access.permission"]},
        "datasets.register",
    ),
    "at the door of another ministry": (
        "acc",
        "POST",
        "/v1/suspensions",
        {**LIFT, "ministry": "army"},
        {"codes": ["access.not-a-member"], "rules": ["access.visible"]},
        "models.suspend",
    ),
    "at that of a ministry's log": (
        "aud",
        "GET",
        "/v1/ministries/army/audit/entries",
        None,
        {"codes": ["access.not-a-member"], "rules": ["access.visible"]},
        "audit.read",
    ),
    "a secret of who they know nothing of": (
        "kim",
        "POST",
        "/v1/people/army/x/secrets",
        {},
        {"codes": ["people.unknown"]},
        "secret.new",
    ),
    "sending who they know nothing of": (
        "kim",
        "POST",
        "/v1/people/army/x/secondments/send",
        {"ministry": "mnd"},
        {"codes": ["people.unknown"]},
        "person.send",
    ),
    "a suspension that there is not": (
        "acc",
        "POST",
        "/v1/suspensions/lift",
        {**LIFT, "name": "served"},
        {"codes": ["model.not-suspended"]},
        "approval.propose",
    ),
    "a suspension of a model that there is not": (
        "acc",
        "POST",
        "/v1/suspensions/lift",
        LIFT,
        {"codes": ["governance.no-such"], "rules": ["access.visible"]},
        "approval.propose",
    ),
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_whoever_refuses_it_is_on_record_in_ones_own_ministry(place: ApiPlace, what: str) -> None:
    person, method, path, body, facts, action = ELSEWHERE[what]
    answer = place.ask(person, method, path, json=body)
    (entry,) = refused(place, "mnd")
    assert (entry["actor"], entry["action"], entry["facts"]) == (person, action, facts)
    assert answer.json()["code"] in facts["codes"]
    assert entry["request"] == answer.headers["x-request-id"]
    assert (refused(place, "army"), counted(place)) == ([], [person])
