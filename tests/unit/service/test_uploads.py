"""Archives and pipelines that a client sends: nothing of them is trusted."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from governed_places import GovernedPlace

from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.files import NotFound
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
