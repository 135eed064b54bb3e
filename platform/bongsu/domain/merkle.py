"""Merkle trees as of RFC 6962, section 2.1: a log of which nothing can be changed or taken away unnoticed.

A tree over ``n`` entries is told by its root, 32 bytes. An inclusion proof shows that an entry is in it, a consistency
proof that a later tree begins with every entry of an earlier one, each by about ``log2(n)`` hashes. Who stores a log
keeps the hash of every complete subtree under its level and its index (a leaf has level 0), which never change once
they are there; everything else is computed from those. Checks of proofs follow RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

Nodes = Callable[[int, int], bytes]
"""The hash of the complete subtree over leaves ``index << level`` to ``(index + 1) << level``, exclusive."""

EMPTY_ROOT = hashlib.sha256().digest()
_LEAF, _INNER = b"\x00", b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Of an entry; no inner node can be passed off as one."""
    return hashlib.sha256(_LEAF + entry).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    """Of two subtrees, the left one of which is complete."""
    return hashlib.sha256(_INNER + left + right).digest()


def appended(nodes: Nodes, size: int, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
    """What has to be stored when a leaf is added to a tree of ``size`` entries: (level, index, hash), leaf first."""
    level, index, found = 0, size, leaf
    yield level, index, found
    while index % 2:
        found = inner_hash(nodes(level, index - 1), found)
        level, index = level + 1, index // 2
        yield level, index, found


def root(nodes: Nodes, size: int) -> bytes:
    """Of the first ``size`` entries."""
    return _subtree(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """That entry ``index``, counted from 0, is among the first ``size``. Raises ValueError if it is not."""
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is not among {size}")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(_subtree(nodes, middle, end))
            end = middle
        else:
            proof.append(_subtree(nodes, begin, middle))
            begin = middle
    return proof[::-1]


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """That the first ``new`` entries begin with the first ``old``. Raises ValueError unless ``0 < old <= new``."""
    if not 0 < old <= new:
        raise ValueError(f"no tree of {new} entries begins with one of {old}")
    proof: list[bytes] = []
    begin, end, is_known = 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(_subtree(nodes, middle, end))
            end = middle
        else:
            proof.append(_subtree(nodes, begin, middle))
            begin, is_known = middle, False
    # The old root is known to who checks, unless it had to be cut on the way.
    if not is_known:
        proof.append(_subtree(nodes, begin, end))
    return proof[::-1]


def includes(root_hash: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """True if the proof shows that entry ``index`` of the tree of this root hashes to ``leaf``."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = inner_hash(sibling, found)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            found = inner_hash(found, sibling)
        place, last = place // 2, last // 2
    return last == 0 and found == root_hash


def is_consistent(old_root: bytes, old: int, new_root: bytes, new: int, proof: Sequence[bytes]) -> bool:
    """True if the proof shows that the tree of ``new`` entries begins with every entry of that of ``old``. An empty
    tree is the beginning of any."""
    if old > new or old < 0:
        return False
    if old == 0:
        return old_root == EMPTY_ROOT and not proof
    if old == new:
        return old_root == new_root and not proof
    if not proof:
        return False
    path = list(proof)
    if old & (old - 1) == 0:
        path = [old_root, *path]
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            before, after = inner_hash(sibling, before), inner_hash(sibling, after)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            after = inner_hash(after, sibling)
        place, last = place // 2, last // 2
    return last == 0 and before == old_root and after == new_root


def _subtree(nodes: Nodes, begin: int, end: int) -> bytes:
    """Of the entries from ``begin``, a multiple of the largest power of two up to ``end - begin``."""
    count = end - begin
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes(level, begin >> level)
    middle = begin + _split(count)
    return inner_hash(_subtree(nodes, begin, middle), _subtree(nodes, middle, end))


def _split(count: int) -> int:
    """The largest power of two below ``count``, which is 2 or more."""
    return 1 << ((count - 1).bit_length() - 1)


class Frontier:
    """The right edge of a tree that grows: as little of it as the next root needs, about ``log2(n)`` hashes."""

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """Args: a tree's size, and the roots of the complete subtrees that it consists of, largest first.

        Raises ValueError if a tree of this size consists of another number of them.
        """
        if size < 0 or len(edge) != size.bit_count():
            raise ValueError(f"a tree of {size} entries has not {len(edge)} complete subtrees")
        self.size = size
        self._edge = list(edge)

    def add(self, leaf: bytes) -> None:
        """One more entry, by the hash of its leaf."""
        found, size = leaf, self.size
        while size % 2:
            found, size = inner_hash(self._edge.pop(), found), size // 2
        self._edge.append(found)
        self.size += 1

    def root(self) -> bytes:
        """Of the tree so far."""
        if not self._edge:
            return EMPTY_ROOT
        found = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            found = inner_hash(left, found)
        return found


def edge_places(size: int) -> Iterator[tuple[int, int]]:
    """Level and index of the complete subtrees that a tree of ``size`` entries consists of, largest first."""
    begin = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, begin >> level
            begin += 1 << level
