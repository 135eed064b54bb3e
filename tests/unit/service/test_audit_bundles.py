"""Bundles: what an export proves, and that nothing can be done to one without being found, with its place.

Long, because every kind of line is changed, moved, doubled and left out, over the same few bundles.
"""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from audit_places import KEYS, MND, MSIT, SECRET, SITE_KEY, Logs, auditor, event, events, logs_over
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_places import store_at

from bongsu.domain.checkpoints import Checkpoint, SignedCheckpoint
from bongsu.domain.merkle import Frontier, leaf_hash
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SignatureKind, SignatureLine, SignedNote, SigningKey, VerifierKey
from bongsu.service.audit.bundles import LONGEST_LINE
from bongsu.service.audit.checkpoints import request_witness, sign
from bongsu.service.audit.cosignatures import accept_cosignature
from bongsu.service.audit.keys import LogKeys
from bongsu.service.audit.verdict import Signatures, Trust, Verdict
from bongsu.service.audit.verifying import verify
from bongsu.service.audit.witness_memory import WitnessMemory
from bongsu.service.audit.witnessing import cosign

WITNESS = SigningKey("witness.example", bytes([7]) * 32)
WITNESS_KEY = WITNESS.public(SignatureKind.WITNESS)
OTHER = SigningKey("bongsu.example/mnd", bytes([8]) * 32)
TRUST = Trust(keys=KEYS.public(MND), witnesses=(WITNESS_KEY,))
Lines = list[dict[str, Any]]


class Exported:
    """MND's log of 24 entries, signed at 5, 12 and 24 of which a witness signed the first two."""

    def __init__(self, folder: Path) -> None:
        self.logs: Logs = logs_over(store_at(folder), folder)
        self.folder = folder
        memory, seen = WitnessMemory(folder / "memory"), 0
        for number in (5, 6):  # what the witness signed is an entry as well
            self.logs.add(*events(number, [SECRET]))
            request = request_witness(self.logs.platform, KEYS, auditor(), MND, seen)
            signed = cosign(request, memory, WITNESS, self.logs.clock.now, KEYS.public(MND))
            accept_cosignature(self.logs.platform, auditor(), MND, signed, WITNESS_KEY)
            seen = signed.checkpoint.size
        self.logs.add(*events(10))
        self.early = request.signed
        self.text = "".join(self.logs.bundle(auditor()))
        self.lines: Lines = [json.loads(line) for line in self.text.splitlines()]

    def verdict(self, lines: Lines, trust: Trust = TRUST) -> Verdict:
        return self.of("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), trust)

    def of(self, text: str, trust: Trust = TRUST) -> Verdict:
        path = self.folder / "bundle"
        path.write_text(text)
        return verify(path, trust)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("bundle"))


def wrong(exported: Exported, data: bytes) -> list[str]:
    """Codes of what is found to be wrong, or to count for nothing, whether or not the file can be read to its end."""
    path = exported.folder / "changed"
    path.write_bytes(data)
    try:
        verdict = verify(path, TRUST)
        return [problem.code.name for problem in (*verdict.problems, *verdict.warnings)]
    except BongsuError as error:
        return [problem.code.name for problem in error.problems if problem.location is not None]


def codes(verdict: Verdict) -> list[str]:
    return [problem.code.name for problem in verdict.problems]


def entry(lines: Lines, position: int) -> dict[str, Any]:
    return next(line for line in lines if line.get("position") == position)


def test_what_was_exported_is_proved(exported: Exported) -> None:
    verdict = exported.verdict(exported.lines)
    assert verdict.holds, verdict.problems
    assert (verdict.origin, verdict.size) == ("bongsu.example/mnd", 24)
    said = " ".join(map(str, verdict.proved))
    assert "These 24 entries, 0 to 23, are all that the log bongsu.example/mnd holds there" in said
    assert "beginnings of this log: 2" in said
    assert f"The log signed this with the key that you gave: {TRUST.keys[0]}" in said
    assert f"The witness {WITNESS_KEY} saw the first 12 entries" in said
    assert "from 12 on: no witness" in " ".join(map(str, verdict.unproved))


def test_without_keys_it_is_said_that_nobody_knows_whose_they_are(exported: Exported) -> None:
    verdict = exported.verdict(exported.lines, Trust())
    assert verdict.holds
    assert "with the key" not in " ".join(map(str, verdict.proved))
    unproved = " ".join(map(str, verdict.unproved))
    assert f"That {TRUST.keys[0]} is the log's key: it came with the file" in unproved
    assert f"That {WITNESS_KEY}, which signed 12 entries" in unproved


def test_entries_above_a_clearance_leave_as_hashes_and_the_tree_still_verifies(exported: Exported) -> None:
    text = "".join(exported.logs.bundle(auditor("O")))
    assert "S/logistics" not in text
    verdict = exported.of(text)
    assert verdict.holds, verdict.problems
    assert "Of 4 of them it is proved that they are there" in " ".join(map(str, verdict.proved))


def change_entry(lines: Lines, at: int) -> list[str]:
    entry(lines, at)["entry"] = entry(lines, at)["entry"].replace("mnd/", "mnd/lee-")
    return ["audit.entry-changed"]


def change_entry_and_leaf(lines: Lines, at: int) -> list[str]:
    change_entry(lines, at)
    entry(lines, at)["leaf"] = base64.b64encode(leaf_hash(entry(lines, at)["entry"].encode())).decode()
    return ["audit.root-differs"]


def change_leaf(lines: Lines, at: int) -> list[str]:
    entry(lines, at)["leaf"] = entry(lines, (at + 1) % 24)["leaf"]
    return ["audit.entry-changed", "audit.root-differs"]


def hide_entry_behind_another_hash(lines: Lines, at: int) -> list[str]:
    change_leaf(lines, at)
    del entry(lines, at)["entry"]
    return ["audit.root-differs"]


def drop(lines: Lines, at: int) -> list[str]:
    lines.remove(entry(lines, at))
    return ["audit.entry-missing"] if at < 23 else ["audit.truncated"]


def drop_and_count_anew(lines: Lines, at: int) -> list[str]:
    lines.remove(entry(lines, at))
    for line in lines:
        if line.get("position", -1) > at:
            line["position"] -= 1
    lines[-1]["end"] = 23
    return ["audit.root-differs"] if at < 12 else []


def swap(lines: Lines, at: int) -> list[str]:
    first, second = (lines.index(entry(lines, one)) for one in (at, (at + 5) % 24))
    lines[first], lines[second] = lines[second], lines[first]
    return ["audit.entry-missing", "audit.entry-out-of-order"]


def swap_and_count_anew(lines: Lines, at: int) -> list[str]:
    one, other = entry(lines, at), entry(lines, (at + 5) % 24)
    one["position"], other["position"] = other["position"], one["position"]
    here, there = lines.index(one), lines.index(other)
    lines[here], lines[there] = other, one
    return ["audit.root-differs"]


def repeat(lines: Lines, at: int) -> list[str]:
    lines.insert(lines.index(entry(lines, at)), dict(entry(lines, at)))
    return ["audit.entry-out-of-order"]


def insert_and_count_anew(lines: Lines, at: int) -> list[str]:
    place = lines.index(entry(lines, at))
    new = dict(entry(lines, at))
    for line in lines[place:-1]:
        line["position"] += 1
    lines.insert(place, new)
    lines[-1]["end"] = 25
    return ["audit.root-differs"]


def append_to_it(lines: Lines, at: int) -> list[str]:
    lines.insert(-1, entry(lines, at) | {"position": 24})
    lines[-1]["end"] = 25
    return ["audit.root-differs"]


def cut(lines: Lines, at: int) -> list[str]:
    del lines[lines.index(entry(lines, at)) :]
    return ["audit.truncated"]


def cut_and_count_anew(lines: Lines, at: int) -> list[str]:
    cut(lines, at)
    lines.append({"end": at})
    return ["audit.truncated"]


ATTACKS: Sequence[Callable[[Lines, int], list[str]]] = (
    change_entry,
    change_entry_and_leaf,
    change_leaf,
    hide_entry_behind_another_hash,
    drop,
    drop_and_count_anew,
    swap,
    swap_and_count_anew,
    repeat,
    insert_and_count_anew,
    append_to_it,
    cut,
    cut_and_count_anew,
)


@pytest.mark.parametrize("attack", ATTACKS)
@settings(deadline=None, max_examples=24, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 23))
def test_whatever_is_done_to_entries_is_found(
    exported: Exported, attack: Callable[[Lines, int], list[str]], at: int
) -> None:
    lines = copy.deepcopy(exported.lines)
    expected = attack(lines, at)
    verdict = exported.verdict(lines)
    found = codes(verdict)
    assert not verdict.holds
    assert verdict.proved == ()
    assert set(expected) <= set(found), found
    for problem in verdict.problems:
        if problem.code.name == "audit.entry-changed":
            assert problem.args["position"] == at
            assert problem.location is not None
            assert problem.location.line == 1 + exported.lines.index(entry(exported.lines, at))
        if problem.code.name == "audit.entry-missing" and attack is drop:
            assert (problem.args["first"], problem.args["last"]) == (at, at)
        if problem.code.name == "audit.root-differs" and attack is change_entry_and_leaf:
            assert problem.args["first"] <= at or problem.args["size"] > at


def test_the_place_of_a_change_is_narrowed_to_what_lies_between_two_checkpoints(exported: Exported) -> None:
    lines = copy.deepcopy(exported.lines)
    change_entry_and_leaf(lines, 8)
    first, second = exported.verdict(lines).problems
    assert (first.args["first"], first.args["last"], first.args["size"]) == (5, 11, 12)
    assert second.args["size"] == 24


def checkpoint_lines(lines: Lines) -> Lines:
    return [line for line in lines if "checkpoint" in line]


def forged(origin: str, size: int, root: bytes, key: SigningKey) -> str:
    body = Checkpoint(origin, size, root).body
    return str(SignedNote(body, (key.sign(body, origin),)))


def test_a_history_of_ones_own_needs_the_logs_key(exported: Exported) -> None:
    """Everything rewritten so that it agrees with itself, and signed by whoever did that."""
    lines = copy.deepcopy(exported.lines)
    change_entry_and_leaf(lines, 8)
    tree = Frontier()
    roots = {}
    for line in lines:
        if "position" in line:
            tree.add(base64.b64decode(line["leaf"]))
            roots[tree.size] = tree.root()
    for line in checkpoint_lines(lines):
        size = Checkpoint.parse(line["checkpoint"]).size
        line["checkpoint"] = forged("bongsu.example/mnd", size, roots[size], OTHER)
    assert codes(exported.verdict(lines)) == ["audit.unsigned"] * 3 + ["audit.not-witnessed"]
    lines.insert(1, {"key": str(OTHER.public())})
    assert set(codes(exported.verdict(lines))) == {"audit.unsigned", "audit.not-witnessed"}
    alone = exported.verdict(lines, Trust())
    assert alone.holds, "it agrees with itself, and"
    assert f"That {OTHER.public()} is the log's key: it came with the file" in " ".join(map(str, alone.unproved))
    held = Trust(checkpoint=exported.early)
    assert codes(exported.verdict(lines, held)) == ["audit.root-differs"], "who holds a checkpoint needs no key"


def test_a_checkpoint_of_another_log_is_none_of_this(exported: Exported) -> None:
    exported.logs.add(event(0, MSIT))
    other = str(sign(exported.logs.platform, KEYS, MSIT).note)
    lines = copy.deepcopy(exported.lines)
    lines.insert(1, {"checkpoint": other})
    assert codes(exported.verdict(lines)) == ["audit.other-log"]
    assert exported.verdict(lines).problems[0].location is not None
    assert exported.verdict(lines).problems[0].location.line == 2  # type: ignore[union-attr]
    renamed = copy.deepcopy(exported.lines)
    renamed[0]["origin"] = "bongsu.example/msit"
    assert "audit.other-log" in codes(exported.verdict(renamed))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_signature_that_is_not_its_keys_is_found(exported: Exported, place: int) -> None:
    lines = copy.deepcopy(exported.lines)
    line = checkpoint_lines(lines)[place]
    note = SignedNote.parse(line["checkpoint"])
    first = note.signatures[0]
    wrong = SignatureLine(first.name, first.key_id, first.signature[:-1] + bytes([first.signature[-1] ^ 1]))
    line["checkpoint"] = str(SignedNote(note.text, (wrong, *note.signatures[1:])))
    (problem,) = exported.verdict(lines).problems
    assert problem.code.name == "audit.wrong-signature"
    assert problem.location is not None
    assert problem.location.line == 1 + lines.index(line)


def test_a_changed_cosignature_and_one_of_an_unknown_witness_are_found(exported: Exported) -> None:
    lines = copy.deepcopy(exported.lines)
    line = checkpoint_lines(lines)[1]
    note = SignedNote.parse(line["checkpoint"])
    witnessed = note.signatures[-1]
    later = SignatureLine(witnessed.name, witnessed.key_id, b"\x00" * 8 + witnessed.signature[8:])
    line["checkpoint"] = str(SignedNote(note.text, (*note.signatures[:-1], later)))
    assert codes(exported.verdict(lines)) == ["audit.wrong-signature"], "the time of a witness is signed, too"
    stranger = SigningKey("witness.example", bytes([6]) * 32).cosign(note.text, 1)
    line["checkpoint"] = str(SignedNote(note.text, (*note.signatures, stranger)))
    verdict = exported.verdict(lines)
    assert verdict.holds
    assert [problem.code.name for problem in verdict.warnings] == ["audit.unknown-witness"]
    unknown = Trust(TRUST.keys, (SigningKey("w2", bytes(32)).public(SignatureKind.WITNESS),))
    assert codes(exported.verdict(exported.lines, unknown)) == ["audit.not-witnessed"]


def test_a_bundle_without_signatures_proves_nothing(exported: Exported) -> None:
    lines = [line for line in exported.lines if "checkpoint" not in line]
    assert "audit.no-checkpoint" in codes(exported.verdict(lines, Trust()))
    bare = copy.deepcopy(exported.lines)
    for line in checkpoint_lines(bare):
        line["checkpoint"] = line["checkpoint"].replace("— bongsu", "— other")
    assert set(codes(exported.verdict(bare, Trust()))) == {"audit.unsigned"}


def test_an_older_bundle_in_place_of_a_newer_is_told_by_a_checkpoint_that_somebody_holds(
    exported: Exported,
) -> None:
    lines = copy.deepcopy(exported.lines)
    older = [line for line in lines if line.get("position", 0) < 12]
    older = [line for line in older if "checkpoint" not in line or "\n24\n" not in line["checkpoint"]]
    older[0]["size"], older[-1]["end"] = 12, 12
    assert exported.verdict(older).holds, "it is a true bundle of an earlier day"
    newest = SignedCheckpoint.parse(checkpoint_lines(lines)[-1]["checkpoint"])
    assert codes(exported.verdict(older, Trust(TRUST.keys, (), newest))) == ["audit.truncated"]


def test_a_checkpoint_that_somebody_holds_is_compared(exported: Exported) -> None:
    held = Trust(TRUST.keys, (), exported.early)
    assert "The checkpoint of 12 entries that you hold is a beginning" in " ".join(
        map(str, exported.verdict(exported.lines, held).proved)
    )
    early = exported.early.checkpoint
    other = SignedCheckpoint.parse(forged(early.origin, early.size, bytes(32), SITE_KEY))
    assert codes(exported.verdict(exported.lines, Trust(TRUST.keys, (), other))) == ["audit.root-differs"]


def test_entries_that_are_asked_for_are_found_or_missed(exported: Exported) -> None:
    there = (entry(exported.lines, 3)["entry"], entry(exported.lines, 20)["entry"])
    verdict = exported.verdict(exported.lines, Trust(TRUST.keys, entries=there))
    assert "The entry on line 2 that you gave is entry 20." in map(str, verdict.proved)
    gone = there[0].replace("kim", "lee")
    (problem,) = exported.verdict(exported.lines, Trust(TRUST.keys, entries=(there[1], gone))).problems
    assert (problem.code.name, problem.args["line"]) == ("audit.unknown-entry", 2)


@pytest.mark.parametrize("since", [1, 5, 12, 17, 24])
def test_a_bundle_may_begin_later(exported: Exported, since: int) -> None:
    text = "".join(exported.logs.bundle(auditor(), since))
    verdict = exported.of(text, Trust(TRUST.keys))
    assert verdict.holds, verdict.problems
    assert f"What the first {since} entries say" in " ".join(map(str, verdict.unproved))
    lines = [json.loads(line) for line in text.splitlines()]
    lines[0]["edge"] = lines[0]["edge"][::-1] if len(lines[0]["edge"]) > 1 else [lines[-2]["leaf"]]
    assert set(codes(exported.verdict(lines, Trust(TRUST.keys)))) == {"audit.root-differs"}


def test_a_key_that_was_changed_is_good_with_the_new_one_and_not_with_the_old_alone(exported: Exported) -> None:
    folder = exported.folder / "rotated"
    folder.mkdir()
    logs = logs_over(store_at(folder), folder)
    logs.add(*events(3))
    sign(logs.platform, KEYS, MND)
    new = LogKeys((SigningKey("bongsu.example", bytes([9]) * 32),))
    sign(logs.platform, LogKeys((*new.keys, SITE_KEY)), MND)
    logs.add(event(4))
    text = "".join(logs.bundle(auditor(), keys=new))
    assert exported.of(text, Trust(new.public(MND) + KEYS.public(MND))).holds
    with_new = exported.of(text, Trust(new.public(MND)))
    assert with_new.holds
    assert [problem.code.name for problem in with_new.warnings] == ["audit.unsigned"], "older ones are by the old"
    assert codes(exported.of(text, Trust(KEYS.public(MND)))) == ["audit.unsigned"]


def test_a_log_whose_site_has_another_name_since_its_key_was_lost_is_exported_under_that_name(
    exported: Exported,
) -> None:
    folder = exported.folder / "renamed"
    folder.mkdir()
    logs = logs_over(store_at(folder), folder)
    logs.add(*events(3))
    sign(logs.platform, KEYS, MND)
    other = LogKeys((SigningKey("other.example", bytes([9]) * 32),))
    text = "".join(logs.bundle(auditor(), keys=other))
    verdict = exported.of(text, Trust(other.public(MND)))
    assert verdict.holds, verdict.problems
    assert verdict.origin == "other.example/mnd"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "\x00" * 100,
        lambda text: text.replace("bongsu-audit/v1", "bongsu-audit/v9"),
        lambda text: text.replace('"begin":0', '"begin":1'),
        lambda text: text.replace('"position":3,', '"position":-3,'),
        lambda text: text.replace('"position":3,', '"position":3.5,'),
        lambda text: text.replace('{"position":3,', '{"place":3,'),
        lambda text: text.replace('{"end":24}', '{"end":24'),
        lambda text: text.rstrip("\n"),
        lambda text: text + "[]\n",
        lambda text: text + "[" * 100_000 + "\n",
        lambda text: text + '"' + "x" * (2 * LONGEST_LINE) + '"\n',
    ],
)
def test_what_is_no_bundle_is_refused_with_its_line(exported: Exported, change: Callable[[str], str]) -> None:
    text = exported.text
    assert change(text) != text
    assert wrong(exported, change(text).encode())


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_of_a_bundle_that_matters_can_be_changed(exported: Exported, data: st.DataObject) -> None:
    raw = bytearray(exported.text.encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    if not wrong(exported, bytes(raw)):
        # What can be changed without a trace says nothing: a key that counts for nothing.
        changed = [json.loads(line) for line in bytes(raw).decode().splitlines()]
        plain = [line for line in changed if "key" not in line]
        assert plain == [line for line in exported.lines if "key" not in line]


def flip(chance: random.Random, raw: bytes) -> bytes:
    place = chance.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ chance.randrange(1, 256)]) + raw[place + 1 :]


def cut_off(chance: random.Random, raw: bytes) -> bytes:
    return raw[: chance.randrange(len(raw))]


def cut_out(chance: random.Random, raw: bytes) -> bytes:
    place = chance.randrange(len(raw))
    return raw[:place] + raw[place + chance.randrange(1, 2000) :]


def put_in(chance: random.Random, raw: bytes) -> bytes:
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + chance.randbytes(chance.randrange(1, 40)) + raw[place:]


def exchange_lines(chance: random.Random, raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    one, other = chance.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def double_a_line(chance: random.Random, raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def leave_a_line_out(chance: random.Random, raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    lines.pop(chance.randrange(len(lines)))
    return b"".join(lines)


def attack(chance: random.Random, raw: bytes) -> bytes:
    lines = [json.loads(line) for line in raw.splitlines()]
    chance.choice(ATTACKS)(lines, chance.randrange(24))
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


MUTATIONS = {
    flip: 400,
    cut_off: 80,
    cut_out: 60,
    put_in: 80,
    exchange_lines: 80,
    double_a_line: 60,
    leave_a_line_out: 40,
    attack: 200,
}


def relied_on(lines: Lines) -> Lines:
    """All but keys, which count for nothing if they come with the file, and checkpoints."""
    return [line for line in lines if not {"key", "checkpoint"} & line.keys()]


def test_of_a_thousand_corrupted_bundles_none_is_believed(exported: Exported) -> None:
    """But those that say the same of the log: of the signed checkpoints one may be left out, or stand there twice."""
    raw, passed = exported.text.encode(), []
    signed = {line["checkpoint"] for line in checkpoint_lines(exported.lines)}
    for mutation, times in MUTATIONS.items():
        for number in range(times):
            mutated = mutation(random.Random(f"{mutation.__name__}/{number}"), raw)
            if wrong(exported, mutated):
                continue
            lines = [json.loads(line) for line in mutated.splitlines()]
            is_same = relied_on(lines) == relied_on(exported.lines)
            if not is_same or not {line["checkpoint"] for line in checkpoint_lines(lines)} <= signed:
                passed.append((mutation.__name__, number))
    assert passed == []
    assert sum(MUTATIONS.values()) == 1000


def test_of_two_witnesses_whose_keys_have_one_id_each_signs_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four bytes: who draws keys for long enough finds one, and could make a good file look bad with it."""
    monkeypatch.setattr(VerifierKey, "id", bytes(4))
    same = [SigningKey("witness.example", bytes([number]) * 32) for number in (1, 2)]
    checkpoint = Checkpoint("bongsu.example/mnd", 1, bytes(32))
    signed = SignedNote(checkpoint.body, tuple(key.cosign(checkpoint.body, 1) for key in same))
    for keys, found in ((same, []), (same[:1], ["audit.wrong-signature"])):
        signatures = Signatures(checkpoint.origin, Trust())
        for key in keys:
            signatures.claim(key.public(SignatureKind.WITNESS))
        signatures.check(SignedCheckpoint(checkpoint, signed), None)
        assert [one.code.name for one in signatures.problems] == ["audit.unsigned", *found]
