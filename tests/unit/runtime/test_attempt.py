"""One attempt: its record, its failures, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pydantic
import pytest
from installed_code import code_of

from bongsu.artifacts.local import LocalStore
from bongsu.artifacts.segments import Segments
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import (
    AttemptResult,
    AttemptSpec,
    Failure,
    events_stream,
    failure_key,
    log_stream,
    result_key,
)
from bongsu.domain.codes import artifact as codes
from bongsu.domain.events import Message, Progress, StageEvent, parse_event
from bongsu.domain.ids import AttemptId, RunId, StageId, digest_of
from bongsu.domain.labels import OPEN
from bongsu.domain.pipeline import Environment
from bongsu.domain.resources import Resources
from bongsu_stages.runtime.attempt import failure_of, run_attempt
from bongsu_stages.runtime.reporting import drop
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.runtime.testing import ProbeParams
from bongsu_stages.runtime.worker import run_logged


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def spec(store: LocalStore, params: dict[str, Any] | None = None, **changes: Any) -> AttemptSpec:
    values: dict[str, Any] = {
        "id": AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("stage"), number=1),
        "uses": "probe",
        "params": params or {},
        "inputs": {},
        "outputs": {"files": ArtifactType.FILES},
        "label": OPEN,
        "resources": Resources(),
        "artifact_store": store.uri,
        "checkpoint_key": "r-000000000001/stage",
    }
    values |= changes
    return AttemptSpec(**{"code": code_of(values["uses"]), **values})


def failed(store: LocalStore, attempt: AttemptSpec) -> Failure:
    """Run what has to fail, and check that its record says the same."""
    outcome = run_attempt(attempt, drop, time.time)
    assert isinstance(outcome, Failure)
    assert store.get_record(failure_key(attempt.id)) == outcome.model_dump_json().encode()
    assert store.get_record(result_key(attempt.id)) is None
    return outcome


def test_a_success_is_recorded_with_its_tree_figures_and_surroundings(store: LocalStore) -> None:
    events: list[StageEvent] = []
    attempt = spec(store, {"text": "봉수", "steps": 3, "metric": 1.5})
    outcome = run_attempt(attempt, events.append, time.time)
    assert isinstance(outcome, AttemptResult)
    assert store.get_record(result_key(attempt.id)) == outcome.model_dump_json().encode()
    assert outcome.metrics == {"value": 1.5}
    assert outcome.environment["python"]
    if sys.platform == "linux":  # other kernels do not tell
        assert outcome.peak_memory_bytes is not None
        assert outcome.peak_memory_bytes > 1_000_000
    tree = outcome.outputs["files"]
    assert (tree.type, tree.size) == (ArtifactType.FILES, len("봉수".encode()))
    assert store.reader(tree.digest).open("probe.txt").read().decode() == "봉수"
    assert [event.step for event in events if isinstance(event, Progress)] == [1, 2, 3]


def test_figures_that_are_no_number_are_told_and_do_not_make_a_result_unreadable(store: LocalStore) -> None:
    events: list[StageEvent] = []
    attempt = spec(store, {"steps": 3, "metric": float("nan")})
    outcome = run_attempt(attempt, events.append, time.time)
    assert isinstance(outcome, AttemptResult)
    record = store.get_record(result_key(attempt.id))
    assert record is not None
    assert AttemptResult.model_validate_json(record) == outcome
    assert (outcome.metrics, outcome.notes["not a number"]) == ({}, "value (nan)")
    assert [parse_event(event.model_dump_json()) for event in events] == events
    assert sum("value is nan" in event.text for event in events if isinstance(event, Message)) == 1


def test_a_result_with_nulls_among_its_figures_is_read(store: LocalStore) -> None:
    """As other writers make of NaN."""
    outcome = run_attempt(spec(store, {"metric": 1.5}), drop, time.time)
    assert isinstance(outcome, AttemptResult)
    written = outcome.model_dump_json().replace('{"value":1.5}', '{"value":1.5,"lost":null,"far":"Infinity"}')
    assert AttemptResult.model_validate_json(written) == outcome


def test_where_a_result_stands_nothing_is_run_again(store: LocalStore) -> None:
    first = run_attempt(spec(store, {"text": "first"}), drop, time.time)
    events: list[StageEvent] = []
    again = run_attempt(spec(store, {"text": "second", "fail": True}), events.append, time.time)
    assert again == first
    assert events == []


def test_scratch_space_is_gone_after_success_and_failure(store: LocalStore, scratch: Path) -> None:
    run_attempt(spec(store), drop, time.time)
    attempt = AttemptId(run_id=RunId("r-000000000002"), stage_id=StageId("stage"), number=1)
    failed(store, spec(store, {"fail": True}, id=attempt))
    assert list(scratch.iterdir()) == []


def test_what_a_failed_attempt_has_written_is_gone(store: LocalStore) -> None:
    script = 'echo x > "$BONGSU_OUTPUTS/files/x"; echo broken > "$BONGSU_OUTPUTS/metrics.json"'
    failure = failed(store, spec(store, {"command": ["sh", "-c", script]}, uses="container"))
    assert "metrics.json" in str(failure.message)
    assert [path.name for path in (store.root / "staging").iterdir()] in ([], [".lock"])


def test_an_output_that_was_not_written_is_the_stages_fault(store: LocalStore) -> None:
    failure = failed(store, spec(store, {"writeNothing": True}))
    assert (failure.reason, failure.retryable) == ("BadOutput", False)
    assert str(failure.message) == "The output r-000000000001/stage/1/files is empty: no file was written into it."


def test_what_a_stage_says_goes_into_the_failure(store: LocalStore) -> None:
    failure = failed(store, spec(store, {"fail": True}))
    assert (failure.reason, failure.message, failure.fix, failure.retryable) == (
        "StageError",
        "The probe was told to fail.",
        "Set fail: false.",
        False,
    )
    assert not failure.detail, "it was foreseen"
    later = AttemptId(run_id=RunId("r-000000000003"), stage_id=StageId("stage"), number=1)
    assert failed(store, spec(store, {"failUntilAttempt": 2}, id=later)).retryable


def test_parameters_that_do_not_fit_are_not_tried_again(store: LocalStore) -> None:
    failure = failed(store, spec(store, {"seconds": -1}))
    assert (failure.reason, failure.retryable) == ("BadParameters", False)
    assert "seconds" in str(failure.message)


def test_a_stage_that_is_not_installed_is_told(store: LocalStore) -> None:
    failure = failed(store, spec(store, uses="no.such-stage"))
    assert "no.such-stage" in str(failure.message)


def test_memory_that_was_not_there_has_a_way_out() -> None:
    class OutOfMemoryError(RuntimeError):
        """As torch names it."""

    for error in (MemoryError(), OutOfMemoryError("CUDA out of memory")):
        failure = failure_of(error)
        assert failure.reason == "OutOfMemory"
        assert "microBatch" in str(failure.fix)


def test_a_corrupt_input_is_told_apart_from_a_faulty_stage() -> None:
    failure = failure_of(codes.MISSING.error(digest="sha256-12", store="file:///x"))
    assert (failure.reason, failure.retryable) == ("InputCorrupt", False)
    assert "sha256-12" in str(failure.message)
    written = failure_of(codes.UNSAFE_PATH.error(path="'../x'", detail="it climbs out of the tree"))
    assert (written.reason, written.retryable) == ("BadOutput", False)
    assert "../x" in str(written.message)


def test_a_store_that_cannot_be_reached_is_worth_another_try() -> None:
    failure = failure_of(codes.REMOTE_UNREACHABLE.error(store="s3://bucket", detail="timed out"))
    assert (failure.reason, failure.retryable) == ("StorageFailed", True)


def test_a_failure_of_the_store_is_told_although_it_cannot_be_recorded(store: LocalStore) -> None:
    attempt = spec(store)
    (store.root / "records").mkdir(parents=True, exist_ok=True)
    (store.root / "records" / "failures").write_text("where a directory should be")
    outcome = run_attempt(spec(store, {"fail": True}), drop, time.time)
    assert isinstance(outcome, Failure)
    assert outcome.message == "The probe was told to fail."
    assert store.get_record(result_key(attempt.id)) is None


def test_other_errors_keep_their_words_and_may_be_tried_again() -> None:
    failure = failure_of(ValueError("three is not two"))
    assert (failure.reason, failure.message, failure.retryable) == (
        "StageError",
        "ValueError: three is not two",
        True,
    )
    assert failure_of(StageError("gone", retryable=True)).retryable
    with pytest.raises(pydantic.ValidationError) as caught:
        ProbeParams.model_validate({"unknown": 1})
    assert failure_of(caught.value).reason == "BadParameters"


def test_a_traceback_is_kept_short_enough_to_be_a_record() -> None:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("x" * 100_000)
    assert len(failure_of(caught.value).detail) <= 20_000


def test_the_probe_names_its_process_first(store: LocalStore) -> None:
    events: list[StageEvent] = []
    run_attempt(spec(store), events.append, time.time)
    assert isinstance(events[0], Message)
    assert events[0].text.startswith("process ")


def test_a_failure_tells_what_memory_it_took(store: LocalStore) -> None:
    failure = failed(store, spec(store, {"memory": 32, "fail": True}))
    assert failure.peak_memory_bytes is not None
    assert failure.peak_memory_bytes > 32 * 1024 * 1024


def test_code_that_changed_since_the_plan_does_not_run_under_its_name(store: LocalStore) -> None:
    failure = failed(store, spec(store, code=digest_of(b"older code")))
    assert "The code of probe is not as it was when the run was planned" in str(failure.message)
    assert not failure.retryable


@pytest.mark.parametrize("record", [b"", b"{}", b"\xff"])
def test_a_record_that_stands_and_cannot_be_read_is_a_failure_and_no_success(
    store: LocalStore, record: bytes
) -> None:
    attempt = spec(store)
    store.put_record(result_key(attempt.id), record)
    outcome = run_attempt(attempt, drop, time.time)
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.retryable) == ("BadOutput", False)


def test_a_store_that_cannot_be_opened_is_a_failure(store: LocalStore) -> None:
    outcome = run_attempt(spec(store, artifact_store="gopher://nowhere"), drop, time.time)
    assert isinstance(outcome, Failure)
    assert "gopher" in str(outcome.message)


def test_a_place_for_scratch_that_cannot_be_made_is_a_failure(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    attempt = spec(store, log_directory=str(tmp_path / "file" / "logs"))
    assert isinstance(failed(store, attempt), Failure)
    assert isinstance(run_logged(attempt, time.time), Failure)


@pytest.mark.parametrize("interpreter", [None, sys.executable])
def test_where_nobody_reads_its_files_a_worker_passes_on_what_it_says(
    store: LocalStore, tmp_path: Path, interpreter: str | None
) -> None:
    environment = Environment(interpreter=interpreter) if interpreter else None
    folder = tmp_path / "logs"
    attempt = spec(store, log_directory=str(folder), passes_on=True, environment=environment)
    worker = [sys.executable, "-m", "bongsu_stages.runtime.worker", "--spec", "-"]
    subprocess.run(worker, input=attempt.model_dump_json(), text=True, check=True, timeout=60)
    for stream, file in ((events_stream(attempt.id), "events.jsonl"), (log_stream(attempt.id), "log.txt")):
        said = b"".join(Segments(store, stream).read())
        assert said == (folder / file).read_bytes() != b""


@pytest.mark.parametrize("name", ["process.json", "events.jsonl", "log.txt"])
def test_a_worker_without_a_place_for_its_traces_leaves_a_failure(
    store: LocalStore, tmp_path: Path, name: str
) -> None:
    (tmp_path / "logs" / name).mkdir(parents=True)
    attempt = spec(store, log_directory=str(tmp_path / "logs"))
    outcome = run_logged(attempt, time.time)
    assert isinstance(outcome, Failure)
    record = store.get_record(failure_key(attempt.id))
    assert record is not None
    assert Failure.model_validate_json(record) == outcome


def test_a_log_that_takes_no_last_words_takes_nothing_from_the_failure(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "log.txt").symlink_to("/dev/full")
    attempt = spec(store, {"fail": True}, log_directory=str(tmp_path / "logs"))
    command = [sys.executable, "-m", "bongsu_stages.runtime.worker", "--spec", "-"]
    done = subprocess.run(command, input=attempt.model_dump_json().encode(), capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    record = store.get_record(failure_key(attempt.id))
    assert record is not None
    assert Failure.model_validate_json(record).reason == "StorageFailed"
