"""Hashes of pieces, whatever the sizes of what is written and read."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.artifacts import pieces
from bongsu.artifacts.pieces import PieceHasher, PieceReader, count_of

SIZE = 7


@pytest.fixture(autouse=True, scope="module")
def _small() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_BYTES", SIZE)
        yield


def cut(data: bytes) -> list[bytes]:
    return [data[start : start + SIZE] for start in range(0, len(data), SIZE)]


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_every_piece_has_its_hash(parts: list[bytes]) -> None:
    hasher = PieceHasher()
    for part in parts:
        hasher.update(memoryview(part))
    data = b"".join(parts)
    assert hasher.hashes() == tuple(hashlib.sha256(piece).hexdigest() for piece in cut(data))
    assert len(hasher.hashes()) == count_of(len(data))


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_range_is_read_as_if_there_were_no_pieces(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, len(data)))
    asked: list[int] = []

    def piece(number: int) -> bytes:
        asked.append(number)
        return cut(data)[number]

    assert PieceReader(piece, start, end).readall() == data[start:end]
    assert set(asked) == (set(range(start // SIZE, count_of(end))) if end > start else set())
