"""The log of a ministry that was closed: its auditors and accreditors read it, and those of the ministry that was named
as its witness; nobody writes into it, and to others it is not there."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from people_api import PeopleApi
from sqlalchemy import update

from bongsu.domain.checkpoints import EntryProof, SignedCheckpoint
from bongsu.domain.people import Role
from bongsu.domain.signed_notes import VerifierKey
from bongsu.service.audit.bundles import parsed
from bongsu.service.audit.verdict import Trust
from bongsu.service.audit.verifying import verify_bundle, verify_proof
from bongsu.store.database import Database
from bongsu.store.schema_people import ministries

LOG = "/v1/ministries/msit/audit"
READING = ("entries", "entries/0", "entries/0/proof", "checkpoint", "consistency?old=1", "witness-request")
READING += ("keys", "export", "check")
READERS = ("msit/aud", "msit/acc", "mnd/aud", "mnd/acc")
OTHERS = ("msit/op", "msit/kim", "mnd/op", "mnd/kim", "navy/aud")


@pytest.fixture
def place(database: Database, tmp_path: Path) -> PeopleApi:
    """MSIT is open still, and there is a third ministry."""
    made = PeopleApi(database, tmp_path)
    navy = {"name": "navy", "titleKo": "해군", "titleEn": "Navy"}
    operator = {"id": "navy/op", "name": "x", "issuer": "https://login.example", "subject": "sub-navy/op"}
    made.done("mnd/op", "/v1/ministries", **navy, operator=operator)
    for ministry in ("mnd", "msit", "navy"):
        made.add(f"{ministry}/aud", **{ministry: Role.AUDITOR})
        made.add(f"{ministry}/acc", **{ministry: Role.ACCREDITOR})
        made.add(f"{ministry}/kim", **{ministry: Role.ENGINEER})
    return made


def close(place: PeopleApi, **how: Any) -> dict[str, Any]:
    found: dict[str, Any] = place.done("msit/op", "/v1/ministries/msit/close", **how)
    return found


def test_who_may_reads_it(place: PeopleApi) -> None:
    assert close(place, witness="mnd")["witness"] == "mnd"
    for person, path in product(READERS, READING):
        answer = place.ask(person, "GET", f"{LOG}/{path}")
        assert answer.status_code == 200, (person, path, answer.text)


def test_to_others_it_is_not_there(place: PeopleApi) -> None:
    close(place, witness="mnd")
    for person, path in product(OTHERS, READING):
        answer = place.ask(person, "GET", f"{LOG}/{path}")
        nowhere = place.ask(person, "GET", f"/v1/ministries/nowhere/audit/{path}")
        assert answer.status_code == nowhere.status_code == 404, (person, path)
        assert answer.json()["detail"] == nowhere.json()["detail"].replace("nowhere", "msit")


def test_what_is_read_verifies_and_ends_with_the_closing(place: PeopleApi) -> None:
    close(place, witness="mnd")
    (last,) = place.ask("mnd/aud", "GET", f"{LOG}/entries", params={"action": "ministry.close"}).json()["items"]
    assert last["content"]["facts"] == {"witness": "mnd"}
    (key,) = place.ask("mnd/aud", "GET", f"{LOG}/keys").json()["keys"]
    trust = Trust(keys=(VerifierKey.parse(key),))
    proof = place.ask("mnd/aud", "GET", f"{LOG}/entries/{last['position']}/proof").text
    assert EntryProof.parse(proof).entry == last["text"]
    assert verify_proof(proof, "proof", trust).holds
    lines = place.ask("mnd/aud", "GET", f"{LOG}/export").text.splitlines(keepends=True)
    assert verify_bundle([parsed(line.encode()) for line in lines], "bundle", trust).holds
    checkpoint = SignedCheckpoint.parse(place.ask("msit/acc", "GET", f"{LOG}/checkpoint").text).checkpoint
    assert checkpoint.size == json.loads(lines[0])["size"]


def test_they_read_and_do_nothing_else_there(place: PeopleApi) -> None:
    checkpoint = place.ask("msit/aud", "GET", f"{LOG}/checkpoint").text
    (key,) = place.ask("msit/aud", "GET", f"{LOG}/keys").json()["keys"]
    body = {"checkpoint": checkpoint, "witness": key}
    close(place, witness="mnd")
    for person in READERS:
        assert place.ask(person, "POST", f"{LOG}/cosignatures", json=body).status_code == 404, person
        assert place.ask(person, "GET", "/v1/ministries/msit/people").status_code == 404, person
        assert "msit" not in place.ask(person, "GET", "/v1/me").json()["ministries"]


def test_without_a_witness_it_is_its_own_auditors_alone(place: PeopleApi) -> None:
    assert close(place)["witness"] is None
    assert place.ask("msit/aud", "GET", f"{LOG}/entries").status_code == 200
    assert place.ask("mnd/aud", "GET", f"{LOG}/entries").status_code == 404


def test_a_witness_that_takes_its_name_later_reads_nothing(place: PeopleApi) -> None:
    close(place)
    with place.platform.database.write() as connection:  # as it could be closed before that was checked
        connection.execute(update(ministries).where(ministries.c.name == "msit").values(witness="army"))
    place.now += 10
    operator = {"id": "army/op", "name": "x", "issuer": "https://login.example", "subject": "sub-army/op"}
    place.done("mnd/op", "/v1/ministries", name="army", titleKo="육군", titleEn="Army", operator=operator)
    place.add("army/aud", army=Role.AUDITOR)
    assert place.ask("army/aud", "GET", f"{LOG}/entries").status_code == 404


def test_who_is_auditor_no_longer_in_the_witness_or_is_disabled_reads_no_longer(place: PeopleApi) -> None:
    close(place, witness="mnd")
    place.done("mnd/op", "/v1/people/mnd/aud/roles/take", ministry="mnd", role="auditor")
    assert place.ask("mnd/aud", "GET", f"{LOG}/entries").status_code == 404
    place.done("mnd/op", "/v1/people/mnd/acc/disable")
    assert place.ask("mnd/acc", "GET", f"{LOG}/entries").status_code == 401


def test_a_witness_is_another_ministry_that_takes_part(place: PeopleApi) -> None:
    place.done("navy/op", "/v1/ministries/navy/close")
    wrong = {"No Ministry": "people.ministry-form"} | dict.fromkeys(
        ("nowhere", "msit", "navy"), "people.no-witness"
    )
    for name, code in wrong.items():
        refused = place.ask("msit/op", "POST", "/v1/ministries/msit/close", json={"witness": name})
        assert (refused.status_code, refused.json()["code"]) == (422, code), name
    assert place.ask("msit/aud", "GET", "/v1/ministries/msit/people").status_code == 200, "it takes part still"
    assert close(place, witness="mnd")["closedAt"] is not None


def test_who_may_not_close_a_ministry_is_not_told_whether_there_is_a_witness(place: PeopleApi) -> None:
    said = {
        place.ask("msit/kim", "POST", "/v1/ministries/msit/close", json={"witness": name}).json()["code"]
        for name in ("mnd", "nowhere")
    }
    assert said == {"people.not-allowed"}


def test_while_a_ministry_takes_part_its_log_is_its_own(place: PeopleApi) -> None:
    assert place.ask("mnd/aud", "GET", f"{LOG}/entries").status_code == 404
    assert place.ask("msit/kim", "GET", f"{LOG}/entries").status_code == 403
