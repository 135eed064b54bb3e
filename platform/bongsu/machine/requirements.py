"""Requirements files of pip, with the files that they include."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Hashable
from pathlib import Path, PurePath
from typing import TypeVar

_INCLUDED = re.compile(rb"^[ \t]*(?:-r|-c|--requirement|--constraint)(?:[ \t]*=?[ \t]*)([^\s#]+)", re.MULTILINE)
_Place = TypeVar("_Place", bound=PurePath)


def with_included(path: Path) -> bytes:
    """The file's content and that of every file it includes (``-r``, ``-c``), each once, in the order in which pip
    reads them.

    Raises OSError. Files that lie elsewhere (``https://...``) are left to their hashes.
    """
    return as_one(_in_order(path, Path.read_bytes, Path.resolve))


def files_read(name: str, read: Callable[[str], bytes]) -> dict[str, bytes]:
    """As :func:`with_included`, file by file, for files that are known by their names below some folder.

    Args:
        name: of the first file, relative to the folder.
        read: the content of a file, by its shortest name relative to the folder.

    Raises what ``read`` does.
    """
    found = _in_order(PurePath(name), lambda path: read(_shortest(path)), _shortest)
    return {_shortest(path): content for path, content in found.items()}


def as_one(contents: dict[_Place, bytes] | dict[str, bytes]) -> bytes:
    """The contents as their digest is taken of."""
    return b"\0".join(contents.values())


def _in_order(
    first: _Place, read: Callable[[_Place], bytes], known_by: Callable[[_Place], Hashable]
) -> dict[_Place, bytes]:
    contents: dict[_Place, bytes] = {}
    waiting, seen = [first], set[Hashable]()
    while waiting:
        file = waiting.pop()
        if known_by(file) in seen:
            continue
        seen.add(known_by(file))
        contents[file] = content = read(file)
        named = [match[1].decode(errors="replace").strip("'\"") for match in _INCLUDED.finditer(content)]
        waiting += [file.parent / name for name in reversed(named) if "://" not in name]
    return contents


def _shortest(path: PurePath) -> str:
    return os.path.normpath(path)
