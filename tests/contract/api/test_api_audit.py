"""The audit log over HTTP, on each database: for those who may look into it, for others as if it were not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import SECRET, SENSITIVE
from sqlalchemy import text, update

from bongsu.domain.checkpoints import EntryProof, SignedCheckpoint, WitnessRequest
from bongsu.domain.codes.run import DATABASE_BUSY
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.merkle import is_consistent
from bongsu.domain.signed_notes import SignatureKind, SignedNote, SigningKey, VerifierKey
from bongsu.service.audit import checking
from bongsu.service.audit.bundles import parsed
from bongsu.service.audit.cosignatures import MOST_COSIGNATURES
from bongsu.service.audit.verdict import Trust
from bongsu.service.audit.verifying import verify_bundle, verify_proof
from bongsu.service.audit.witness_memory import WitnessMemory
from bongsu.service.audit.witnessing import cosign
from bongsu.store.database import Database
from bongsu.store.schema_people import people

LOG = "/v1/ministries/mnd/audit"
WITNESS = SigningKey("witness.example", bytes([7]) * 32)
READING = ("entries", "entries/0", "entries/0/proof", "checkpoint", "consistency?old=0", "witness-request")
READING += ("keys", "export", "check")


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database)
    made.permit_use()
    for number in range(4):
        made.now += 1
        made.run_of("kim", f"p-{number}", (OPEN, SENSITIVE, OPEN, SECRET)[number])
    yield made
    made.close()


def clear(place: ApiPlace, person: str, label: Label) -> None:
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == person).values(clearance=str(label)))


def read(place: ApiPlace, path: str, person: str = "aud", **query: Any) -> Any:
    response = place.ask(person, "GET", f"{LOG}/{path}", params=query)
    assert response.status_code == 200, response.text
    return response.json() if "json" in response.headers["content-type"] else response.text


def key_of(place: ApiPlace) -> VerifierKey:
    (key,) = read(place, "keys")["keys"]
    return VerifierKey.parse(key)


def bundle(place: ApiPlace, **query: Any) -> list[str]:
    response = place.ask("aud", "GET", f"{LOG}/export", params=query)
    assert response.headers["content-type"] == "application/x-ndjson"
    return [f"{line}\n" for line in response.text.split("\n")[:-1]]


def test_pages_hold_every_entry_once_newest_first(place: ApiPlace) -> None:
    seen: list[int] = []
    cursor = ""
    while True:
        page = read(place, "entries", limit=2, cursor=cursor)
        seen += [one["position"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
        place.now += 1
        place.run_of("kim", f"late-{len(seen)}")
    assert seen == list(reversed(range(5)))
    other = place.ask("aud", "GET", f"{LOG}/entries", params={"cursor": "WyJ4Il0"})
    assert (other.status_code, other.json()["code"]) == (400, "api.bad-cursor")
    first = read(place, "entries", limit=2)["next"]
    mixed = place.ask("aud", "GET", f"{LOG}/entries", params={"cursor": first, "actor": "kim"})
    assert mixed.json()["code"] == "api.bad-cursor", "a cursor of one list is none of another"


def test_entries_are_found_by_what_is_asked_for(place: ApiPlace) -> None:
    def positions(**query: Any) -> list[int]:
        return [one["position"] for one in read(place, "entries", fields="position", **query)["items"]]

    assert positions() == [4, 3, 2, 1, 0]
    assert positions(action="run.submit") == positions(action="run.") == positions(object="run:") == [4, 3, 2, 1]
    assert positions(actor="acc") == [0]
    assert positions(outcome="refused") == []
    assert positions(before=2) == [1, 0]
    since = read(place, "entries/3")["content"]["at"]
    assert positions(since=since) == [5, 4, 3], "that the log was read stands in it"
    assert positions(since=since, action="run.") == [4, 3]
    assert positions(until=since) == [2, 1, 0]
    for wrong in ({"since": "2026-11-01T00:00:00"}, {"outcome": "maybe"}, {"before": 1 << 63}, {"actor": "a\0b"}):
        response = place.ask("aud", "GET", f"{LOG}/entries", params=wrong)
        assert (response.status_code, response.json()["code"]) == (422, "api.bad-request"), wrong


def test_an_entry_above_a_clearance_is_a_hash_and_no_answer_to_a_question(place: ApiPlace) -> None:
    clear(place, "aud", SENSITIVE)
    shown = {one["position"]: one for one in read(place, "entries")["items"]}
    assert [position for position, one in shown.items() if one["text"] is None] == [4]
    assert len(shown[4]["leaf"]) == 64
    assert [one["position"] for one in read(place, "entries", action="run.submit")["items"]] == [3, 2, 1]
    assert read(place, "entries/4") == shown[4]
    proof = place.ask("aud", "GET", f"{LOG}/entries/4/proof")
    assert (proof.status_code, proof.json()["code"]) == (403, "audit.above-clearance")
    assert sum("entry" not in json.loads(line) and "position" in json.loads(line) for line in bundle(place)) == 1


def test_another_ministrys_log_is_as_one_that_there_is_not(place: ApiPlace) -> None:
    before = place.log("mnd")
    for path in (*READING, "cosignatures"):
        method, body = ("POST", {"checkpoint": "", "witness": ""}) if path == "cosignatures" else ("GET", None)
        if body:
            body = {"checkpoint": read(place, "checkpoint"), "witness": str(WITNESS.public(SignatureKind.WITNESS))}
        answers = [
            place.ask("army-aud", method, f"/v1/ministries/{ministry}/audit/{path}", json=body)
            for ministry in ("mnd", "nowhere")
        ]
        assert [one.status_code for one in answers] == [404, 404], path
        told = [str(one.json()["problems"]) for one in answers]
        assert told[0].replace("mnd", "nowhere") == told[1]
    assert place.log("mnd") == before, "and nobody there hears that somebody asked"


@pytest.mark.parametrize("path", READING)
def test_who_lacks_the_permission_is_told_so_and_it_is_recorded(place: ApiPlace, path: str) -> None:
    response = place.ask("kim", "GET", f"{LOG}/{path}", headers={"X-Request-Id": "request-1"})
    assert (response.status_code, response.json()["code"]) == (403, "audit.forbidden"), path
    actor, action, entry = place.log()[-1]
    assert (actor, action) == ("kim", "audit.read")
    assert (json.loads(entry)["outcome"], json.loads(entry)["request"]) == ("refused", "request-1")


def test_what_is_signed_verifies_with_the_key_and_grows(place: ApiPlace) -> None:
    key = key_of(place)
    assert key.name == "bongsu/mnd"
    first = SignedCheckpoint.parse(read(place, "checkpoint"))
    (line,) = first.note.of(key)
    assert key.signed(first.note.text, line.signature)
    assert read(place, "checkpoint") == str(first.note), "nothing happened in between"
    proved = verify_proof(read(place, "entries/1/proof"), "proof", Trust(keys=(key,)))
    assert proved.holds, proved.problems
    assert EntryProof.parse(read(place, "entries/1/proof")).index == 1
    place.run_of("kim", "later")
    grown = read(place, "consistency", old=first.checkpoint.size)
    assert (grown["oldSize"], grown["newSize"]) == (5, 6)
    hashes = [bytes.fromhex(one) for one in grown["proof"]]
    assert bytes.fromhex(grown["oldRoot"]) == first.checkpoint.root
    assert is_consistent(first.checkpoint.root, 5, bytes.fromhex(grown["newRoot"]), 6, hashes)
    assert read(place, "consistency", old=2, new=4)["newSize"] == 4
    for sizes in ({"old": 7}, {"old": 4, "new": 3}, {"old": 0, "new": 7}):
        response = place.ask("aud", "GET", f"{LOG}/consistency", params=sizes)
        assert (response.status_code, response.json()["code"]) == (422, "audit.no-such-size"), sizes


def test_another_ministry_witnesses_and_exports_hold_it(place: ApiPlace, tmp_path: Path) -> None:
    request = WitnessRequest.parse(read(place, "witness-request", since=0))
    memory = WitnessMemory(tmp_path / "memory")
    signed = cosign(request, memory, WITNESS, place.now, (key_of(place),))
    witness = WITNESS.public(SignatureKind.WITNESS)
    body = {"checkpoint": str(signed.note), "witness": str(witness)}
    assert place.ask("acc", "POST", f"{LOG}/cosignatures", json=body).json()["code"] == "audit.forbidden"
    statuses = [place.ask("aud", "POST", f"{LOG}/cosignatures", json=body).status_code for _ in range(2)]
    assert statuses == [201, 200]
    lines = bundle(place)
    verdict = verify_bundle(
        [parsed(line.encode()) for line in lines], "bundle", Trust(keys=(key_of(place),), witnesses=(witness,))
    )
    assert verdict.holds, verdict.problems
    again = WitnessRequest.parse(read(place, "witness-request", since=request.signed.checkpoint.size))
    assert cosign(again, memory, WITNESS, place.now).checkpoint.size > request.signed.checkpoint.size
    for wrong in ({"checkpoint": "no note"}, {"witness": "no key"}):
        response = place.ask("aud", "POST", f"{LOG}/cosignatures", json=body | wrong)
        assert (response.status_code, response.json()["code"]) == (422, "api.bad-request")


def test_no_auditor_makes_the_exports_unreadable(place: ApiPlace) -> None:
    note = read(place, "checkpoint")
    checkpoint = SignedCheckpoint.parse(note)

    def bring(signed: SignedCheckpoint, witness: SigningKey) -> tuple[int, dict[str, Any]]:
        text = signed.note.text
        cosigned = SignedNote(text, (*signed.note.signatures, witness.cosign(text, 1)))
        body = {"checkpoint": str(cosigned), "witness": str(witness.public(SignatureKind.WITNESS))}
        response = place.ask("aud", "POST", f"{LOG}/cosignatures", json=body)
        return response.status_code, response.json()

    drawn = [SigningKey(f"witness{number}.example", bytes([number]) * 32) for number in range(MOST_COSIGNATURES)]
    assert {bring(checkpoint, one)[0] for one in drawn} == {201}
    status, told = bring(checkpoint, WITNESS)
    assert (status, told["code"]) == (409, "audit.too-many-cosignatures")
    itself = place.ask(
        "aud", "POST", f"{LOG}/cosignatures", json={"checkpoint": note, "witness": str(key_of(place))}
    )
    assert (itself.status_code, itself.json()["code"]) == (422, "audit.no-witness-key")
    assert bring(SignedCheckpoint.parse(read(place, "checkpoint")), WITNESS)[0] == 201, "the next one has room"
    witnesses = tuple(one.public(SignatureKind.WITNESS) for one in (WITNESS, *drawn))
    lines = [parsed(line.encode()) for line in bundle(place)]
    verdict = verify_bundle(lines, "bundle", Trust(keys=(key_of(place),), witnesses=witnesses))
    assert verdict.holds, verdict.problems


def test_an_export_ends_with_who_made_it_and_can_begin_later(place: ApiPlace) -> None:
    whole = [json.loads(line) for line in bundle(place)]
    last = json.loads(whole[-2]["entry"])
    assert (last["action"], last["actor"], whole[-1]) == ("audit.export", "aud", {"end": 6})
    later = [json.loads(line) for line in bundle(place, since=5)]
    assert [line["position"] for line in later if "position" in line] == [5, 6]
    assert verify_bundle([parsed(line.encode()) for line in bundle(place, since=3)], "b", Trust()).holds
    assert read(place, "check")["size"] == 8


def test_an_export_says_whether_the_log_is_whole_and_is_there_though_it_is_not(place: ApiPlace) -> None:
    assert place.ask("aud", "GET", f"{LOG}/export").headers["bongsu-log-check"] == "whole"
    with place.platform.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER audit_entries_no_update"))
        changed = "UPDATE audit_entries SET entry = replace(entry, 'kim', 'lee') WHERE position = 2"
        connection.execute(text(changed))
    taken = place.ask("aud", "GET", f"{LOG}/export")
    assert taken.status_code == 200
    assert "audit.entry-changed" in taken.headers["bongsu-log-check"].split(", ")


def test_a_log_that_nobody_could_read_at_the_moment_is_not_called_damaged(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_given: object) -> None:
        raise DATABASE_BUSY.error(url="sqlite:///bongsu.db", detail="it is locked")

    monkeypatch.setattr(checking, "checked", busy)
    taken = place.ask("aud", "GET", f"{LOG}/export")
    assert (taken.status_code, taken.json()["code"]) == (503, "run.database-busy")
    assert "bongsu-log-check" not in taken.headers


def test_a_log_that_was_changed_is_told_and_not_signed(place: ApiPlace) -> None:
    read(place, "checkpoint")
    with place.platform.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit_nodes DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER audit_nodes_no_update"))
        connection.execute(text("UPDATE audit_nodes SET hash = :hash WHERE level = 2"), {"hash": bytes(32)})
    for path in ("checkpoint", "witness-request", "export", "entries/0/proof", "check"):
        response = place.ask("aud", "GET", f"{LOG}/{path}")
        assert (response.status_code, response.json()["code"]) == (500, "audit.damaged"), path
    assert read(place, "entries/0")["content"]["action"] == "use.register"
