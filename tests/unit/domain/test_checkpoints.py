"""Checkpoints, requests to witnesses and proofs: as the specifications write them, read as they were written."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.checkpoints import Checkpoint, EntryProof, SignedCheckpoint, WitnessRequest, origin_of
from bongsu.domain.merkle import EMPTY_ROOT, Frontier, edge_places, leaf_hash
from bongsu.domain.signed_notes import SignedNote, SigningKey
from bongsu.domain.tenants import HOME, Tenant

# The example of https://c2sp.org/tlog-checkpoint.
BODY = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
KEY = SigningKey("example.com/behind-the-sofa", bytes(32))
hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=20).map(tuple)


def signed(checkpoint: Checkpoint) -> SignedCheckpoint:
    return SignedCheckpoint(checkpoint, SignedNote(checkpoint.body, (KEY.sign(checkpoint.body),)))


def test_the_example_of_the_specification_is_read_and_written() -> None:
    checkpoint = Checkpoint.parse(BODY)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(checkpoint.root).decode() == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert checkpoint.body == BODY


@pytest.mark.parametrize(
    ("old", "new"),
    [("20852163", "020852163"), ("20852163", "-1"), ("20852163", "2085216³"), ("20852163", "1e3"), ("CsUY", "CsU")],
)
def test_a_checkpoint_of_another_form_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError):
        Checkpoint.parse(BODY.replace(old, new))


@given(st.integers(0, 10**17), hashes, st.integers(0, 10**17))
def test_a_request_to_a_witness_is_read_as_it_was_written(size: int, proof: tuple[bytes, ...], old: int) -> None:
    request = WitnessRequest(old, proof, signed(Checkpoint("log", size, EMPTY_ROOT)))
    assert WitnessRequest.parse(str(request)) == request
    assert str(request).split("\n")[0] == f"old {old}"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 10**17), hashes)
def test_a_proof_is_read_as_it_was_written(entry: str, index: int, proof: tuple[bytes, ...]) -> None:
    made = EntryProof(entry, index, proof, signed(Checkpoint("log", index + 1, EMPTY_ROOT)))
    assert EntryProof.parse(str(made)) == made


@given(st.text(max_size=100))
def test_what_is_neither_is_refused_with_a_reason(text: str) -> None:
    for parse in (WitnessRequest.parse, EntryProof.parse, SignedCheckpoint.parse):
        with pytest.raises(ValueError) as caught:
            parse(text)
        assert str(caught.value)


def test_logs_of_one_site_have_names_of_their_own() -> None:
    assert origin_of("bongsu.mnd.example", Tenant("mnd")) == "bongsu.mnd.example/mnd"
    assert origin_of("bongsu-home/1f", HOME) == "bongsu-home/1f"


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_tree_goes_on_from_its_edge(begin: int, more: int) -> None:
    whole = Frontier()
    nodes: dict[tuple[int, int], bytes] = {}
    for number in range(begin):
        leaf = leaf_hash(str(number).encode())
        whole.add(leaf)
    for level, place in edge_places(begin):
        part = Frontier()
        for number in range(place << level, (place + 1) << level):
            part.add(leaf_hash(str(number).encode()))
        nodes[level, place] = part.root()
    later = Frontier(begin, [nodes[place] for place in edge_places(begin)])
    for number in range(begin, begin + more):
        whole.add(leaf_hash(str(number).encode()))
        later.add(leaf_hash(str(number).encode()))
    assert later.root() == whole.root()


def test_an_edge_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="3 entries"):
        Frontier(3, [EMPTY_ROOT])
