"""Peak resident memory of this process over one attempt, although the process is reused."""

from __future__ import annotations

import contextlib
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
