"""Faults that say nothing about what a stage computes: of the machine that it computes on."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

DISK_TAKES_NOTHING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


def is_of_machine(error: BaseException) -> bool:
    """True if the system refused something. Errors of what is read have no number: decompressors and parsers raise
    OSError as well, and make their own words."""
    return isinstance(error, OSError) and error.errno is not None


def full_disk(error: BaseException) -> BaseException | None:
    """What says that nothing more can be written, for want of room, of quota or of leave: ``error`` itself or what it
    came of. Writers of weights put words of their own over it, and those in Rust give the number in words alone."""
    return next((one for one in _came_of(error) if _number(one) in DISK_TAKES_NOTHING), None)


def _came_of(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _number(error: BaseException) -> int | None:
    """Number of the system's error."""
    if isinstance(error, OSError):
        return error.errno
    told = _IN_WORDS.search(str(error))
    return int(told[1]) if told else None


_IN_WORDS = re.compile(r"\(os error (\d+)\)")


def is_out_of_memory(error: BaseException) -> bool:
    """Python's own, and torch's of a GPU, which is asked for by name: torch need not be there."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
