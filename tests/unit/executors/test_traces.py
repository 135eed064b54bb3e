"""What an attempt left on the disk, also where a power cut left half of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from local_ray_harness import make, spec

from bongsu.artifacts.local import LocalStore
from bongsu.domain.attempt import AttemptResult, Failure, FailureReason, Observation, Phase, failure_key, result_key
from bongsu.executors.local_ray.traces import Traces

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = Observation(phase=Phase.FAILED, failure=Failure(reason=FailureReason.OUT_OF_MEMORY, message="m"))


def test_an_attempt_is_launched_once_and_its_end_is_kept(tmp_path: Path) -> None:
    traces, asked = Traces(tmp_path / "logs"), spec(tmp_path)
    assert traces.mark_launched(asked)
    assert not traces.mark_launched(asked)
    assert traces.recorded(asked.id) is None
    traces.note_end(asked.id, ENDED)
    assert traces.recorded(asked.id) == ENDED


def test_a_record_in_the_artifact_store_has_the_last_word(tmp_path: Path) -> None:
    traces, asked = Traces(tmp_path / "logs"), spec(tmp_path)
    store = LocalStore(tmp_path / "artifacts")
    traces.mark_launched(asked)
    traces.note_end(asked.id, ENDED)
    store.put_record(failure_key(asked.id), b"")
    found = traces.recorded(asked.id)
    assert found is not None
    assert found.failure is not None
    assert (found.phase, found.failure.reason) == (Phase.FAILED, FailureReason.BAD_OUTPUT)
    result = AttemptResult(id=asked.id, outputs={}, started_at=NOW, finished_at=NOW)
    store.put_record(result_key(asked.id), result.model_dump_json().encode())
    assert traces.recorded(asked.id) == Observation(phase=Phase.SUCCEEDED)


@pytest.mark.parametrize("record", [b"{}", b"\xff", b"another's"])
def test_a_result_that_cannot_be_read_is_no_success(tmp_path: Path, record: bytes) -> None:
    traces, asked = Traces(tmp_path / "logs"), spec(tmp_path)
    if record == b"another's":
        other = AttemptResult(id=spec(tmp_path, 2).id, outputs={}, started_at=NOW, finished_at=NOW)
        record = other.model_dump_json().encode()
    traces.mark_launched(asked)
    LocalStore(tmp_path / "artifacts").put_record(result_key(asked.id), record)
    found = traces.recorded(asked.id)
    assert found is not None
    assert found.failure is not None
    assert (found.phase, found.failure.reason) == (Phase.FAILED, FailureReason.BAD_OUTPUT)


@pytest.mark.parametrize("rest", ["", "[]", '{"pid": ', "{}", "null"])
@pytest.mark.parametrize("name", ["launched.json", "process.json", "ended.json"])
def test_a_trace_that_a_power_cut_left_half_written_says_nothing_and_stops_nobody(
    tmp_path: Path, name: str, rest: str
) -> None:
    executor = make(str(tmp_path))
    traces = Traces(tmp_path / "logs")
    broken, sound = spec(tmp_path, 1), spec(tmp_path, 2)
    for asked in (broken, sound):
        assert traces.mark_launched(asked)
    traces.note_end(sound.id, ENDED)
    (traces.folder(broken.id) / name).write_text(rest)
    seen = executor.observe([broken.id, sound.id])
    executor.close()
    assert seen[sound.id] == ENDED
    assert seen[broken.id].phase is Phase.LOST


def test_a_log_that_is_followed_while_half_a_character_stands_in_it_is_read_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bongsu.executors.local_ray.traces.FOLLOW_INTERVAL_S", 0.0)
    traces, asked = Traces(tmp_path / "logs"), spec(tmp_path)
    log = traces.folder(asked.id) / "log.txt"
    log.parent.mkdir(parents=True)
    words = "봉수\r\n10%\r20%\r불 \xff\n끝".encode()
    parts = [words[place : place + 1] for place in range(len(words))]
    log.write_bytes(b"")

    def goes_on() -> bool:
        with log.open("ab") as file:
            file.write(parts.pop(0) if parts else b"")
        return bool(parts)

    assert list(traces.follow(asked.id, goes_on)) == ["봉수", "10%", "20%", "불 ÿ", "끝"]


def test_bytes_that_are_no_text_stop_no_one_from_reading_a_log(tmp_path: Path) -> None:
    traces, asked = Traces(tmp_path / "logs"), spec(tmp_path)
    log = traces.folder(asked.id) / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"a\xffb\n" + "끝".encode()[:2])
    assert list(traces.follow(asked.id, lambda: False)) == ["a\ufffdb", "\ufffd"]
