"""What pip and uv installed here before, for a test that installs it once more: nothing is fetched a second time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[2]


def package_settings(folder: Path) -> dict[str, str]:
    """Variables with which ``pip install uv`` and ``uv pip install -r requirements.lock`` need no package index; none
    where uv's cache lacks something, as then both ask the one that is set up.

    Args:
        folder: for a wheel of uv.
    """
    asked = ["pip", "install", "--quiet", "--dry-run", "--offline", "--require-hashes", "--target", str(folder)]
    asked += ["-r", str(ROOT / "requirements.lock")]
    uv = Path(sys.executable).with_name("uv")
    if subprocess.run([uv, *asked], capture_output=True, timeout=120, check=False).returncode != 0:
        return {}
    _wheel("uv", folder)
    return {"UV_OFFLINE": "1", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def _wheel(name: str, folder: Path) -> None:
    """Of an installed package, as it was before: its programs lie beside it."""
    found = distribution(name)
    tag = next(
        line.removeprefix("Tag: ")
        for line in (found.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag: ")
    )
    stem = f"{name}-{found.version}"
    with zipfile.ZipFile(folder / f"{stem}-{tag}.whl", "w") as wheel:
        for file in found.files or ():
            is_program = file.parts[0] == ".."
            if file.name not in ("INSTALLER", "REQUESTED") and file.suffix != ".pyc":
                wheel.write(file.locate(), f"{stem}.data/scripts/{file.name}" if is_program else str(file))
