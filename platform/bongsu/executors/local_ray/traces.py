"""What an attempt leaves on this machine's disk, beside its records in the artifact store.

In ``<logs>/<run>/<stage>/<attempt>/``: ``launched.json`` (it was started, by which process), ``process.json``
(the worker's pid), ``task.json`` (where the stage has an interpreter of its own: the worker that makes its environment
and starts it), ``log.txt``, ``events.jsonl`` and ``ended.json`` (what the executor saw at the end).
"""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pydantic

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.durable import create_once, write_whole
from bongsu.artifacts.open import open_store
from bongsu.artifacts.outcomes import recorded_outcome
from bongsu.domain.attempt import (
    PROCESS_NOTE,
    SCRATCH,
    TASK_NOTE,
    AttemptResult,
    AttemptSpec,
    Failure,
    Observation,
    Phase,
)
from bongsu.domain.events import StageEvent, parse_event
from bongsu.domain.ids import AttemptId
from bongsu.executors.base import EventPage
from bongsu.executors.local_ray.endings import WatchedProcess
from bongsu.machine.processes import find_process, this_process
from bongsu.machine.removing import remove_tree

FOLLOW_INTERVAL_S = 0.2


class Traces:
    """Attempts as their traces show them; works for attempts of processes that are gone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stores: dict[str, ArtifactStore] = {}

    def folder(self, attempt: AttemptId) -> Path:
        return self._root / attempt.key

    def mark_launched(self, spec: AttemptSpec) -> bool:
        """Note that this process is about to start the attempt; False if it was started before, by whatever
        process."""
        note = json.dumps({**this_process(), "store": spec.artifact_store})
        return create_once(self.folder(spec.id) / "launched.json", note.encode())

    def owner(self, attempt: AttemptId) -> psutil.Process | None:
        """The process that started the attempt, if it is alive."""
        return find_process(self.folder(attempt) / "launched.json")

    def workers(self, attempt: AttemptId) -> list[psutil.Process]:
        """Live processes that were given the attempt; they may be at another one by now if it is over."""
        found = [find_process(note) for note in self._notes(attempt)]
        return [process for process in found if process is not None]

    def _notes(self, attempt: AttemptId) -> tuple[Path, Path]:
        """Where the process that Ray gave the attempt to says which one it is: the first of these that is there. Where
        an interpreter of the stage's own runs it, that writes the second, and the worker that started it the first."""
        folder = self.folder(attempt)
        return folder / TASK_NOTE, folder / PROCESS_NOTE

    def watch_worker(self, attempt: AttemptId) -> WatchedProcess | None:
        """The process that Ray gave the attempt to; None as long as it has not begun, and when it is gone."""
        for note in self._notes(attempt):
            found = find_process(note)
            if found is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    return WatchedProcess(found.pid)
        return None

    def worker_pid(self, attempt: AttemptId) -> int | None:
        """Of the process that Ray gave the attempt to, which may be gone; None if it has not begun."""
        for note in self._notes(attempt):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                return int(json.loads(note.read_bytes())["pid"])
        return None

    def was_begun(self, attempt: AttemptId) -> bool:
        """True once a worker was at the attempt, whatever became of it."""
        return any(note.exists() for note in self._notes(attempt))

    def was_launched(self, attempt: AttemptId) -> bool:
        return (self.folder(attempt) / "launched.json").exists()

    def note_end(self, attempt: AttemptId, observation: Observation) -> None:
        """What the executor saw, for those that come later; the artifact store's records have the last word."""
        write_whole(self.folder(attempt) / "ended.json", observation.model_dump_json().encode())

    def clear_scratch(self, attempt: AttemptId) -> None:
        """Delete what a killed attempt left in its scratch directory."""
        remove_tree(self.folder(attempt) / SCRATCH)

    def recorded(self, attempt: AttemptId) -> Observation | None:
        """What the artifact store's records say, or else the executor that saw the end; None before it.

        A trace that cannot be read says nothing. Whoever decides reads the records as well, and more closely.

        Raises:
            OSError, BongsuError: the artifact store cannot be read at the moment.
        """
        store = self._store(attempt)
        match recorded_outcome(store, attempt) if store is not None else None:
            case AttemptResult():
                return Observation(phase=Phase.SUCCEEDED)
            case Failure() as failure:
                return Observation(phase=Phase.FAILED, failure=failure)
        try:
            return Observation.model_validate_json((self.folder(attempt) / "ended.json").read_bytes())
        except (OSError, pydantic.ValidationError):
            return None

    def _store(self, attempt: AttemptId) -> ArtifactStore | None:
        """Where the attempt's records lie; None if its trace does not say."""
        try:
            uri = str(json.loads((self.folder(attempt) / "launched.json").read_bytes())["store"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if uri not in self._stores:  # a connection to S3 takes longer than what is asked of it
            self._stores[uri] = open_store(uri)
        return self._stores[uri]

    def started_at(self, attempt: AttemptId) -> float | None:
        """When a worker began with it, in seconds since the epoch; None before that."""
        for note in self._notes(attempt):
            with contextlib.suppress(OSError):
                return note.stat().st_mtime
        return None

    def awaits_environment(self, attempt: AttemptId) -> bool:
        """True while a worker makes the environment in which the stage will run."""
        by_task, by_process = self._notes(attempt)
        return by_task.exists() and not by_process.exists()

    def events_size(self, attempt: AttemptId) -> int:
        try:
            return (self.folder(attempt) / "events.jsonl").stat().st_size
        except OSError:
            return 0

    def events(self, attempt: AttemptId, cursor: int) -> EventPage:
        """Whole lines behind byte ``cursor``; a line that is no event is passed over."""
        try:
            with (self.folder(attempt) / "events.jsonl").open("rb") as file:
                file.seek(cursor)
                data = file.read()
        except OSError:
            return EventPage((), cursor)
        whole = data[: data.rfind(b"\n") + 1]
        return EventPage(tuple(_parsed(whole.splitlines())), cursor + len(whole))

    def follow(self, attempt: AttemptId, is_live: Callable[[], bool]) -> Iterator[str]:
        """Lines of ``log.txt`` as they come, until ``is_live()`` turns False."""
        path = self.folder(attempt) / "log.txt"
        while not path.exists() and is_live():
            time.sleep(FOLLOW_INTERVAL_S)
        if not path.exists():
            return
        # A text file takes every end that it comes to for the last one, and half a character there for a broken one.
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        with path.open("rb") as file:
            pending = ""
            while True:
                live = is_live()
                pending += decoder.decode(file.read(), final=not live)
                *lines, pending = pending.split("\n")
                yield from lines
                if not live:
                    break
                time.sleep(FOLLOW_INTERVAL_S)
            if pending:
                yield pending


def _parsed(lines: list[bytes]) -> Iterator[StageEvent]:
    for line in lines:
        try:
            yield parse_event(line)
        except pydantic.ValidationError:
            continue
