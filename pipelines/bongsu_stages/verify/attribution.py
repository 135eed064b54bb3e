"""Whose fault it is that a model could not be read: its own, or that of the machine it was read on."""

from __future__ import annotations

import errno

from safetensors import SafetensorError

from bongsu.artifacts.checking import is_damage
from bongsu.domain.problems import BongsuError
from bongsu_stages.runtime.faults import DISK_TAKES_NOTHING, is_out_of_memory

# Beside a disk that takes nothing: one that fails, and limits of this process.
_OF_THE_SYSTEM = DISK_TAKES_NOTHING | {errno.EIO, errno.EMFILE, errno.ENFILE, errno.EFBIG}


def is_of_the_machine(error: Exception) -> bool:
    """True for what says nothing about the model: a full disk, a store that does not answer, too little memory."""
    if isinstance(error, BongsuError):
        return not is_damage(error)
    if isinstance(error, OSError):
        return error.errno in _OF_THE_SYSTEM
    if isinstance(error, SafetensorError):  # the library says it in words alone
        return "I/O error" in str(error)
    return is_out_of_memory(error)
