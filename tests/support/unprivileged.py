"""Running a piece of Python as somebody whom permissions hold back, which they do not do to the superuser."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

# linux/capability.h, linux/prctl.h
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def run_unprivileged(arguments: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter with ``arguments`` in ``folder``."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "BONGSU_LANG": "en", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=_bow_to_permissions if os.geteuid() == 0 else None,
    )


def make_read_only(folder: Path) -> None:
    """Take the right to write from a directory and everything in it."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(path.stat().st_mode & 0o555)


def make_writable(folder: Path) -> None:
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        path.chmod(0o700)


def _bow_to_permissions() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the superuser's rights cannot be given up")
