"""Requirements files of pip, with the files that they include."""

from __future__ import annotations

import re
from pathlib import Path

_INCLUDED = re.compile(rb"^[ \t]*(?:-r|-c|--requirement|--constraint)(?:[ \t]*=?[ \t]*)([^\s#]+)", re.MULTILINE)


def with_included(path: Path) -> bytes:
    """The file's content and that of every file it includes (``-r``, ``-c``), each once, in the order in which pip
    reads them.

    Raises OSError. Files that lie elsewhere (``https://...``) are left to their hashes.
    """
    contents: list[bytes] = []
    waiting, seen = [path], set()
    while waiting:
        file = waiting.pop()
        if file.resolve() in seen:
            continue
        seen.add(file.resolve())
        content = file.read_bytes()
        contents.append(content)
        named = [match[1].decode(errors="replace").strip("'\"") for match in _INCLUDED.finditer(content)]
        waiting += [file.parent / name for name in reversed(named) if "://" not in name]
    return b"\0".join(contents)
