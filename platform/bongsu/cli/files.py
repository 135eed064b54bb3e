"""Writing the files that a command was asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from bongsu.domain.codes import cli as codes
from bongsu.domain.problems import BongsuError


def write_file(path: Path, text: str, *, new: bool = False) -> None:
    """Write ``text`` as UTF-8.

    Args:
        path: the file.
        text: all of its content.
        new: refuse to replace a file.

    Raises:
        BongsuError: ``cli.file-exists``, ``cli.cannot-write``.
    """
    try:
        with path.open("x" if new else "w", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise codes.FILE_EXISTS.error(path=path) from None
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A new file for its owner alone, to be written as UTF-8 bit by bit; it is removed if that comes to no end.

    Raises:
        BongsuError: ``cli.file-exists``, ``cli.cannot-write``.
    """
    with _made(path) as made, os.fdopen(made, "w", encoding="utf-8") as target:
        yield target


@contextmanager
def new_bytes(path: Path) -> Iterator[BinaryIO]:
    """As :func:`new_file`, of bytes; they are on the disk at the end."""
    with _made(path) as made, os.fdopen(made, "wb") as target:
        yield target
        target.flush()
        os.fsync(target.fileno())


@contextmanager
def _made(path: Path) -> Iterator[int]:
    """The descriptor of a new file, which the block closes."""
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise codes.FILE_EXISTS.error(path=path) from None
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None
    try:
        yield made
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise _cannot_write(path, error) from None
        raise


def _cannot_write(path: Path, error: OSError | ValueError) -> BongsuError:
    detail = getattr(error, "strerror", None) or str(error)
    return codes.CANNOT_WRITE.error(path=path, detail=detail)
