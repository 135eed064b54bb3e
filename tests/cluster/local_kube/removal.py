"""Removing a folder, and nothing that is mounted below it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def remove_folder(folder: Path) -> None:
    """With all that is on the same file system: what a pod had of this machine may still be mounted in it."""
    subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False, capture_output=True)
