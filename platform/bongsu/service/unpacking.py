"""Files out of an archive that somebody sent: nothing is followed, nothing lies outside of their folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from bongsu.artifacts.bundle_form import NotOfThisForm, Tape
from bongsu.artifacts.plain_tar import TarMember, members_of
from bongsu.domain.artifact import check_tree_path
from bongsu.domain.codes import artifact as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import as_phrase, phrase

MOST_FILES = 100_000
"""Files and folders that an archive holds; and folders in which its files lie."""
MOST_DEEP = 64
"""Folders, one in another."""


class SenderLeft(Exception):
    """Nobody waits any more for what was being done."""


def unpack(archive: Path, folder: Path, title: str, has_left: Callable[[], bool]) -> None:
    """Write the files of a tar archive into an empty folder. Together they are no larger than the archive.

    Args:
        archive: nothing of it is trusted.
        folder: whoever made it deletes it, whatever is raised.
        title: what the archive is called, for people.
        has_left: whether who sent it is gone; asked before each piece.

    Raises:
        BongsuError: ``artifact.not-an-archive``, ``artifact.unsafe-path``.
        SenderLeft: they are.
    """
    made: set[str] = set()
    try:
        with archive.open("rb") as file:
            tape = Tape(file)
            for count, (member, pieces) in enumerate(members_of(tape), start=1):
                if has_left():
                    raise SenderLeft
                if not member.is_folder:
                    made |= _folders_of(member, tape.offset)
                if max(count, len(made)) > MOST_FILES:
                    words = phrase(N_("it holds more than {most} files, or folders"), most=MOST_FILES)
                    raise NotOfThisForm(words, tape.offset)
                if not member.is_folder:
                    _write(member, pieces, folder, has_left)
    except NotOfThisForm as error:
        raise codes.NOT_AN_ARCHIVE.error(archive=title, detail=as_phrase(error.detail)) from error


def _folders_of(member: TarMember, offset: int) -> set[str]:
    """In which it lies, once it is known that it may lie there."""
    check_tree_path(member.name)
    found = {str(one) for one in PurePosixPath(member.name).parents[:-1]}
    if len(found) > MOST_DEEP:
        words = N_("{name} lies in more than {most} folders, one in another")
        raise NotOfThisForm(phrase(words, name=member.name, most=MOST_DEEP), offset)
    return found


def _write(member: TarMember, pieces: Iterator[bytes], folder: Path, has_left: Callable[[], bool]) -> None:
    place = folder / member.name
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        file = place.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        words = N_("{name} is there twice, or is a file and a folder")
        raise NotOfThisForm(phrase(words, name=member.name), 0) from error
    with file:
        for piece in pieces:
            if has_left():
                raise SenderLeft
            file.write(piece)
