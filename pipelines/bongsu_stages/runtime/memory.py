"""Resident memory of a process that is used for one attempt after another: its peak over one of them, and giving back
what the last one left."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from pathlib import Path
from types import TracebackType

# Numbers of `mallopt` (malloc.h), and what a training worker sets them to: blocks of up to 32 MB, the most that glibc
# allows, come from the heap, and up to 256 MB that lie free at its end stay there.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 256 << 20}


class PeakMemory:
    """Context manager; ``bytes`` is the peak in between, None where the kernel does not tell (not Linux).

    Linux resets the high-water mark ``VmHWM`` when 5 is written to ``clear_refs`` (proc(5)).
    """

    def __init__(self) -> None:
        self.bytes: int | None = None

    def __enter__(self) -> PeakMemory:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            status = Path("/proc/self/status").read_text()
        except OSError:
            return
        line = next((row for row in status.splitlines() if row.startswith("VmHWM:")), None)
        self.bytes = int(line.split()[1]) * 1024 if line else None


def give_back() -> None:
    """Return to the system what nobody uses any more: cycles of objects, and pages that the C library keeps for later.

    Without it, a worker that is used again begins with a part of what its last stage took, and its next one peaks
    above what it needs. Where the C library is not glibc, pages stay as they are.
    """
    gc.collect()
    return_pages()


def keep_pages() -> None:
    """Have the C library keep freed pages in this process, from now on; :func:`return_pages` returns what lies there.

    A training step frees what the next one takes again: pages that went back in between are faulted in and zeroed anew,
    1 to 2% of a step on a CPU. Whoever sets `MALLOC_..._` in the environment has decided otherwise, and is left alone.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for option, value in _KEPT.items():
            library.mallopt(option, value)


def return_pages() -> None:
    """The second half of :func:`give_back`; it takes milliseconds."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
