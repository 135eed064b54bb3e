"""A cache key changes with the code that a stage runs, and with no other."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import bongsu_stages
from bongsu_stages.runtime.code import digest_of_sources, find_source, sources_of

ROOT = Path(bongsu_stages.__file__).parent


def digest_of(module: str) -> str:
    """As the files are now: processes ask once."""
    return digest_of_sources(module, sources_of(module, find_source))


@pytest.mark.parametrize(
    ("module", "uses", "not_used"),
    [
        ("compress.distill", {"train.loop", "train.divergence", "models.saving"}, {"data.curate", "verify.gate"}),
        ("verify.reload", {"verify.checks", "verify.probe", "evaluate.likelihood"}, {"compress.gptq"}),
        ("data.curate", {"data.personal_patterns", "data.folding"}, {"train.loop"}),
        ("runtime.container", {"runtime.surroundings"}, {"train.loop"}),
    ],
)
def test_code_is_followed_into_functions_and_other_packages(
    module: str, uses: set[str], not_used: set[str]
) -> None:
    sources = sources_of(f"bongsu_stages.{module}", find_source)
    found = {name.removeprefix("bongsu_stages.") for name in sources}
    assert uses <= found
    assert not not_used & found


def test_another_teams_stage_changes_with_its_own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "their_stages"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "stage.py").write_text("def run():\n    from their_stages import (\n        step,\n    )\n")
    (package / "step.py").write_text("A = 1\n")
    (package / "other.py").write_text("B = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("their_stages")
    digests = [digest_of("their_stages.stage")]
    (package / "other.py").write_text("B = 2\n")
    digests.append(digest_of("their_stages.stage"))
    (package / "step.py").write_text("A = 2\n")
    digests.append(digest_of("their_stages.stage"))
    del sys.modules["their_stages"]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    "line",
    [
        "from .helper import X",
        "from . import helper",
        "from ..team import helper",
        "from ..team.helper import *",
        "import os, stages_of.team.helper",
        "from stages_of.team import (helper as h,  # why\n    other)",
        "def run():\n    from .helper import X",
    ],
)
def test_every_way_to_import_a_module_is_followed(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, same, after = (
        _installed(tmp_path / name, line, helper, monkeypatch)
        for name, helper in (("before", "X = 1\n"), ("elsewhere", "X = 1\n"), ("after", "X = 2\n"))
    )
    assert before == same != after


def test_the_packages_around_a_module_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _installed(tmp_path / "a", "", "", monkeypatch, around="A = 1\n")
    assert first != _installed(tmp_path / "b", "", "", monkeypatch, around="A = 2\n")


def test_what_a_process_has_imported_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = _installed(tmp_path / "a", "from .helper import X", "X = 1\n", monkeypatch)
    loaded = _installed(tmp_path / "b", "from .helper import X", "X = 1\n", monkeypatch, load=True)
    assert fresh == loaded


def _installed(
    root: Path, line: str, helper: str, monkeypatch: pytest.MonkeyPatch, around: str = "", load: bool = False
) -> str:
    """Digest of ``stages_of.team.stage``, which has ``line``, when its package is installed at ``root``."""
    team = root / "stages_of" / "team"
    team.mkdir(parents=True)
    files = {"../__init__": around, "__init__": "", "stage": line + "\n", "helper": helper, "other": ""}
    for name, text in files.items():
        (team / f"{name}.py").write_text(text)
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(root))
        if load:
            importlib.import_module("stages_of.team.stage")
        digest = digest_of("stages_of.team.stage")
    for name in [name for name in sys.modules if name.partition(".")[0] == "stages_of"]:
        del sys.modules[name]
    return digest
