"""Whose signatures are kept below a log's checkpoints, how many, and that whatever leaves the house can be read."""

from __future__ import annotations

import pytest
from audit_places import KEYS, MND, SITE_KEY, Logs, auditor, event, events
from sqlalchemy import text

from bongsu.domain.checkpoints import EntryProof, SignedCheckpoint, WitnessRequest
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SignatureKind, SignedNote, SigningKey, VerifierKey
from bongsu.service.audit.bundles import parsed
from bongsu.service.audit.checking import check_log, damage_in
from bongsu.service.audit.checkpoints import request_witness, sign
from bongsu.service.audit.cosignatures import MOST_COSIGNATURES, accept_cosignature
from bongsu.service.audit.keys import LogKeys
from bongsu.service.audit.reading import list_entries, prove_entry
from bongsu.service.audit.verdict import Trust, Verdict
from bongsu.service.audit.verifying import verify_bundle
from bongsu.store.audit_checkpoints import StoredCosignature, add_cosignature

WITNESS = SigningKey("witness.example", bytes([7]) * 32)
NEW_KEY = SigningKey("bongsu.example", bytes([9]) * 32)


def drawn(number: int) -> SigningKey:
    return SigningKey(f"witness{number}.example", number.to_bytes(32, "big"))


def public(witness: SigningKey) -> VerifierKey:
    return witness.public(SignatureKind.WITNESS)


def bring(logs: Logs, signed: SignedCheckpoint, witness: SigningKey, key: VerifierKey | None = None) -> bool:
    """What a witness gives back that looks at nothing; with its key, if there is no other."""
    note = SignedNote(signed.note.text, (*signed.note.signatures, witness.cosign(signed.note.text, 1)))
    given = SignedCheckpoint(signed.checkpoint, note)
    return accept_cosignature(logs.platform, auditor(), MND, given, key or public(witness))


def refusal(logs: Logs, signed: SignedCheckpoint, witness: SigningKey, key: VerifierKey | None = None) -> list[str]:
    with pytest.raises(BongsuError) as caught:
        bring(logs, signed, witness, key)
    return [problem.code.name for problem in caught.value.problems]


def verified(logs: Logs, *witnesses: SigningKey) -> Verdict:
    trust = Trust(keys=KEYS.public(MND), witnesses=tuple(map(public, witnesses)))
    return verify_bundle([parsed(line.encode()) for line in logs.bundle(auditor())], "bundle", trust)


def test_the_log_is_no_witness_of_itself(logs: Logs) -> None:
    """By a key of its own, as it is published or under another name; by its name; nor is a key of another kind one."""
    logs.add(*events(5))
    sign(logs.platform, KEYS, MND)
    logs.add(event(5))
    signed = request_witness(logs.platform, LogKeys((NEW_KEY, SITE_KEY)), auditor(), MND).signed
    refused = ["audit.no-witness-key"]
    for key in (*KEYS.public(MND), SITE_KEY.public(), WITNESS.public(SignatureKind.LOG)):
        assert refusal(logs, signed, WITNESS, key) == refused
    for name, seed in (("other.example", SITE_KEY.seed), ("other.example", NEW_KEY.seed), ("w" * 300, bytes(32))):
        assert refusal(logs, signed, SigningKey(name, seed)) == refused, name
    assert refusal(logs, signed, SigningKey("bongsu.example/mnd", bytes([8]) * 32)) == refused
    (newest,) = list_entries(logs.platform, auditor(), MND, limit=1).entries
    assert newest.content is not None
    assert (newest.content["action"], newest.content["outcome"]) == ("audit.cosign", "refused")
    assert newest.content["facts"]["codes"] == refused
    assert bring(logs, signed, WITNESS)


def test_below_one_checkpoint_is_room_for_so_many_witnesses_and_below_the_next_again(logs: Logs) -> None:
    logs.add(*events(5))
    signed = request_witness(logs.platform, KEYS, auditor(), MND).signed
    for number in range(MOST_COSIGNATURES):
        assert bring(logs, signed, drawn(number))
    assert refusal(logs, signed, WITNESS) == ["audit.too-many-cosignatures"]
    assert not bring(logs, signed, drawn(3)), "one that is there is not refused"
    assert bring(logs, request_witness(logs.platform, KEYS, auditor(), MND).signed, WITNESS)
    verdict = verified(logs, WITNESS, drawn(0), drawn(MOST_COSIGNATURES - 1))
    assert verdict.holds, verdict.problems


def test_what_older_versions_kept_leaves_the_house_as_far_as_it_can_be_read(logs: Logs) -> None:
    """They took any number of signatures, and of any kind of key. Those that came first are written."""
    logs.add(*events(5))
    signed = sign(logs.platform, KEYS, MND)
    (own,) = KEYS.public(MND)
    with logs.database.write() as connection:
        (line,) = signed.note.of(own)
        add_cosignature(connection, MND, StoredCosignature(5, str(own), str(line)), 0.0)
        for number in range(120):
            line = drawn(number).cosign(signed.note.text, 1)
            stored = StoredCosignature(5, str(public(drawn(number))), str(line))
            add_cosignature(connection, MND, stored, float(1000 - number))
    first = [drawn(number) for number in range(119, 119 - MOST_COSIGNATURES, -1)]
    asked = request_witness(logs.platform, KEYS, auditor(), MND, 5)
    assert WitnessRequest.parse(str(asked)) == asked
    assert [line.name for line in asked.signed.note.signatures] == [own.name, *(key.name for key in first)]
    proof = prove_entry(logs.platform, KEYS, auditor(), MND, 2)
    assert EntryProof.parse(str(proof)) == proof
    verdict = verified(logs, *first)
    assert verdict.holds, verdict.problems
    assert not verdict.warnings
    assert check_log(logs.platform, auditor(), MND).checkpoints == 2


@pytest.mark.parametrize(
    ("attack", "found"),
    [
        ("UPDATE audit_checkpoints SET note = 'gone'", "audit.damaged"),
        ("UPDATE audit_checkpoints SET note = replace(note, 'bongsu.example/mnd ', 'x ')", "audit.unsigned"),
        ("UPDATE audit_cosignatures SET line = 'gone'", "audit.damaged"),
        ("UPDATE audit_cosignatures SET witness = 'gone'", "audit.damaged"),
        ("UPDATE audit_cosignatures SET line = :line", "audit.wrong-signature"),
    ],
)
def test_a_check_finds_in_signatures_what_whoever_verifies_an_export_finds(
    logs: Logs, attack: str, found: str
) -> None:
    logs.add(*events(5))
    signed = request_witness(logs.platform, KEYS, auditor(), MND).signed
    assert bring(logs, signed, WITNESS)
    assert damage_in(logs.platform, auditor(), MND) == ()
    with logs.database.engine.begin() as connection:
        for table in ("audit_checkpoints", "audit_cosignatures"):
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            else:
                connection.execute(text(f"DROP TRIGGER {table}_no_update"))
        values = {"line": str(WITNESS.cosign("another text\n", 1))} if ":line" in attack else {}
        connection.execute(text(attack), values)
    assert damage_in(logs.platform, auditor(), MND) == (found,)
    if found != "audit.damaged":
        assert [problem.code.name for problem in verified(logs).problems] == [found]
    elif "audit_cosignatures" in attack:
        assert verified(logs).holds, "what nobody can read is left out of it"
