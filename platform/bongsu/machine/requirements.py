"""Requirements files of pip: what their lines name, and the files that they include."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

_INCLUDES = ("-r", "-c", "--requirement", "--constraint")
_ADDRESSES = ("-e", "-f", "-i", "--editable", "--find-links", "--index-url", "--extra-index-url", "--pypi-url")
_ARCHIVES = (".whl", ".zip", ".tar", ".gz", ".bz2", ".tgz", ".tbz", ".xz", ".txz", ".tlz", ".lz", ".lzma")
_REMARK = re.compile(r"(?<!\S)#")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_FILE = re.compile(r"\bfile:", re.IGNORECASE)
# pip takes quotes off as a shell does. Names that need them are not found, which is told.
_UNQUOTED = str.maketrans("", "", "\"'\\")
_Place = TypeVar("_Place", bound=PurePath)


@dataclass(frozen=True)
class Named:
    """What a line names that may lie on this machine.

    Attributes:
        line: from 1.
        name: as written, without quotes.
        is_included: another requirements file; else a package, or where packages are looked for.
    """

    line: int
    name: str
    is_included: bool

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is neither a file that can lie beside this one, nor a package that comes over a network."""
        if self.is_included:
            return _SCHEME.match(self.name) is not None
        return _FILE.search(self.name) is not None or "://" not in self.name


def with_included(path: Path) -> bytes:
    """The file's content and that of every file it includes (``-r``, ``-c``), each once, in the order in which pip
    reads them.

    Raises OSError. Files that lie elsewhere (``https://...``) are left to their hashes.
    """
    return as_one(_in_order(path, Path.read_bytes, Path.resolve, named_in))


def named_in(content: bytes) -> tuple[Named, ...]:
    """What the lines of a requirements file name, in their order: files that they include, addresses, and packages
    that are no plain name of an index. In time linear in the content's length."""
    return tuple(
        named for number, line in _lines(content.decode(errors="replace")) for named in _named(number, line)
    )


def files_read(
    name: str, read: Callable[[str], bytes], named: Callable[[bytes], tuple[Named, ...]] = named_in
) -> dict[str, bytes]:
    """As :func:`with_included`, file by file, for files that are known by their names below some folder.

    Args:
        name: of the first file, relative to the folder.
        read: the content of a file, by its shortest name relative to the folder.
        named: as :func:`named_in`, which who reads the same files often remembers.

    Raises what ``read`` does.
    """
    found = _in_order(PurePath(name), lambda path: read(_shortest(path)), _shortest, named)
    return {_shortest(path): content for path, content in found.items()}


def as_one(contents: dict[_Place, bytes] | dict[str, bytes]) -> bytes:
    """The contents as their digest is taken of."""
    return b"\0".join(contents.values())


def _in_order(
    first: _Place,
    read: Callable[[_Place], bytes],
    known_by: Callable[[_Place], Hashable],
    named: Callable[[bytes], tuple[Named, ...]],
) -> dict[_Place, bytes]:
    contents: dict[_Place, bytes] = {}
    waiting, seen = [first], set[Hashable]()
    while waiting:
        file = waiting.pop()
        if known_by(file) in seen:
            continue
        seen.add(known_by(file))
        contents[file] = content = read(file)
        names = [one.name for one in named(content) if one.is_included]
        waiting += [file.parent / name for name in reversed(names) if "://" not in name]
    return contents


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines as pip joins them at backslashes, without remarks, each with the number of its first."""
    parts: list[str] = []
    first = 1
    for number, line in enumerate(text.splitlines(), 1):
        is_remark = line.lstrip().startswith("#")
        if not parts:
            first = number
        if line.endswith("\\") and not is_remark:
            parts.append(line[:-1])
            continue
        yield first, _REMARK.split("".join([*parts, " " * is_remark, line]), maxsplit=1)[0]
        parts = []
    if parts:
        yield first, _REMARK.split("".join(parts), maxsplit=1)[0]


def _named(number: int, line: str) -> Iterator[Named]:
    words = line.translate(_UNQUOTED).split()
    begin = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    package = " ".join(words[:begin]).partition(";")[0].strip()
    if _is_no_plain_name(package):
        yield Named(number, package, is_included=False)
    rest = iter(words[begin:])
    for word in rest:
        option, value = _option(word)
        if option:
            while value in ("", "=") and (after := next(rest, None)) is not None:
                value = after
            if name := value.lstrip("="):
                yield Named(number, name, option in _INCLUDES)


def _option(word: str) -> tuple[str, str]:
    """One of those above, and what the word says of its value; empty for any other word. pip takes the beginning of
    a long one for it."""
    known = (*_INCLUDES, *_ADDRESSES)
    if not word.startswith("--"):
        return (word[:2], word[2:]) if word[:2] in known else ("", "")
    name, _equals, value = word.partition("=")
    return next((option for option in known if len(name) > 2 and option.startswith(name)), ""), value


def _is_no_plain_name(package: str) -> bool:
    return (
        "/" in package
        or package.startswith((".", "~"))
        or package.lower().endswith(_ARCHIVES)
        or bool(_FILE.search(package))
    )


def _shortest(path: PurePath) -> str:
    return os.path.normpath(path)
