"""A shell completes values of the state directory: quickly, and silently where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_plans import plan_of, stage

from bongsu.service.embedded import open_home
from bongsu.service.submitting import submit

# Importing one of these takes longer than somebody waits who pressed Tab.
HEAVY = ("sqlalchemy", "rich", "mlflow", "ray", "torch")


def completed(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As zsh asks for it; the last word is the one that is being typed."""
    asked = {"_BONGSU_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": " ".join(("bongsu", *words))}
    code = "import sys; sys.argv = ['bongsu']; from bongsu.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | asked | environment,
    )


@pytest.fixture
def home(tmp_path: Path) -> tuple[Path, str]:
    platform = open_home(tmp_path / "home", os.environ)
    run = submit(platform, plan_of(stage("adapt"), stage("prune", "adapt"), name="light")).run
    platform.close()
    return tmp_path / "home", run.id


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("show", ""), ["RUN", "latest"]),
        (("logs", "latest", "pr"), ["prune"]),
        (("logs", "RUN", ""), ["adapt", "prune"]),
        (("runs", "--pipeline", "l"), ["light"]),
        (("runs", "--state", "int"), ["interrupted"]),
        (("stages", "show", "compress.q"), ["compress.quantize"]),
        (("explain", "run.unknown-s"), ["run.unknown-stage"]),
        (("models", "x"), []),
    ],
)
def test_values_are_completed(home: tuple[Path, str], words: tuple[str, ...], found: list[str]) -> None:
    folder, run = home
    said = completed(*(run if word == "RUN" else word for word in words), BONGSU_HOME=str(folder))
    assert said.stderr == ""
    for word in found:
        assert f'"{run if word == "RUN" else word}"' in said.stdout
    if not found:
        assert '"' not in said.stdout


@pytest.mark.parametrize("name", ["missing", "empty", "a-file", "damaged"])
def test_without_a_state_directory_there_is_silence(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a-file").write_text("")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "bongsu.db").write_bytes(b"no database" * 1000)
    said = completed("show", "", BONGSU_HOME=str(tmp_path / name))
    assert (said.stderr, '"' in said.stdout) == ("", False)
    assert not (tmp_path / "missing").exists(), "looking makes nothing"


def test_nothing_heavy_is_imported_for_it(home: tuple[Path, str]) -> None:
    code = (
        "import sys; from pathlib import Path; import bongsu.cli.app\n"
        "from bongsu.service.completing import Completions\n"
        "known = Completions(Path(sys.argv[1])); assert known.runs() and known.stages('latest');"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code, str(home[0])], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
