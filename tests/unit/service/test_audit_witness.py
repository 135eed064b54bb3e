"""A witness signs what only grew, and nothing else, however it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bongsu.domain.checkpoints import Checkpoint, SignedCheckpoint, WitnessRequest
from bongsu.domain.merkle import EMPTY_ROOT, appended, consistency_proof, leaf_hash, root
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import (
    LONGEST_NOTE,
    MOST_SIGNATURES,
    SignatureKind,
    SignatureLine,
    SignedNote,
    SigningKey,
)
from bongsu.service.audit.witness_memory import WitnessMemory
from bongsu.service.audit.witnessing import cosign, witness_key

LOG = SigningKey("log.example/mnd", bytes([1]) * 32)
WITNESS = SigningKey("witness.example", bytes([2]) * 32)
KEYS = (LOG.public(),)
NOW = 1_700_000_000.0


class History:
    """A log in memory, which may have another history than it tells."""

    def __init__(self, entries: list[str], key: SigningKey = LOG) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.key = key
        for size, entry in enumerate(entries):
            for level, place, found in appended(self.node, size, leaf_hash(entry.encode())):
                self.nodes[level, place] = found

    def node(self, level: int, place: int) -> bytes:
        return self.nodes[level, place]

    def request(self, old: int, new: int) -> WitnessRequest:
        proof = tuple(consistency_proof(self.node, old, new)) if 0 < old <= new else ()
        checkpoint = Checkpoint(self.key.name, new, root(self.node, new))
        note = SignedNote(checkpoint.body, (self.key.sign(checkpoint.body),))
        return WitnessRequest(old, proof, SignedCheckpoint(checkpoint, note))


TRUE = History([str(number) for number in range(40)])
FALSE = History(["x" if number == 3 else str(number) for number in range(40)])


def refusal(request: WitnessRequest, memory: WitnessMemory, keys: tuple[object, ...] = KEYS) -> str:
    with pytest.raises(BongsuError) as caught:
        cosign(request, memory, WITNESS, NOW, keys)  # type: ignore[arg-type]
    return caught.value.problems[0].code.name


def test_a_log_that_grows_is_signed_again_and_again(tmp_path: Path) -> None:
    memory, last = WitnessMemory(tmp_path / "memory"), 0
    for size in (0, 1, 4, 4, 17, 40):
        signed = cosign(TRUE.request(last, size), memory, WITNESS, NOW, KEYS if not last else ())
        key = WITNESS.public(SignatureKind.WITNESS)
        (line,) = signed.note.of(key)
        assert key.signed(signed.note.text, line.signature)
        assert line.witnessed_at == int(NOW)
        last = size


def test_what_contradicts_what_was_signed_before_is_refused_and_kept_as_evidence(tmp_path: Path) -> None:
    memory = WitnessMemory(tmp_path / "memory")
    cosign(TRUE.request(0, 10), memory, WITNESS, NOW, KEYS)
    assert refusal(FALSE.request(10, 10), memory) == "audit.fork"
    assert refusal(TRUE.request(5, 5), memory) == "audit.shrunk"
    assert refusal(FALSE.request(10, 20), memory) == "audit.inconsistent"
    assert refusal(TRUE.request(0, 20), memory) == "audit.other-start"
    with memory.kept() as logs:
        known = logs.of(LOG.name)
    assert SignedCheckpoint.parse(known.note).checkpoint.size == 10
    assert [SignedCheckpoint.parse(note).checkpoint.size for note in known.refused] == [10, 5, 20]
    assert cosign(TRUE.request(10, 20), memory, WITNESS, NOW).checkpoint.size == 20, "and the true log goes on"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40))
def test_whatever_a_rewritten_log_asks_it_is_not_signed(tmp_path: Path, seen: int, old: int, new: int) -> None:
    """From the entry that was changed on, there is no way from the one history into the other."""
    path = tmp_path / f"memory-{seen}-{old}-{new}"
    path.unlink(missing_ok=True)
    memory = WitnessMemory(path)
    cosign(TRUE.request(0, seen), memory, WITNESS, NOW, KEYS)
    if seen > 3 or new <= 3:
        is_same = new <= 3 and new >= seen and old == seen
        if is_same:
            assert cosign(FALSE.request(old, new), memory, WITNESS, NOW).checkpoint.size == new
        else:
            assert refusal(FALSE.request(old, new), memory).startswith("audit.")


def test_a_log_whose_key_nobody_gave_is_not_signed(tmp_path: Path) -> None:
    memory = WitnessMemory(tmp_path / "memory")
    assert refusal(TRUE.request(0, 1), memory, ()) == "audit.unknown-origin"
    other = SigningKey(LOG.name, bytes([3]) * 32)
    assert refusal(TRUE.request(0, 1), memory, (other.public(),)) == "audit.unsigned"
    assert refusal(TRUE.request(0, 1), memory, (SigningKey("other", bytes(32)).public(),)) == "audit.unknown-origin"
    cosign(TRUE.request(0, 1), memory, WITNESS, NOW, KEYS)
    impostor = History([str(number) for number in range(5)], other)
    assert refusal(impostor.request(1, 5), memory, ()) == "audit.unsigned"


def test_a_wrong_signature_of_a_known_key_is_refused(tmp_path: Path) -> None:
    request = TRUE.request(0, 7)
    other = TRUE.request(0, 8).signed.note.signatures
    forged = SignedCheckpoint(request.signed.checkpoint, SignedNote(request.signed.note.text, other))
    memory = WitnessMemory(tmp_path / "memory")
    assert refusal(WitnessRequest(0, (), forged), memory) == "audit.wrong-signature"


def test_an_empty_log_is_a_beginning_of_any(tmp_path: Path) -> None:
    memory = WitnessMemory(tmp_path / "memory")
    assert cosign(TRUE.request(0, 0), memory, WITNESS, NOW, KEYS).checkpoint.root == EMPTY_ROOT
    assert cosign(TRUE.request(0, 3), memory, WITNESS, NOW).checkpoint.size == 3


def test_a_memory_that_was_damaged_stops_the_witness(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    cosign(TRUE.request(0, 3), WitnessMemory(path), WITNESS, NOW, KEYS)
    whole = path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    for damaged in ("", "{", "[]", '{"logs": 3}', '{"logs": []}', "{}", whole[: len(whole) // 2]):
        path.write_text(damaged)
        assert refusal(TRUE.request(3, 4), WitnessMemory(path)) == "audit.bad-memory"


def test_of_two_requests_at_once_the_memory_loses_none(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    logs = [History(["a", "b"], SigningKey(f"log{number}", bytes([number]) * 32)) for number in range(6)]
    threads = [
        threading.Thread(
            target=cosign, args=(log.request(0, 2), WitnessMemory(path), WITNESS, NOW, (log.key.public(),))
        )
        for log in logs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with WitnessMemory(path).kept() as known:
        assert sorted(known.parts) == [log.key.name for log in logs]


def test_a_witness_has_one_name(tmp_path: Path) -> None:
    path = tmp_path / "key"
    drawn = witness_key(path, "witness.msit.example")
    assert witness_key(path) == witness_key(path, "witness.msit.example") == drawn
    assert path.stat().st_mode & 0o077 == 0
    for name in ("other", "with blank"):
        with pytest.raises(BongsuError) as caught:
            witness_key(path if name == "other" else tmp_path / "new", name)
        assert caught.value.problems[0].code.name == "audit.key-unreadable"


OTHER = History(["a", "b", "c"], SigningKey("log.example/msit", bytes([4]) * 32))
JUNK = SigningKey("x", bytes([5]) * 32)


def below(request: WitnessRequest, *lines: SignatureLine) -> WitnessRequest:
    """The request as a courier hands it over, with more lines below its note."""
    checkpoint, note = request.signed
    signed = SignedCheckpoint(checkpoint, SignedNote(note.text, (*note.signatures, *lines)))
    return WitnessRequest.parse(str(WitnessRequest(request.old, request.proof, signed)))


def many_lines(request: WitnessRequest) -> tuple[SignatureLine, ...]:
    """Of others, as many as a note may have, under names of their own, the log's and the witness's."""
    text = request.signed.note.text
    named = (SigningKey(name, bytes([6]) * 32) for name in (LOG.name, WITNESS.name, "x"))
    strangers = [key.cosign(text, 1) for key in named]
    return tuple(strangers[place % 3] for place in range(MOST_SIGNATURES - 1))


def long_line(request: WitnessRequest) -> tuple[SignatureLine, ...]:
    """A name that leaves no room for another line."""
    line = JUNK.sign(request.signed.note.text)
    room = LONGEST_NOTE - len(str(request.signed.note)) - len(str(line)) - 1
    return (replace(line, name="x" * (room + 1)),)


@pytest.mark.parametrize(
    "lines",
    [
        many_lines,
        long_line,
        lambda request: request.signed.note.signatures * 99,
        lambda request: (WITNESS.cosign(request.signed.note.text, 1), JUNK.sign(request.signed.note.text)),
    ],
    ids=["many", "long", "the log's own again and again", "an older one of this witness"],
)
def test_what_others_put_below_a_request_is_neither_remembered_nor_given_back(
    tmp_path: Path, lines: Callable[[WitnessRequest], tuple[SignatureLine, ...]]
) -> None:
    memory = WitnessMemory(tmp_path / "memory")
    request = TRUE.request(0, 3)
    signed = cosign(below(request, *lines(request)), memory, WITNESS, NOW, KEYS)
    expected = (*request.signed.note.signatures, WITNESS.cosign(request.signed.note.text, int(NOW)))
    assert SignedCheckpoint.parse(str(signed.note)).note.signatures == expected
    with memory.kept() as logs:
        assert logs.of(LOG.name).note == str(signed.note)
    other = History(["y"] * 4)
    rewritten, later = other.request(3, 3), other.request(3, 4)
    for asked in (rewritten, below(rewritten, *lines(rewritten))):
        assert refusal(asked, memory) == "audit.fork"
    with memory.kept() as logs:
        assert logs.of(LOG.name).refused == (str(rewritten.signed.note),), "evidence, once, of what the log signed"
    assert refusal(below(later, *lines(later)), memory) == "audit.inconsistent"
    assert cosign(TRUE.request(3, 4), memory, WITNESS, NOW).checkpoint.size == 4
    assert cosign(OTHER.request(0, 3), memory, WITNESS, NOW, (OTHER.key.public(),)).checkpoint.size == 3


def test_a_note_that_nobody_could_read_is_not_signed(tmp_path: Path) -> None:
    """A log can write further lines into its own checkpoint, and the name of a witness can be of any length."""
    path = tmp_path / "memory"
    checkpoint = TRUE.request(0, 3).signed.checkpoint
    bare = len(str(SignedNote(checkpoint.body, (LOG.sign(checkpoint.body),))))
    body = checkpoint.body + "x" * (LONGEST_NOTE - bare - 1) + "\n"
    full = SignedCheckpoint(checkpoint, SignedNote(body, (LOG.sign(body),)))
    asked = WitnessRequest.parse(str(WitnessRequest(0, (), full)))
    assert refusal(asked, WitnessMemory(path)) == "audit.note-too-large"
    assert not path.exists(), "nothing was signed"
    with pytest.raises(BongsuError) as caught:
        cosign(TRUE.request(0, 3), WitnessMemory(path), SigningKey("w" * LONGEST_NOTE, bytes([2]) * 32), NOW, KEYS)
    assert caught.value.problems[0].code.name == "audit.note-too-large"
    assert not path.exists()
    assert cosign(TRUE.request(0, 3), WitnessMemory(path), WITNESS, NOW, KEYS).checkpoint.size == 3


@pytest.mark.parametrize(
    "part",
    [
        None,
        3,
        {},
        {"keys": 3, "note": "", "refused": []},
        {"keys": ["gone"], "note": "", "refused": []},
        {"keys": [str(LOG.public())], "note": "gone", "refused": []},
        {"keys": [str(LOG.public())], "note": "", "refused": ["gone"]},
        {"keys": [], "note": str(TRUE.request(0, 3).signed.note), "refused": []},
        {"keys": [str(OTHER.key.public())], "note": str(OTHER.request(0, 3).signed.note), "refused": []},
    ],
)
def test_a_damaged_part_of_the_memory_stands_in_the_way_of_its_own_log_alone(tmp_path: Path, part: object) -> None:
    path = tmp_path / "memory"
    memory = WitnessMemory(path)
    for log in (TRUE, OTHER):
        cosign(log.request(0, 2), memory, WITNESS, NOW, (log.key.public(),))
    document = json.loads(path.read_text())
    document["logs"][LOG.name] = part
    path.write_text(json.dumps(document))
    assert refusal(TRUE.request(2, 3), memory) == "audit.bad-memory-of-log"
    assert cosign(OTHER.request(2, 3), memory, WITNESS, NOW).checkpoint.size == 3
    assert json.loads(path.read_text())["logs"][LOG.name] == part, "it stays as it is, for whoever mends it"
    (problem,) = memory.damaged()
    assert (problem.code.name, problem.args["origin"]) == ("audit.bad-memory-of-log", LOG.name)


def test_a_memory_of_an_older_version_is_read_without_what_nobody_verified(tmp_path: Path) -> None:
    """It kept every line of a request below its note, one more with its own than may be read."""
    path = tmp_path / "memory"
    memory = WitnessMemory(path)
    signed = cosign(TRUE.request(0, 2), memory, WITNESS, NOW, KEYS).note
    document = json.loads(path.read_text())
    refused = TRUE.request(0, 1).signed.note
    for name, kept in (("note", signed), ("refused", refused)):
        lines = (*kept.signatures[:1], *many_lines(TRUE.request(0, 2)), *kept.signatures[1:])
        note = str(SignedNote(kept.text, lines))
        document["logs"][LOG.name][name] = note if name == "note" else [note]
    with pytest.raises(ValueError, match="too many signatures"):
        SignedNote.parse(document["logs"][LOG.name]["note"])
    path.write_text(json.dumps(document))
    with memory.kept() as logs:
        known = logs.of(LOG.name)
    assert (known.note, known.refused) == (str(signed), (str(refused),))
    assert cosign(TRUE.request(2, 4), memory, WITNESS, NOW).checkpoint.size == 4
