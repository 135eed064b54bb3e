"""Streams in pieces: whoever reads them has all of it in order, however often their writer began anew."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.artifacts.open import open_store
from bongsu.artifacts.segments import Segments
from bongsu_stages.runtime.passing_on import PIECE_BYTES, Tail, passing_on

NAME = "logs/r-1/a/1"


class Records:
    """Of a store, in memory; ``lost`` answers are lost after the record stands, ``away`` calls fail before."""

    def __init__(self, lost: int = 0, away: int = 0) -> None:
        self.kept: dict[str, bytes] = {}
        self.lost, self.away, self.looks = lost, away, 0

    def put_record(self, key: str, data: bytes) -> bool:
        if self.away:
            self.away -= 1
            raise OSError("away")
        is_new = self.kept.setdefault(key, data) is data
        if self.lost:
            self.lost -= 1
            raise OSError("the answer was lost")
        return is_new

    def get_record(self, key: str) -> bytes | None:
        self.looks += 1
        return self.kept.get(key)


def store(**faults: int) -> Any:
    return Records(**faults)


def whole(records: Any, name: str = NAME) -> bytes:
    return b"".join(Segments(records, name).read())


@given(st.lists(st.lists(st.binary(min_size=1, max_size=3), max_size=9), max_size=4))
def test_each_writer_goes_on_behind_the_one_before(writers: list[list[bytes]]) -> None:
    records = store()
    for pieces in writers:
        segments = Segments(records, NAME)
        for piece in pieces:
            segments.append(piece)
    pieces = [piece for written in writers for piece in written]
    assert list(Segments(records, NAME).read()) == pieces
    assert [list(Segments(records, NAME).read(begin)) for begin in range(len(pieces) + 2)] == [
        pieces[begin:] for begin in range(len(pieces) + 2)
    ]


def test_a_piece_whose_answer_was_lost_stands_once() -> None:
    records = store(lost=1)
    segments = Segments(records, NAME)
    with pytest.raises(OSError, match="lost"):
        segments.append(b"one")
    segments.append(b"one")
    segments.append(b"two")
    assert list(Segments(records, NAME).read()) == [b"one", b"two"]


def test_the_end_of_a_long_stream_is_found_in_a_few_looks() -> None:
    records = store()
    segments = Segments(records, NAME)
    for number in range(5000):
        segments.append(str(number).encode())
    records.looks = 0
    Segments(records, NAME).append(b"more")
    assert records.looks < 40
    assert whole(records).endswith(b"4999more")


def test_pieces_stand_in_a_real_store(tmp_path: Path) -> None:
    real = open_store((tmp_path / "store").as_uri())
    Segments(real, NAME).append("봉수\n".encode())
    assert list(Segments(real, NAME).read()) == ["봉수\n".encode()]


def test_lines_are_passed_on_whole_and_the_rest_at_the_end(tmp_path: Path) -> None:
    records, path = store(), tmp_path / "log.txt"
    tail = Tail(path, Segments(records, NAME))
    tail.pass_on()
    path.write_bytes("첫째 줄\n둘째".encode())
    tail.pass_on()
    assert whole(records) == "첫째 줄\n".encode()
    with path.open("ab") as file:
        file.write(" 줄\n끝".encode())
    tail.pass_on()
    tail.pass_on(to_the_end=True)
    tail.pass_on(to_the_end=True)
    assert whole(records) == path.read_bytes()


def test_a_line_that_is_longer_than_a_piece_waits_for_no_end(tmp_path: Path) -> None:
    records, path = store(), tmp_path / "log.txt"
    path.write_bytes(b"x" * (PIECE_BYTES * 2 + 5))
    Tail(path, Segments(records, NAME)).pass_on()
    assert [len(piece) for piece in Segments(records, NAME).read()] == [PIECE_BYTES, PIECE_BYTES]


def test_what_a_store_does_not_take_is_passed_on_later(tmp_path: Path) -> None:
    records, path = store(away=3), tmp_path / "log.txt"
    with passing_on(records, {NAME: path}, every_s=0.01, last_tries_s=20.0):
        path.write_bytes(b"one\n")
    assert (whole(records), records.away) == (b"one\n", 0)


def test_a_store_that_is_away_for_good_keeps_nobody_longer_than_is_said(tmp_path: Path) -> None:
    records, path = store(away=10**9), tmp_path / "log.txt"
    path.write_bytes(b"one\n")
    with passing_on(records, {NAME: path}, every_s=0.01, last_tries_s=0.05):
        pass
    assert records.kept == {}
    assert "passing-on" not in [thread.name for thread in threading.enumerate()]


def test_streams_are_passed_on_while_the_work_goes_on(tmp_path: Path) -> None:
    records = store()
    paths = {name: tmp_path / name.replace("/", "-") for name in (NAME, "events/r-1/a/1")}
    arrived = threading.Event()
    with passing_on(records, paths, every_s=0.01):
        for path in paths.values():
            path.write_bytes(b"begun\n")
        for _ in range(1000):
            if all(whole(records, name) for name in paths):
                arrived.set()
                break
            threading.Event().wait(0.01)
    assert arrived.is_set()
