"""Writing the files that a command was asked for."""

from __future__ import annotations

from pathlib import Path

from bongsu.domain.codes import cli as codes


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
        detail = getattr(error, "strerror", None) or str(error)
        raise codes.CANNOT_WRITE.error(path=path, detail=detail) from None
