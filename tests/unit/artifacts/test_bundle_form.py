"""The file of a bundle: what we write other programs read, and what we read is that and nothing else."""

from __future__ import annotations

import io
import subprocess
import tarfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.artifacts.bundle_form import BLOCK, END, Member, NotOfThisForm, Tape, written

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=300).filter(
    lambda name: not name.endswith("/")  # which tar programs take for a folder
)
FILES = st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5)


def archive(files: dict[str, bytes], time: int = 0) -> bytes:
    return b"".join(written((Member(name, len(data), time), partial(iter, [data])) for name, data in files.items()))


@settings(deadline=None, max_examples=150)
@given(files=FILES, time=st.integers(0, 8**11 - 1))
def test_pythons_tar_reads_what_is_written(files: dict[str, bytes], time: int) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(files, time)), mode="r:") as tar:
        found = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
        assert all(one.isreg() and one.mode == 0o644 and one.uid == 0 for one in tar.getmembers())
        assert {int(one.mtime) for one in tar.getmembers()} <= {time}
    assert found == files


@settings(deadline=None, max_examples=150)
@given(files=FILES, time=st.integers(0, 8**11 - 1))
def test_what_is_written_is_read(files: dict[str, bytes], time: int) -> None:
    data = archive(files, time)
    tape = Tape(io.BytesIO(data))
    for name, content in files.items():
        tape.expect(Member(name, len(content), time))
        assert b"".join(tape.pieces(len(content))) == content
    tape.end()
    assert tape.offset == len(data) == sum(Member(n, len(c), time).length for n, c in files.items()) + len(END)


@settings(deadline=None, max_examples=300)
@given(data=st.data(), files=FILES.filter(bool))
def test_no_byte_of_a_header_or_of_what_fills_a_block_may_differ(
    data: st.DataObject, files: dict[str, bytes]
) -> None:
    raw = bytearray(archive(files))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    read, wrong = _read(bytes(raw), files)
    assert read != files or wrong is not None, "what stands in a file its digest tells"
    assert wrong is None or wrong.offset <= place < wrong.offset + 3 * BLOCK


def _read(raw: bytes, files: dict[str, bytes]) -> tuple[dict[str, bytes], NotOfThisForm | None]:
    """The files, and what is in the way of reading more of them."""
    tape, read = Tape(io.BytesIO(raw)), {}
    try:
        for name, content in files.items():
            tape.expect(Member(name, len(content), 0))
            read[name] = b"".join(tape.pieces(len(content)))
        tape.end()
    except NotOfThisForm as error:
        return read, error
    return read, None


@pytest.mark.parametrize("size", [8**11 - 1, 8**11, 1 << 40, 1 << 62])
def test_sizes_of_any_model_are_read_by_others(size: int) -> None:
    found = tarfile.TarFile(fileobj=io.BytesIO(Member("weights", size, 1).header + END)).next()
    assert found is not None
    assert (found.name, found.size, found.isreg()) == ("weights", size, True)


def test_the_systems_tar_unpacks_it(tmp_path: Path) -> None:
    files = {"a/b.txt": b"x" * 700, "a/" + "l" * 200 + ".bin": b"long", "empty": b"", "어휘.txt": b"words"}
    (tmp_path / "x.tar").write_bytes(archive(files, 1_700_000_000))
    done = subprocess.run(
        ["tar", "-xvf", "x.tar"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert done.stderr == ""
    assert {name: (tmp_path / name).read_bytes() for name in files} == files


def test_nothing_is_held_but_a_piece() -> None:
    size = 5 << 20
    tape = Tape(io.BytesIO(bytes(size)))
    assert [len(piece) for piece in tape.pieces(size)] == [1 << 20] * 5
