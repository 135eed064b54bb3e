"""Faults that say nothing about what a stage computes: of the machine that it computes on."""

from __future__ import annotations

import errno

DISK_TAKES_NOTHING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def is_of_machine(error: BaseException) -> bool:
    """True if the system refused something. Errors of what is read have no number: decompressors and parsers raise
    OSError as well, and make their own words."""
    return isinstance(error, OSError) and error.errno is not None


def is_full_disk(error: BaseException) -> bool:
    """True if nothing more can be written, for want of room, of quota or of leave."""
    return isinstance(error, OSError) and error.errno in DISK_TAKES_NOTHING


def is_out_of_memory(error: BaseException) -> bool:
    """Python's own, and torch's of a GPU, which is asked for by name: torch need not be there."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
