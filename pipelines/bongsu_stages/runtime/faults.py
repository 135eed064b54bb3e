"""Faults that say nothing about what a stage computes: of the machine that it computes on."""

from __future__ import annotations

import errno

DISK_TAKES_NOTHING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def is_out_of_memory(error: BaseException) -> bool:
    """Python's own, and torch's of a GPU, which is asked for by name: torch need not be there."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
