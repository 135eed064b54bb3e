"""Where a worker's events and output go."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bongsu.domain.events import Message, Progress, parse_event
from bongsu_stages.runtime.reporting import EventFile, output_to


def test_events_are_whole_lines_that_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a" / "events.jsonl"
    events = [Progress(time=1.5, step=1, total=2, metrics={"loss": 0.25}), Message(time=2.0, text="봉수\n둘째 줄")]
    file = EventFile(path)
    for event in events:
        file(event)
    file.close()
    assert [parse_event(line) for line in path.read_bytes().splitlines()] == events


def test_events_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.jsonl")

    def send(name: str) -> None:
        for _ in range(200):
            file(Message(time=0.0, text=name * 500))

    threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    texts = [parse_event(line) for line in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    assert len(texts) == 800
    assert all(isinstance(event, Message) and len(set(event.text)) == 1 for event in texts)


def test_a_later_attempt_of_the_file_appends(tmp_path: Path) -> None:
    for number in (1, 2):
        file = EventFile(tmp_path / "events.jsonl")
        file(Message(time=float(number), text="x"))
        file.close()
    assert len((tmp_path / "events.jsonl").read_bytes().splitlines()) == 2


def test_output_of_the_process_and_of_its_children_goes_to_the_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "log.txt"
    print("before", flush=True)
    with output_to(log):
        os.write(1, "봉수 from C\n".encode())
        os.write(2, b"to standard error\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    os.write(1, b"after\n")
    assert log.read_text().splitlines() == ["봉수 from C", "to standard error", "from a child"]
    assert capfd.readouterr().out.splitlines() == ["before", "after"]


def test_output_comes_back_when_the_block_raises(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ValueError, match="inside"), output_to(tmp_path / "log.txt"):
        raise ValueError("inside")
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "after\n"
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
