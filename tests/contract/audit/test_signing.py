"""Checkpoints: when they are made, what they refuse to contradict, who may add to them, how keys change."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_places import KEYS, MND, MSIT, SITE_KEY, Logs, auditor, event, events, tamper
from sqlalchemy import text

from bongsu.domain.checkpoints import Checkpoint, SignedCheckpoint, WitnessRequest
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SignatureKind, SignedNote, SigningKey
from bongsu.service.audit.checking import damage_in
from bongsu.service.audit.checkpoints import (
    DUE_ENTRIES,
    DUE_S,
    checkpoint_due,
    public_keys,
    refuse_other_keys,
    request_witness,
    sign,
)
from bongsu.service.audit.cosignatures import accept_cosignature
from bongsu.service.audit.keys import LogKeys
from bongsu.service.audit.reading import list_entries
from bongsu.service.audit.witness_memory import WitnessMemory
from bongsu.service.audit.witnessing import cosign
from bongsu.store.audit_checkpoints import checkpoints_between

WITNESS = SigningKey("witness.example", bytes([7]) * 32)
NEW_KEY = SigningKey("bongsu.example", bytes([9]) * 32)


def codes_of(call: object, *args: object) -> list[str]:
    with pytest.raises(BongsuError) as caught:
        call(*args)  # type: ignore[operator]
    return [problem.code.name for problem in caught.value.problems]


def cosigned(logs: Logs, folder: Path, since: int = 0) -> SignedCheckpoint:
    request = request_witness(logs.platform, KEYS, auditor(), MND, since)
    return cosign(request, WitnessMemory(folder / "memory"), WITNESS, logs.clock.now, KEYS.public(MND))


def test_a_checkpoint_is_signed_under_the_name_of_its_log_and_made_once(logs: Logs) -> None:
    logs.add(*events(3), event(0, MSIT))
    first = sign(logs.platform, KEYS, MND)
    assert first.checkpoint.origin == "bongsu.example/mnd"
    (key,) = KEYS.public(MND)
    (line,) = first.note.of(key)
    assert key.signed(first.note.text, line.signature)
    assert sign(logs.platform, KEYS, MND) == first
    other = sign(logs.platform, KEYS, MSIT)
    assert not other.note.of(key), "no signature of one log passes for that of another"
    with logs.database.read() as connection:
        assert len(checkpoints_between(connection, MND, 0, 100)) == 1


def test_an_empty_log_has_nothing_to_sign(logs: Logs) -> None:
    assert codes_of(sign, logs.platform, KEYS, MND) == ["audit.empty"]


def test_logs_are_signed_when_enough_was_written_or_enough_time_passed(logs: Logs) -> None:
    assert checkpoint_due(logs.platform, KEYS) == []
    logs.add(event(0), event(0, MSIT))
    assert checkpoint_due(logs.platform, KEYS) == [MND, MSIT], "the first one at once"
    logs.add(event(1))
    assert checkpoint_due(logs.platform, KEYS) == []
    logs.clock.now += DUE_S
    assert checkpoint_due(logs.platform, KEYS) == [MND]
    logs.add(*events(DUE_ENTRIES - 1))
    assert checkpoint_due(logs.platform, KEYS) == []
    logs.add(event(0))
    assert checkpoint_due(logs.platform, KEYS) == [MND]
    logs.clock.now += DUE_S
    assert checkpoint_due(logs.platform, KEYS) == [], "nothing was written"


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit_nodes SET hash = (SELECT hash FROM audit_nodes WHERE level = 0 AND place = 0 AND tenant = 'mnd')"
        " WHERE level = 0 AND place = 2 AND tenant = 'mnd'",
        "UPDATE audit_logs SET size = 1 WHERE tenant = 'mnd'",
        "DELETE FROM audit_nodes WHERE level = 1 AND tenant = 'mnd'",
        "UPDATE audit_checkpoints SET note = 'gone' WHERE tenant = 'mnd'",
    ],
)
def test_what_contradicts_an_earlier_signature_is_not_signed_and_keeps_no_other_log(
    logs: Logs, attack: str
) -> None:
    logs.add(*events(3), event(0, MSIT))
    checkpoint_due(logs.platform, KEYS)
    tamper(logs, attack)
    logs.add(event(1, MSIT))
    with logs.database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_logs SET size = size + 1 WHERE tenant = 'mnd'"))
    assert codes_of(sign, logs.platform, KEYS, MND) == ["audit.damaged"]
    logs.clock.now += DUE_S
    assert codes_of(checkpoint_due, logs.platform, KEYS) == ["audit.damaged"]
    with logs.database.read() as connection:
        assert [one.size for one in checkpoints_between(connection, MSIT, 0, 100)] == [1, 2]


def test_a_key_that_cannot_be_read_keeps_no_server_from_beginning_and_no_key_from_being_told(logs: Logs) -> None:
    logs.add(event(0), event(0, MSIT))
    checkpoint_due(logs.platform, KEYS)
    tamper(logs, "UPDATE audit_checkpoints SET key = 'gone' WHERE tenant = 'mnd'")
    refuse_other_keys(logs.platform, KEYS)
    assert public_keys(logs.platform, KEYS, auditor(), MND) == list(KEYS.public(MND))
    assert "audit.damaged" in damage_in(logs.platform, auditor(), MND)
    with pytest.raises(BongsuError, match="another key of the same name"):
        refuse_other_keys(logs.platform, LogKeys((NEW_KEY,)))


def test_a_log_whose_checkpoint_is_of_no_time_is_signed(logs: Logs) -> None:
    logs.add(event(0))
    checkpoint_due(logs.platform, KEYS)
    if logs.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no such number")
    tamper(logs, "UPDATE audit_checkpoints SET created_at = 'NaN'")
    logs.add(event(1))
    assert checkpoint_due(logs.platform, KEYS) == [MND]


def test_a_witness_that_signed_is_kept_once_and_recorded(logs: Logs, tmp_path: Path) -> None:
    logs.add(*events(5))
    signed, key = cosigned(logs, tmp_path), WITNESS.public(SignatureKind.WITNESS)
    assert accept_cosignature(logs.platform, auditor(), MND, signed, key)
    assert not accept_cosignature(logs.platform, auditor(), MND, signed, key)
    (entry,) = list_entries(logs.platform, auditor(), MND, limit=1).entries
    assert entry.content is not None
    assert entry.content["facts"] == {"size": 5, "witness": str(key)}


def test_a_signature_under_what_the_log_never_signed_is_refused(logs: Logs, tmp_path: Path) -> None:
    logs.add(*events(5))
    signed, key = cosigned(logs, tmp_path), WITNESS.public(SignatureKind.WITNESS)
    forged = Checkpoint(signed.checkpoint.origin, 5, bytes(32))
    note = SignedNote(forged.body, (WITNESS.cosign(forged.body, 1),))
    accept = (logs.platform, auditor(), MND)
    assert codes_of(accept_cosignature, *accept, SignedCheckpoint(forged, note), key) == ["audit.fork"]
    swapped = SignedNote(signed.note.text, note.signatures)
    refused = codes_of(accept_cosignature, *accept, SignedCheckpoint(signed.checkpoint, swapped), key)
    assert refused == ["audit.wrong-signature"]
    stranger = SigningKey("other.example", bytes([8]) * 32).public(SignatureKind.WITNESS)
    assert codes_of(accept_cosignature, *accept, signed, stranger) == ["audit.not-cosigned"]


@pytest.mark.parametrize("role", [Role.ACCREDITOR, Role.ENGINEER])
def test_only_an_auditor_adds_signatures_and_no_machine_for_them(logs: Logs, tmp_path: Path, role: Role) -> None:
    logs.add(*events(5))
    signed, key = cosigned(logs, tmp_path), WITNESS.public(SignatureKind.WITNESS)
    person = Actor("mnd/lee", "Lee", roles={MND: frozenset({role})}, clearance=Label.parse("C"))
    robot = Actor("mnd/robot", "Robot", ActorKind.SERVICE, {MND: frozenset({Role.AUDITOR})})
    for actor, code in ((person, "audit.forbidden"), (robot, "access.people-decide")):
        assert codes_of(accept_cosignature, logs.platform, actor, MND, signed, key) == [code]
    stranger = auditor(ministry=MSIT)
    assert codes_of(accept_cosignature, logs.platform, stranger, MND, signed, key) == ["audit.unknown-log"]


def test_a_request_shows_what_the_witness_gets_and_no_more_than_there_is(logs: Logs) -> None:
    logs.add(*events(5))
    request = request_witness(logs.platform, KEYS, auditor(), MND, 3)
    assert WitnessRequest.parse(str(request)) == request
    for size in (-1, 6):
        assert codes_of(request_witness, logs.platform, KEYS, auditor(), MND, size) == ["audit.no-such-size"]


def test_a_new_key_is_recorded_and_signs_beside_the_old_one(logs: Logs) -> None:
    logs.add(*events(3))
    sign(logs.platform, KEYS, MND)
    both = LogKeys((NEW_KEY, SITE_KEY))
    signed = sign(logs.platform, both, MND)
    new, old = both.public(MND)
    for key in (new, old):
        (line,) = signed.note.of(key)
        assert key.signed(signed.note.text, line.signature)
    (entry,) = list_entries(logs.platform, auditor(), MND, limit=1).entries
    assert entry.content is not None
    assert entry.content["action"] == "audit.change-key"
    assert entry.content["facts"] == {"from": str(old), "to": str(new), "formerKeySigns": True}
    alone = LogKeys((NEW_KEY,))
    assert sign(logs.platform, alone, MND) == signed, "the next signature is due with the next entry"
    assert public_keys(logs.platform, alone, auditor(), MND) == [old, new]


def test_a_key_that_was_lost_is_replaced_and_the_log_says_so(logs: Logs) -> None:
    logs.add(*events(3))
    sign(logs.platform, KEYS, MND)
    signed = sign(logs.platform, LogKeys((NEW_KEY,)), MND)
    assert len(signed.note.signatures) == 1
    (entry,) = list_entries(logs.platform, auditor(), MND, limit=1).entries
    assert entry.content is not None
    assert entry.content["facts"]["formerKeySigns"] is False
