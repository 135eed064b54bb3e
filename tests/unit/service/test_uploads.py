"""Archives and pipelines that a client sends: nothing of them is trusted."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from governed_places import GovernedPlace

from bongsu.artifacts.local import LocalStore
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError
from bongsu.service import unpacking
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.files import NotFound
from bongsu.service.unpacking import MOST_DEEP, SenderLeft, unpack
from bongsu.service.uploading import ABANDONED_S, clear_abandoned, take_upload, upload_folder

Make = Callable[[tarfile.TarFile], None]


@dataclass(frozen=True)
class Home:
    home: Path


def plain(name: str) -> Make:
    def make(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))

    return make


def special(kind: bytes, target: str = "/etc/passwd") -> Make:
    def make(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo("a.txt")
        member.type, member.linkname = kind, target
        tar.addfile(member)

    return make


def with_header(change: Callable[[bytearray], None], kind: bytes = tarfile.REGTYPE, size: int = 512) -> Make:
    """A file of one block, whose header is changed."""

    def make(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo("a.txt")
        member.type, member.size = kind, size
        raw = bytearray(member.tobuf(tarfile.GNU_FORMAT))
        change(raw)
        raw[148:156] = b"%06o\x00 " % (sum(raw[:148]) + sum(raw[156:]) + 8 * ord(" "))
        assert tar.fileobj is not None
        tar.fileobj.write(bytes(raw) + bytes(512))

    return make


def holed(raw: bytearray) -> None:
    raw[483:495] = b"%011o\x00" % (1 << 30)  # what it would be on the disk


def below_zero(raw: bytearray) -> None:
    raw[124:136] = b"\xff" * 10 + b"\xfe\x00"


def holed_as_pax(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("a.txt")
    member.size = 512
    member.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "a.txt",
        "GNU.sparse.realsize": str(1 << 30),
    }
    tar.addfile(member, io.BytesIO(b"0\n".ljust(512, b"\x00")))


def unchanged(_raw: bytearray) -> None:
    pass


def twice(tar: tarfile.TarFile) -> None:
    plain("a.txt")(tar)
    plain("a.txt")(tar)


HOSTILE: dict[str, Make] = {
    "above": plain("../evil.txt"),
    "above, hidden": plain("a/../../evil.txt"),
    "absolute": plain("/tmp/evil.txt"),
    "a link": special(tarfile.SYMTYPE),
    "a hard link": special(tarfile.LNKTYPE),
    "a pipe": special(tarfile.FIFOTYPE),
    "a device": special(tarfile.CHRTYPE),
    "one name twice": twice,
    "a file with holes": with_header(holed, tarfile.GNUTYPE_SPARSE),
    "a file with holes, as pax says it": holed_as_pax,
    "a size below zero": with_header(below_zero),
    "a large extended header": with_header(unchanged, tarfile.XHDTYPE, 1 << 30),
    "a large extended header for all": with_header(unchanged, tarfile.XGLTYPE, 1 << 30),
    "a long name of GNU": with_header(unchanged, tarfile.GNUTYPE_LONGNAME, 1 << 30),
    "a file in too many folders": plain("x/" * (MOST_DEEP + 1) + "a.txt"),
    "a name that no file system holds": plain("가" * 86),
    "a folder that no file system holds": plain("x" * 256 + "/a.txt"),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_archive_leaves_nothing(tmp_path: Path, how: str) -> None:
    (tmp_path / "place").mkdir()
    place = GovernedPlace(tmp_path / "place")
    folder = tmp_path / "place" / "upload"
    folder.mkdir()
    with tarfile.open(folder / "sent.tar", "w") as tar:
        HOSTILE[how](tar)
    with pytest.raises(BongsuError, match=r"artifact\.(not-an-archive|unsafe-path)"):
        take_upload(place.as_("kim"), folder / "sent.tar", "sent", None, is_model=False)
    assert [path.name for path in folder.iterdir()] == ["sent.tar"]
    assert not list(tmp_path.rglob("evil.txt"))
    place.close()


@pytest.mark.parametrize(
    "names",
    [
        [f"f{n}/" for n in range(6)],
        ["f/" * n for n in range(1, 7)],
        [f"f{n}.txt" for n in range(6)],
        [f"f{n}/g{n}/a.txt" for n in range(3)],
    ],
)
def test_folders_count_as_files_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    with tarfile.open(tmp_path / "sent.tar", "w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(member)
    for most, place in ((6, tmp_path / "all"), (5, tmp_path / "none")):
        place.mkdir()
        monkeypatch.setattr(unpacking, "MOST_FILES", most)
        if most == 6:
            unpack(tmp_path / "sent.tar", place, "sent", lambda: False)
        else:
            with pytest.raises(BongsuError, match=r"more than 5 files, or folders.*artifact\.not-an-archive"):
                unpack(tmp_path / "sent.tar", place, "sent", lambda: False)


def test_for_who_has_left_no_further_piece_is_written(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "sent.tar", "w") as tar:
        member = tarfile.TarInfo("a.bin")
        member.size = 5 << 20
        tar.addfile(member, io.BytesIO(bytes(5 << 20)))
    asked: list[None] = []

    def has_left() -> bool:
        asked.append(None)
        return len(asked) > 3

    (tmp_path / "place").mkdir()
    with pytest.raises(SenderLeft):
        unpack(tmp_path / "sent.tar", tmp_path / "place", "sent", has_left)
    assert (tmp_path / "place" / "a.bin").stat().st_size == 2 << 20


def test_a_compressed_archive_is_none(tmp_path: Path) -> None:
    place = GovernedPlace(tmp_path)
    with tarfile.open(tmp_path / "sent.tar", "w:gz") as tar:
        plain("a.txt")(tar)
    with pytest.raises(BongsuError, match=r"sent as sent is no archive.*artifact\.not-an-archive"):
        take_upload(place.as_("kim"), tmp_path / "sent.tar", "sent", None, is_model=False)
    place.close()


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ("label: [", "the files of 법령 cannot be read"),
        ("purpose: Lethal autonomous targeting", "법령/card.yaml: purpose"),
    ],
)
def test_a_refusal_of_a_card_says_of_which_upload(tmp_path: Path, card: str, told: str) -> None:
    place = GovernedPlace(tmp_path)
    with tarfile.open(tmp_path / "sent.tar", "w") as tar:
        member = tarfile.TarInfo("card.yaml")
        member.size = len(card)
        tar.addfile(member, io.BytesIO(card.encode()))
    with pytest.raises(BongsuError) as caught:
        take_upload(place.as_("kim"), tmp_path / "sent.tar", "법령", None, is_model=False)
    assert told in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    place.close()


@pytest.mark.parametrize("address", ["file:/etc/passwd", "file:secret.txt", "file:../secret.txt"])
def test_a_pipeline_reads_no_file_of_the_server(tmp_path: Path, address: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(NotFound):
        Files(tmp_path, {}).address_of("corpus", Input(dataset=address))


def test_what_a_killed_process_left_is_cleared_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    now = 1_000_000_000.0
    for name, age in (("bongsu-upload-a", 2), ("bongsu-cards-b", 2), ("bongsu-upload-c", 0.5), ("artifacts", 9)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file").write_text("x")
        os.utime(folder, (now - age * ABANDONED_S, now - age * ABANDONED_S))
    assert clear_abandoned(tmp_path, now) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "bongsu-upload-c"]
    with upload_folder(Home(tmp_path)):  # type: ignore[arg-type]
        assert clear_abandoned(tmp_path, time.time() + 2 * ABANDONED_S) == 2, "by the names that uploads have"


_KILLED = """
import os, sys
from pathlib import Path
from bongsu.artifacts.local import LocalStore
writer = LocalStore(Path(sys.argv[1])).writer(sys.argv[2])
with writer.create("weights/part-0.bin") as file:
    file.write(bytes(1 << 20))
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("place", ["artifacts", "artifacts/mnd"])
def test_what_was_half_way_into_the_artifact_store_is_cleared_once_nobody_writes_it(
    tmp_path: Path, place: str
) -> None:
    store = tmp_path / place
    for key in ("uploads/0123456789abcdef", "bundles/sha256-0123"):
        subprocess.run([sys.executable, "-c", _KILLED, str(store), key], check=False)
    writing = LocalStore(store).writer("uploads/fedcba9876543210")
    with writing.create("notes.txt") as file:
        file.write(b"notes")
    assert clear_abandoned(tmp_path, time.time()) == 0, "it was just now"
    assert clear_abandoned(tmp_path, time.time() + 2 * ABANDONED_S) == 1
    left = {path.name for path in store.glob("staging/*/*.tree")}
    assert left == {"fedcba9876543210.tree", "sha256-0123.tree"}
    assert writing.commit().files[0].path == "notes.txt"
    assert clear_abandoned(tmp_path, time.time() + 2 * ABANDONED_S) == 0
    assert {path.name for path in (store / "staging").iterdir()} == {".lock", "bundles"}
