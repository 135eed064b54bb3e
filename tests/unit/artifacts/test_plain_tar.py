"""Archives as tools make them are read as tarfile reads them; whatever else stands in one is refused, and not read."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.artifacts.bundle_form import BLOCK, NotOfThisForm, Tape
from bongsu.artifacts.plain_tar import MOST_EXTENDED, members_of

Files = list[tuple[str, bytes]]
FORMS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00\n"), min_size=1, max_size=120).map(
    lambda name: name.strip("/") or "a"
)
EXTENDED = [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE]


def header(name: str = "a.txt", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    size = len(rest) + 1
    while size != len(rest) + len(str(size)):
        size += 1
    return str(size).encode() + rest


def pax(*records: tuple[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    data = b"".join(record(*one) for one in records)
    return header("pax", len(data), kind) + padded(data)


END = bytes(2 * BLOCK)


def read(archive: bytes) -> Files:
    """Of files alone."""
    found = []
    for member, pieces in members_of(Tape(io.BytesIO(archive))):
        content = b"".join(pieces)
        assert len(content) == member.size
        if not member.is_folder:
            found.append((member.name, content))
    return found


@given(files=st.lists(st.tuples(NAMES, st.binary(max_size=2000)), max_size=5), form=st.sampled_from(sorted(FORMS)))
def test_what_tarfile_writes_is_read(files: Files, form: str) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=FORMS[form]) as tar:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            try:
                tar.addfile(member, io.BytesIO(content))
            except ValueError:
                return  # ustar has no room for this name
    assert read(held.getvalue()) == files


@pytest.mark.parametrize("form", ["v7", "ustar", "gnu", "oldgnu", "posix"])
def test_what_the_systems_tar_writes_is_read(tmp_path: Path, form: str) -> None:
    names = ["a.txt", "한글/b.txt"] if form == "v7" else ["a.txt", "한글/b.txt", "d" * 90 + "/" + "e" * 90]
    for name in names:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    made = tmp_path / "made.tar"
    folders = sorted({name.split("/")[0] for name in names})
    subprocess.run(["tar", f"--format={form}", "-cf", made, "-C", tmp_path / "tree", *folders], check=True)
    assert sorted(read(made.read_bytes())) == sorted((name, name.encode()) for name in names)


def test_a_size_in_a_header_before_a_file_counts() -> None:
    assert read(pax(("size", "5"), ("path", "long")) + header() + padded(b"12345") + END) == [("long", b"12345")]


def test_what_tarfile_takes_for_a_file_of_a_gibibyte_is_none() -> None:
    old = bytearray(header(size=BLOCK, kind=tarfile.GNUTYPE_SPARSE))
    old[483:495] = b"%011o\x00" % (1 << 30)
    old[148:156] = b"%06o\x00 " % (sum(old[:148]) + sum(old[156:]) + 8 * 32)
    sparse = pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", str(1 << 30)))
    for archive in (
        bytes(old) + bytes(BLOCK) + END,
        sparse + header(size=BLOCK) + padded(b"0\n") + END,
    ):
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            member = tar.next()
            assert member is not None
            assert (member.isreg(), member.size) == (True, 1 << 30), "the attack is one"
        with pytest.raises(NotOfThisForm, match="not a plain file"):
            read(archive)


@pytest.mark.parametrize("kind", EXTENDED)
def test_a_large_header_is_refused_before_it_is_read(kind: bytes) -> None:
    archive = header(size=50_000_000, kind=kind) + bytes(50_000_000) + END
    tracemalloc.start()
    with pytest.raises(NotOfThisForm, match="more than 65536 bytes"):
        read(archive)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 60_000_000, "the archive itself, and no copy of it"


@pytest.mark.parametrize("kind", EXTENDED)
def test_headers_without_a_file_have_an_end(kind: bytes) -> None:
    one = header(size=0, kind=kind)
    assert read(one * 4 + header() + END) != []
    with pytest.raises(NotOfThisForm, match="before a file"):
        read(one * 5 + header() + END)


def test_a_header_of_as_many_bytes_as_it_may_have_is_read() -> None:
    value = "x" * (MOST_EXTENDED - len("65536 comment=\n"))
    assert read(pax(("comment", value)) + header() + END) == [("a.txt", b"")]


def test_a_size_below_zero_is_none() -> None:
    raw = bytearray(header())
    raw[124:136] = b"\xff" * 10 + b"\xfe\x00"
    raw[148:156] = b"%06o\x00 " % (sum(raw[:148]) + sum(raw[156:]) + 8 * 32)
    with pytest.raises(NotOfThisForm, match="a number that is none"):
        read(bytes(raw) + END)


NO_ARCHIVES = {
    "nothing": b"",
    "half an end": bytes(BLOCK),
    "a file behind half an end": bytes(BLOCK) + header() + END,
    "cut in a file": header(size=5) + b"123",
    "longer than it": header(size=1 << 60) + END,
    "no end": header(size=5) + padded(b"12345"),
    "something where zeros belong": header(size=5) + b"12345" + b"x" * (BLOCK - 5) + END,
    "something behind the end": header() + END + header() + END,
    "a folder with content": header("folder", 5, tarfile.DIRTYPE) + padded(b"12345") + END,
    "another kind": header(kind=tarfile.CONTTYPE) + END,
    "one path for all": pax(("path", "b"), kind=tarfile.XGLTYPE) + header() + END,
    "a size below zero in pax": pax(("size", "-1")) + header() + END,
    "a size of very many digits": pax(("size", "1" * 5000)) + header() + END,
    "a record without a sign": header("pax", 9, tarfile.XHDTYPE) + padded(b"9 no sign") + header() + END,
    "a record without length": header("pax", 9, tarfile.XHDTYPE) + padded(b"0 a=bcde\n") + header() + END,
    "a record beyond its header": header("pax", 9, tarfile.XHDTYPE) + padded(b"99 a=bcd\n") + header() + END,
    "a wrong sum": header()[:148] + b"0000000\x00" + header()[156:] + END,
    "no archive": b"x" * 5000,
}


@pytest.mark.parametrize("what", NO_ARCHIVES)
def test_what_is_no_plain_archive_is_refused(what: str) -> None:
    with pytest.raises(NotOfThisForm):
        read(NO_ARCHIVES[what])


@given(archive=st.binary(max_size=1200), begun=st.booleans())
def test_whatever_it_is_it_is_read_or_refused(archive: bytes, begun: bool) -> None:
    with contextlib.suppress(NotOfThisForm):
        read((header("pax", 300, tarfile.XHDTYPE) if begun else b"") + archive + END)
