"""Resident memory of a process that is used for one attempt after another: its peak over one of them, and giving back
what the last one left."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from pathlib import Path
from types import TracebackType


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


def return_pages() -> None:
    """The second half of :func:`give_back`; it takes milliseconds."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
