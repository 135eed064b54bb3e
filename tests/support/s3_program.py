"""The S3 server that tests start, versitygw: built once from the Go module proxy into the user's cache folder.

``python3 tests/support/s3_program.py`` builds it beforehand, with nothing but Python's standard library; it does
nothing where the program is there already, or where there is no Go.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

VERSION = "v1.8.0"
MODULE = "github.com/versity/versitygw/cmd/versitygw"
BUILD_S = 900


def program() -> Path | None:
    """Where it is, built if need be; None where there is no Go. Who asks while another process builds it waits."""
    built = Path.home() / ".cache" / "bongsu" / "bin" / f"versitygw-{VERSION}"
    if built.exists():
        return built
    if shutil.which("go") is None:
        return None
    built.parent.mkdir(parents=True, exist_ok=True)
    with (built.parent / "building").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=built.parent) as folder:
                environment = {**os.environ, "GOBIN": folder, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
                subprocess.run(
                    ["go", "install", f"{MODULE}@{VERSION}"], check=True, env=environment, timeout=BUILD_S
                )
                (Path(folder) / "versitygw").rename(built)
    return built


if __name__ == "__main__":
    print(program() or "There is no Go to build the S3 server with.")
