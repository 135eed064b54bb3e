"""The tree against RFC 6962's own recursive definition, and proofs against everything that was changed in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    appended,
    consistency_proof,
    includes,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root,
)


class Log:
    """Hashes of complete subtrees, as a store keeps them."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = list(entries)
        self.kept: dict[tuple[int, int], bytes] = {}
        for size, entry in enumerate(entries):
            for level, index, found in appended(self.node, size, leaf_hash(entry)):
                assert (level, index) not in self.kept, "what is kept never changes"
                self.kept[level, index] = found

    def node(self, level: int, index: int) -> bytes:
        return self.kept[level, index]


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


sizes = st.integers(1, 70)
logs = sizes.map(lambda size: Log([str(number).encode() for number in range(size)]))


@given(logs)
def test_the_root_is_that_of_the_rfc(log: Log) -> None:
    for size in range(len(log.entries) + 1):
        assert root(log.node, size) == tree_hash(log.entries[:size])


@given(logs)
def test_the_right_edge_alone_gives_the_root_of_the_rfc(log: Log) -> None:
    tree = Frontier()
    assert tree.root() == EMPTY_ROOT
    for size, entry in enumerate(log.entries, start=1):
        tree.add(leaf_hash(entry))
        assert (tree.size, tree.root()) == (size, tree_hash(log.entries[:size]))


def test_the_root_of_published_test_vectors() -> None:
    """The eight entries and roots that certificate transparency's implementations are tested with."""
    entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    log = Log([bytes.fromhex(entry) for entry in entries])
    for size, expected in roots.items():
        assert root(log.node, size).hex() == expected


@given(logs, st.data())
def test_every_entry_is_shown_to_be_in_every_later_tree_and_nothing_else_is(log: Log, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(log.entries)))
    index = data.draw(st.integers(0, size - 1))
    proof, top = inclusion_proof(log.node, index, size), root(log.node, size)
    leaf = leaf_hash(log.entries[index])
    assert includes(top, size, index, leaf, proof)
    assert not includes(top, size, index, leaf_hash(b"another"), proof)
    assert not includes(leaf_hash(b"another"), size, index, leaf, proof)
    assert not includes(top, size, index, leaf, [*proof, top])
    if proof:
        assert not includes(top, size, index, leaf, proof[:-1])
        assert not includes(top, size, index, leaf, proof[1:])
    other = data.draw(st.integers(-1, size))
    if other != index:
        assert not includes(top, size, other, leaf, proof)


@given(logs, st.data())
def test_a_log_that_only_grew_is_told_from_one_that_was_changed(log: Log, data: st.DataObject) -> None:
    new = data.draw(st.integers(1, len(log.entries)))
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(log.node, old, new)
    old_root, new_root = root(log.node, old), root(log.node, new)
    assert is_consistent(old_root, old, new_root, new, proof)
    entries = list(log.entries)
    entries[data.draw(st.integers(0, old - 1))] = b"changed"
    forged = Log(entries)
    assert not is_consistent(old_root, old, root(forged.node, new), new, consistency_proof(forged.node, old, new))
    assert not is_consistent(old_root, old, new_root, new, [*proof, new_root])
    if proof:
        assert not is_consistent(old_root, old, new_root, new, proof[:-1])


@given(logs)
def test_any_tree_begins_with_the_empty_one(log: Log) -> None:
    size = len(log.entries)
    assert is_consistent(EMPTY_ROOT, 0, root(log.node, size), size, [])
    assert not is_consistent(EMPTY_ROOT, 0, root(log.node, size), size, [EMPTY_ROOT])
    assert not is_consistent(root(log.node, size), size, EMPTY_ROOT, 0, [])


def test_what_is_not_in_a_log_has_no_proof() -> None:
    log = Log([b"a", b"b"])
    with pytest.raises(ValueError, match="entry 2 is not among 2"):
        inclusion_proof(log.node, 2, 2)
    with pytest.raises(ValueError, match="no tree of 1 entries begins with one of 2"):
        consistency_proof(log.node, 2, 1)
