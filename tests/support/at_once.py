"""Processes that do the same at one moment."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

READY = "ready\n"
"""What each says once it waits for a line on its standard input."""


def run_at_once(
    command: Sequence[str], processes: int, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> None:
    """Start it so many times, let all go on once all are ready, and wait. Fails with what they said if one fails."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = [subprocess.Popen(command, cwd=cwd, env=env, text=True, **pipes) for _ in range(processes)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == READY
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=300)[1] for process in started]
    assert [process.returncode for process in started] == [0] * processes, said
