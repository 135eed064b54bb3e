"""A stage under an interpreter in which Bongsu is not installed and a library has another version."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from installed_code import code_of

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, AttemptSpec, Failure, failure_key, result_key
from bongsu.domain.ids import AttemptId, RunId, StageId, digest_of
from bongsu.domain.labels import OPEN
from bongsu.domain.pipeline import Environment
from bongsu.domain.resources import Resources
from bongsu.machine.requirements import with_included
from bongsu_stages.runtime import isolated
from bongsu_stages.runtime.isolated import lend_packages, run_isolated

# What Bongsu's own packages import on a worker.
NEEDED = (
    "annotated_types",
    "psutil",
    "pydantic",
    "pydantic_core",
    "typing_extensions.py",
    "typing_inspection",
)


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """A fresh virtual environment with what is needed, and a transformers that is not ours."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    ours = Path(sysconfig.get_paths()["purelib"])
    for name in NEEDED:
        (site / name).symlink_to(ours / name)
    (site / "transformers.py").write_text("__version__ = '4.50.0'\n")
    return tmp_path / "venv" / "bin" / "python"


def spec(folder: Path, interpreter: Path) -> AttemptSpec:
    return AttemptSpec(
        id=AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("a"), number=1),
        uses="probe",
        code=code_of("probe"),
        params={"text": "봉화"},
        inputs={},
        outputs={"files": ArtifactType.FILES},
        label=OPEN,
        resources=Resources(),
        environment=Environment(interpreter=str(interpreter)),
        artifact_store=(folder / "artifacts").as_uri(),
        checkpoint_key="work/a",
        log_directory=str(folder / "logs"),
    )


def test_a_stage_runs_where_bongsu_is_not_installed(tmp_path: Path, interpreter: Path) -> None:
    outcome = run_isolated(spec(tmp_path, interpreter), tmp_path / "environments", os.environ)
    assert isinstance(outcome, AttemptResult), outcome
    tree = LocalStore(tmp_path / "artifacts").reader(outcome.outputs["files"].digest)
    assert tree.manifest.files


def test_what_is_lent_is_bongsu_and_nothing_that_would_hide_the_interpreters_own(
    tmp_path: Path, interpreter: Path
) -> None:
    lend_packages(tmp_path / "lent", "probe")
    names = {path.name for path in (tmp_path / "lent").iterdir()}
    assert names == {"bongsu", "bongsu_stages", "bongsu_lent-0.dist-info"}
    command = [str(interpreter), "-c", "import transformers; print(transformers.__version__)"]
    told = subprocess.run(command, env={"PYTHONPATH": str(tmp_path / "lent")}, capture_output=True, check=True)
    assert told.stdout.split() == [b"4.50.0"]


@pytest.mark.parametrize("key", [result_key, failure_key])
def test_a_record_that_cannot_be_read_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Callable[[AttemptId], str]
) -> None:
    attempt = spec(tmp_path, Path(sys.executable))
    LocalStore(tmp_path / "artifacts").put_record(key(attempt.id), b"{}")
    ended: subprocess.CompletedProcess[bytes] = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(isolated.subprocess, "run", lambda *_arguments, **_options: ended)
    outcome = run_isolated(attempt, tmp_path / "environments", os.environ)
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.retryable) == ("BadOutput", False)


def test_requirements_that_changed_since_the_plan_are_not_installed(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("one==1\n")
    file = tmp_path / "requirements.txt"
    planned = digest_of(with_included(file))
    (tmp_path / "more.txt").write_text("one==2\n")
    attempt = spec(tmp_path, Path(sys.executable)).model_copy(
        update={"environment": Environment(requirements=str(file)), "requirements": planned}
    )
    outcome = run_isolated(attempt, tmp_path / "environments", os.environ)
    assert isinstance(outcome, Failure)
    assert "is not as it was when the run was planned" in str(outcome.message)
    assert not outcome.retryable


def test_requirements_that_were_sent_are_read_from_the_artifact_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path / "artifacts")
    writer = store.writer("requirements")
    with writer.create("below/own.txt") as file:
        file.write(b"one==1\n")
    tree = writer.commit().digest
    attempt = spec(tmp_path, Path(sys.executable)).model_copy(
        update={
            "environment": Environment(requirements="below/own.txt"),
            "requirements": digest_of(b"one==1\n"),
            "requirements_tree": tree,
        }
    )
    read: list[str] = []

    def install(command: list[str], _surrounding: Mapping[str, str]) -> None:
        if "-r" not in command:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", command[-1]], check=True)
        else:
            read.append(Path(command[-1]).read_text())

    monkeypatch.setattr(isolated, "_call", install)
    run_isolated(attempt, tmp_path / "environments", os.environ)
    assert read == ["one==1\n"]
    gone = run_isolated(
        attempt.model_copy(update={"requirements_tree": digest_of(b"nothing")}),
        tmp_path / "environments",
        os.environ,
    )
    assert isinstance(gone, Failure)
    assert str(digest_of(b"nothing")) in str(gone.message)


def test_a_store_that_cannot_be_opened_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = spec(tmp_path, Path(sys.executable)).model_copy(update={"artifact_store": "gopher://nowhere"})
    ended: subprocess.CompletedProcess[bytes] = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(isolated.subprocess, "run", lambda *_arguments, **_options: ended)
    outcome = run_isolated(attempt, tmp_path / "environments", os.environ)
    assert isinstance(outcome, Failure)
    assert "gopher" in str(outcome.message)
