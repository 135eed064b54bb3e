"""What is asked of FastAPI that is no public interface of it may change with each of its minor versions."""

from __future__ import annotations

import tomllib
from pathlib import Path

import fastapi
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[3]
INNER = "from fastapi.dependencies"


def test_the_next_minor_version_of_fastapi_is_not_taken_while_its_inner_parts_are_used() -> None:
    using = [path for path in (ROOT / "platform").rglob("*.py") if INNER in path.read_text(encoding="utf-8")]
    assert [path.name for path in using] == ["query_names.py"], "in one place; without any, the bound can go"
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (taken,) = [one.specifier for one in map(Requirement, stated) if one.name == "fastapi"]
    here = Version(fastapi.__version__)
    assert here in taken
    assert f"{here.major}.{here.minor + 1}.0" not in taken
