"""Whose fault it is that a model could not be read: its own, or that of the machine it was read on."""

from __future__ import annotations

import errno

from safetensors import SafetensorError

from bongsu.artifacts.checking import is_damage
from bongsu.domain.problems import BongsuError

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EFBIG)


def is_of_the_machine(error: Exception) -> bool:
    """True for what says nothing about the model: a full disk, a store that does not answer, too little memory."""
    if isinstance(error, BongsuError):
        return not is_damage(error)
    if isinstance(error, OSError):
        return error.errno in _OF_THE_DISK
    if isinstance(error, SafetensorError):  # the library says it in words alone
        return "I/O error" in str(error)
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
