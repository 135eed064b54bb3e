"""What every executor must do. A test module gives it a fixture ``harness`` and inherits the class.

It is one class, and therefore long: what inherits it gets every case, and none can be forgotten.

Nothing here knows how an executor runs attempts: a harness says what is particular to it. Every wait is bounded.
"""

from __future__ import annotations

import itertools
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from executor_host import ExecutorHost
from installed_code import code_of

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, AttemptSpec, Failure, Observation, Phase, failure_key, result_key
from bongsu.domain.events import Message, Progress, StageEvent
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.pipeline import Environment
from bongsu.domain.resources import Resources
from bongsu.executors.base import Executor

_numbers = itertools.count(1)
HANG_S = 300.0
TEST_S = 120
_TOLD = re.compile(r"(process|child) \d+$|step \d+|checkpoint after step ")


class ExecutorHarness(Protocol):
    """One executor with what the suite needs around it.

    Attributes:
        store: where attempts leave their records; empty at first.
        parallel: how many attempts of one core run at once.
        outlives: attempts go on when the control plane is killed, as they do on a cluster.
        patience_s: how long anything may take that is not told to take longer, in seconds.
    """

    store: ArtifactStore
    parallel: int
    outlives: bool
    patience_s: float

    def executor(self) -> Executor:
        """The same one each time."""
        ...

    def another(self) -> Executor:
        """A new one over the same state, as a control plane that was started again makes it."""
        ...

    def host(self) -> ExecutorHost:
        """A control plane over the same state in a process of its own."""
        ...

    def kill_infrastructure(self) -> None:
        """End what runs attempts, as a power cut or a full memory does: not through the executor, and all at once."""
        ...

    def alive(self, attempt: AttemptId, events: Sequence[StageEvent]) -> list[str]:
        """Names of processes of the attempt that still run. The probe's messages ``process PID`` and ``child
        PID`` are among the events; who has other means may use those."""
        ...


def probe_spec(harness: ExecutorHarness, params: dict[str, Any] | None = None, **changes: Any) -> AttemptSpec:
    """An attempt of ``probe`` with an id that was never used."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "id": AttemptId(run_id=RunId(f"r-suite{number:07d}"), stage_id=StageId("probe"), number=1),
        "uses": "probe",
        "params": params or {},
        "inputs": {},
        "outputs": {"files": ArtifactType.FILES},
        "label": OPEN,
        "resources": Resources(),
        "artifact_store": harness.store.uri,
        "checkpoint_key": f"suite/{number}",
    }
    values |= changes
    return AttemptSpec(**{"code": code_of(values["uses"]), **values})


def messages(executor: Executor, attempt: AttemptId) -> list[str]:
    return [event.text for event in executor.events(attempt).events if isinstance(event, Message)]


def printed(log: Iterable[str]) -> Iterator[str]:
    """What the stage itself printed: a log tells messages and steps as well."""
    return (line for line in log if not _TOLD.match(line))


class Watcher:
    """Bounded waiting."""

    def __init__(self, harness: ExecutorHarness) -> None:
        self._harness = harness

    def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._harness.patience_s
        while not true():
            assert time.monotonic() < deadline, f"{what}: not within {self._harness.patience_s} s"
            time.sleep(0.02)

    def end(self, executor: Executor, attempt: AttemptId) -> Observation:
        """Wait for a final phase, in the way in which a driver does."""
        deadline = time.monotonic() + self._harness.patience_s
        while True:
            seen = executor.observe([attempt])[attempt]
            if seen.phase.is_final:
                return seen
            assert time.monotonic() < deadline, f"{attempt} is still {seen}"
            executor.wait(0.5)

    def running(self, executor: Executor, attempt: AttemptId, words: int = 1) -> None:
        """Wait until the probe has said so many words."""
        self.until(lambda: len(messages(executor, attempt)) >= words, f"{attempt} runs")
        self.until(lambda: executor.observe([attempt])[attempt].phase is Phase.RUNNING, f"{attempt} is seen to run")

    def gone(self, executor: Executor, attempt: AttemptId) -> None:
        events = executor.events(attempt).events
        assert any(isinstance(event, Message) for event in events), "nothing to look for"
        self.until(lambda: not self._harness.alive(attempt, events), "no process is left")


class ExecutorSuite:
    """Contract of ``bongsu.executors.base.Executor``."""

    @pytest.fixture
    def harness(self) -> ExecutorHarness:
        raise NotImplementedError("the test module gives the harness")

    @pytest.fixture(autouse=True)
    def in_time(self) -> Iterator[None]:
        """A call that never returns fails its test, and the rest goes on."""

        def late(signal_number: int, frame: object) -> None:
            raise AssertionError(f"the test took longer than {TEST_S} s")

        before = signal.signal(signal.SIGALRM, late)
        signal.alarm(TEST_S)
        yield
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

    @pytest.fixture
    def executor(self, harness: ExecutorHarness) -> Executor:
        return harness.executor()

    @pytest.fixture
    def watch(self, harness: ExecutorHarness) -> Watcher:
        return Watcher(harness)

    # -- success and failure -----------------------------------------------------------------------------------

    def test_a_success_leaves_its_record_and_its_tree(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        before = datetime.now(UTC)
        spec = probe_spec(harness, {"text": "봉수", "metric": 2.5})
        executor.ensure(spec)
        seen = watch.end(executor, spec.id)
        assert seen.phase is Phase.SUCCEEDED
        assert seen.failure is None
        assert seen.started_at is not None, "what it held is counted from there, whoever looks now"
        record = harness.store.get_record(result_key(spec.id))
        assert record is not None
        result = AttemptResult.model_validate_json(record)
        assert result.id == spec.id
        assert result.metrics == {"value": 2.5}
        assert before <= result.started_at <= result.finished_at <= datetime.now(UTC)
        reader = harness.store.reader(result.outputs["files"].digest)
        assert reader.open("probe.txt").read().decode() == "봉수"
        assert harness.store.get_record(failure_key(spec.id)) is None

    def test_asking_many_times_at_once_starts_it_once(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"seconds": 0.3})
        askers = [threading.Thread(target=executor.ensure, args=(spec,)) for _ in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        executor.ensure(spec)
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED
        executor.ensure(spec)
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED
        assert len(messages(executor, spec.id)) == 1

    def test_an_executor_that_comes_later_neither_repeats_nor_forgets(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        good, bad = probe_spec(harness), probe_spec(harness, {"fail": True})
        stopped = probe_spec(harness, {"seconds": HANG_S})
        for spec in (good, bad, stopped):
            executor.ensure(spec)
        watch.running(executor, stopped.id)
        executor.cancel(stopped.id)
        for spec in (good, bad, stopped):
            watch.end(executor, spec.id)
        later = harness.another()
        try:
            for spec in (good, bad, stopped):
                later.ensure(spec)
            assert later.observe([stopped.id])[stopped.id].phase is Phase.CANCELLED
            assert later.observe([good.id])[good.id].phase is Phase.SUCCEEDED
            failed = later.observe([bad.id])[bad.id]
            assert failed.phase is Phase.FAILED
            assert failed.failure is not None
            assert failed.failure.message == "The probe was told to fail."
            assert [len(messages(later, spec.id)) for spec in (good, bad, stopped)] == [1, 1, 1]
        finally:
            later.close()

    def test_a_stage_that_fails_says_why_and_how_to_mend_it(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"fail": True})
        executor.ensure(spec)
        seen = watch.end(executor, spec.id)
        assert seen.phase is Phase.FAILED
        assert seen.failure is not None
        assert seen.started_at is not None
        assert (seen.failure.reason, seen.failure.retryable) == ("StageError", False)
        assert (seen.failure.message, seen.failure.fix) == ("The probe was told to fail.", "Set fail: false.")
        record = harness.store.get_record(failure_key(spec.id))
        assert record is not None
        assert Failure.model_validate_json(record).message == seen.failure.message
        assert harness.store.get_record(result_key(spec.id)) is None
        assert list(executor.logs(spec.id))[-2:] == ["The probe was told to fail.", "→ Set fail: false."]

    def test_the_next_attempt_may_succeed_where_the_first_failed(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        first = probe_spec(harness, {"failUntilAttempt": 2})
        second = first.model_copy(update={"id": first.id.model_copy(update={"number": 2})})
        executor.ensure(first)
        seen = watch.end(executor, first.id)
        assert seen.phase is Phase.FAILED
        assert seen.failure is not None
        assert seen.failure.retryable
        executor.ensure(second)
        assert watch.end(executor, second.id).phase is Phase.SUCCEEDED
        assert executor.observe([first.id])[first.id].phase is Phase.FAILED

    @pytest.mark.parametrize("way", ["exit", "kill"])
    def test_a_worker_that_dies_is_noticed_and_leaves_nothing(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher, way: str
    ) -> None:
        spec = probe_spec(harness, {"crash": way, "childSeconds": HANG_S, "seconds": 0.2, "text": "last words"})
        executor.ensure(spec)
        seen = watch.end(executor, spec.id)
        assert seen.phase in (Phase.FAILED, Phase.LOST)
        assert seen.failure is not None
        assert (seen.failure.reason, seen.failure.retryable) == ("WorkerLost", True)
        assert seen.failure.fix
        assert harness.store.get_record(result_key(spec.id)) is None
        assert len(messages(executor, spec.id)) == 2
        watch.gone(executor, spec.id)
        after = probe_spec(harness)
        executor.ensure(after)
        assert watch.end(executor, after.id).phase is Phase.SUCCEEDED, "the executor goes on"

    def test_what_a_stage_leaves_running_ends_with_it(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"childSeconds": HANG_S})
        executor.ensure(spec)
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED
        (child,) = [e for e in executor.events(spec.id).events if isinstance(e, Message) and "child" in e.text]
        watch.until(lambda: not harness.alive(spec.id, [child]), "the child is gone")

    # -- cancelling --------------------------------------------------------------------------------------------

    def test_cancelling_ends_a_hanging_attempt_with_its_children_and_no_other(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        hanging = probe_spec(harness, {"seconds": HANG_S, "childSeconds": HANG_S})
        bystander = probe_spec(harness, {"seconds": 2.0, "childSeconds": HANG_S})
        for spec in (hanging, bystander):
            executor.ensure(spec)
        watch.running(executor, hanging.id, words=2)
        began = time.monotonic()
        executor.cancel(hanging.id)
        executor.cancel(hanging.id)
        assert time.monotonic() - began < 1.0, "cancel returns at once"
        assert watch.end(executor, hanging.id).phase is Phase.CANCELLED
        watch.gone(executor, hanging.id)
        assert harness.store.get_record(result_key(hanging.id)) is None
        executor.cancel(hanging.id)
        executor.ensure(hanging)
        assert executor.observe([hanging.id])[hanging.id].phase is Phase.CANCELLED
        assert len(messages(executor, hanging.id)) == 2
        assert watch.end(executor, bystander.id).phase is Phase.SUCCEEDED

    def test_cancelling_what_waits_keeps_it_from_starting(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        running = [probe_spec(harness, {"seconds": HANG_S}) for _ in range(harness.parallel)]
        for spec in running:
            executor.ensure(spec)
        for spec in running:
            watch.running(executor, spec.id)
        waiting = probe_spec(harness)
        executor.ensure(waiting)
        assert executor.observe([waiting.id])[waiting.id].phase in (Phase.QUEUED, Phase.STARTING)
        executor.cancel(waiting.id)
        assert watch.end(executor, waiting.id).phase is Phase.CANCELLED
        for spec in running:
            executor.cancel(spec.id)
        for spec in running:
            assert watch.end(executor, spec.id).phase is Phase.CANCELLED
        assert messages(executor, waiting.id) == []
        assert harness.store.get_record(result_key(waiting.id)) is None

    def test_cancelling_after_the_end_changes_nothing(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness)
        executor.ensure(spec)
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED
        executor.cancel(spec.id)
        time.sleep(0.2)
        assert executor.observe([spec.id])[spec.id].phase is Phase.SUCCEEDED

    def test_an_unknown_attempt_is_absent_and_is_left_alone(
        self, harness: ExecutorHarness, executor: Executor
    ) -> None:
        unknown = probe_spec(harness)
        executor.cancel(unknown.id)
        assert executor.observe([unknown.id])[unknown.id] == Observation(phase=Phase.ABSENT)
        assert executor.observe([]) == {}
        page = executor.events(unknown.id)
        assert (list(page.events), page.cursor) == ([], 0)
        assert list(executor.logs(unknown.id)) == []
        assert list(executor.logs(unknown.id, follow=True)) == []

    # -- events, logs, waiting ---------------------------------------------------------------------------------

    def test_events_come_in_order_and_a_cursor_gives_each_once(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"steps": 200, "seconds": 1.0, "metric": 0.5})
        executor.ensure(spec)
        taken: list[StageEvent] = []
        cursor, pages, final = 0, 0, False
        deadline = time.monotonic() + harness.patience_s
        while not final:
            assert time.monotonic() < deadline
            final = executor.observe([spec.id])[spec.id].phase.is_final
            page = executor.events(spec.id, cursor)
            pages += bool(page.events)
            taken, cursor = [*taken, *page.events], page.cursor
            time.sleep(0.02)
        assert taken == list(executor.events(spec.id).events)
        steps = [event for event in taken if isinstance(event, Progress)]
        assert [event.step for event in steps] == list(range(1, 201))
        assert {(event.total, event.metrics["value"]) for event in steps} == {(200, 0.5)}
        assert [event.time for event in taken] == sorted(event.time for event in taken)
        assert pages > 2, "they come while the stage runs"
        assert executor.events(spec.id, cursor) == type(page)((), cursor)

    def test_logs_are_whole_and_korean_stays_korean(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"lines": 5000, "text": "끝"})
        executor.ensure(spec)
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED
        wanted = [f"line {n}" if n % 2 else f"봉수 {n}번째 줄" for n in range(5000)] + ["probe: 끝"]
        assert list(printed(executor.logs(spec.id))) == wanted
        assert list(printed(executor.logs(spec.id, follow=True))) == wanted

    def test_following_a_log_shows_lines_before_the_end_and_ends_with_it(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"lines": 10, "seconds": 2.0, "text": "끝"})
        executor.ensure(spec)
        lines: list[tuple[str, Phase]] = []
        for line in printed(executor.logs(spec.id, follow=True)):
            lines.append((line, executor.observe([spec.id])[spec.id].phase))
        assert len(lines) == 11
        assert lines[-1][0] == "probe: 끝"
        assert lines[0] == ("봉수 0번째 줄", Phase.RUNNING)
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED

    def test_following_a_log_ends_when_nobody_wants_more(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"lines": 10, "seconds": 3.0, "text": "끝"})
        executor.ensure(spec)
        enough = threading.Event()
        found: list[str] = []
        for line in printed(executor.logs(spec.id, follow=True, goes_on=lambda: not enough.is_set())):
            found.append(line)
            enough.set()
        assert executor.observe([spec.id])[spec.id].phase is Phase.RUNNING
        assert "probe: 끝" not in found
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED

    def test_waiting_ends_when_something_happens_or_its_time_is_over(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"seconds": 1.5})
        executor.ensure(spec)
        watch.running(executor, spec.id)
        executor.wait(0.3)  # what it said before
        began = time.monotonic()
        executor.wait(harness.patience_s)
        assert time.monotonic() - began < harness.patience_s / 2
        watch.end(executor, spec.id)
        began = time.monotonic()
        executor.wait(0.2)
        assert time.monotonic() - began < 1.0

    # -- capacity ----------------------------------------------------------------------------------------------

    def test_attempts_run_side_by_side_up_to_the_capacity_and_the_rest_wait(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        capacity = executor.capacity()
        assert capacity.cpus >= harness.parallel
        assert capacity.memory > 0
        assert capacity.gpus >= 0
        ids = []
        for _ in range(harness.parallel + 1):
            spec = probe_spec(harness, {"seconds": HANG_S})
            executor.ensure(spec)
            ids.append(spec.id)

        def phases() -> list[Phase]:
            return [seen.phase for seen in executor.observe(ids).values()]

        watch.until(lambda: phases().count(Phase.RUNNING) == harness.parallel, "as many run as there is room for")
        time.sleep(0.5)
        assert sorted(phases()) == sorted([Phase.RUNNING] * harness.parallel + [Phase.QUEUED])
        waits = [seen for seen in executor.observe(ids).values() if seen.phase is Phase.QUEUED]
        assert waits[0].waiting_for, "who waits is told for what"
        first = next(one for one, seen in executor.observe(ids).items() if seen.phase is Phase.RUNNING)
        executor.cancel(first)
        wanted = sorted([Phase.RUNNING] * harness.parallel + [Phase.CANCELLED])
        watch.until(lambda: sorted(phases()) == wanted, "the next one takes its place")
        for one in ids:
            executor.cancel(one)
        for one in ids:
            assert watch.end(executor, one).phase is Phase.CANCELLED

    def test_many_short_attempts_all_succeed(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        specs = [probe_spec(harness, {"text": str(number)}) for number in range(20)]
        for spec in specs:
            executor.ensure(spec)
        assert {watch.end(executor, spec.id).phase for spec in specs} == {Phase.SUCCEEDED}

    # -- environments ------------------------------------------------------------------------------------------

    def test_a_stage_gets_its_interpreter_and_its_variables(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        environment = Environment(interpreter=sys.executable, variables={"SUITE_WORD": "봉화"})
        inside = probe_spec(harness, {"variable": "SUITE_WORD", "lines": 2}, environment=environment)
        outside = probe_spec(harness, {"variable": "SUITE_WORD"})
        for spec, text in ((inside, "봉화"), (outside, "")):
            executor.ensure(spec)
            seen = watch.end(executor, spec.id)
            assert seen.phase is Phase.SUCCEEDED, seen
            record = harness.store.get_record(result_key(spec.id))
            assert record is not None
            files = AttemptResult.model_validate_json(record).outputs["files"]
            assert harness.store.reader(files.digest).open("probe.txt").read().decode() == text
        assert list(printed(executor.logs(inside.id))) == ["봉수 0번째 줄", "line 1", "probe: 봉화"]
        assert len(messages(executor, inside.id)) == 1

    def test_an_interpreter_of_its_own_fails_crashes_and_is_cancelled_like_any(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        own = Environment(interpreter=sys.executable)
        fails = probe_spec(harness, {"fail": True}, environment=own)
        crashes = probe_spec(harness, {"crash": "kill", "childSeconds": HANG_S}, environment=own)
        hangs = probe_spec(harness, {"seconds": HANG_S, "childSeconds": HANG_S}, environment=own)
        for spec, reason in ((fails, "StageError"), (crashes, "WorkerLost")):
            executor.ensure(spec)
            seen = watch.end(executor, spec.id)
            assert seen.failure is not None
            assert seen.failure.reason == reason
        watch.gone(executor, crashes.id)
        executor.ensure(hangs)
        watch.running(executor, hangs.id, words=2)
        executor.cancel(hangs.id)
        assert watch.end(executor, hangs.id).phase is Phase.CANCELLED
        watch.gone(executor, hangs.id)

    def test_an_interpreter_that_does_not_exist_is_told_plainly(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, environment=Environment(interpreter="/nowhere/python"))
        executor.ensure(spec)
        seen = watch.end(executor, spec.id)
        assert seen.phase is Phase.FAILED
        assert seen.failure is not None
        assert (seen.failure.reason, seen.failure.retryable) == ("EnvironmentFailed", False)
        assert "/nowhere/python" in str(seen.failure.message)
        assert seen.failure.fix

    def test_any_command_is_a_stage(self, harness: ExecutorHarness, executor: Executor, watch: Watcher) -> None:
        script = (
            'echo "봉수대 $WORD"; echo "::progress 1 2"; printf %s "$WORD" > "$BONGSU_OUTPUTS/files/out.txt"; '
            'echo \'{"score": 0.5}\' > "$BONGSU_OUTPUTS/metrics.json"'
        )
        params = {"command": ["sh", "-c", script], "variables": {"WORD": "연기"}}
        spec = probe_spec(harness, params, uses="container")
        executor.ensure(spec)
        assert watch.end(executor, spec.id).phase is Phase.SUCCEEDED
        record = harness.store.get_record(result_key(spec.id))
        assert record is not None
        result = AttemptResult.model_validate_json(record)
        assert result.metrics == {"score": 0.5}
        reader = harness.store.reader(result.outputs["files"].digest)
        assert reader.open("out.txt").read().decode() == "연기"
        assert list(printed(executor.logs(spec.id))) == ["봉수대 연기"]
        (step,) = [event for event in executor.events(spec.id).events if isinstance(event, Progress)]
        assert (step.step, step.total) == (1, 2)

    # -- the control plane comes and goes ----------------------------------------------------------------------

    def test_what_another_process_runs_is_seen_from_here_stopped_from_here_and_ends_when_that_is_closed(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        host = harness.host()
        try:
            spec = probe_spec(harness, {"lines": 4, "seconds": HANG_S, "childSeconds": HANG_S})
            host.ensure(spec)
            watch.running(executor, spec.id, words=2)
            executor.ensure(spec)
            time.sleep(0.5)
            assert executor.observe([spec.id])[spec.id].phase is Phase.RUNNING
            assert host.observe(spec.id).phase is Phase.RUNNING, "to look at it does it no harm"
            assert len(list(printed(executor.logs(spec.id)))) == 4
            executor.cancel(spec.id)
            watch.until(lambda: host.observe(spec.id).phase.is_final, "the owner sees the end")
            assert watch.end(executor, spec.id).phase is not Phase.SUCCEEDED
            watch.gone(executor, spec.id)
            assert len(messages(executor, spec.id)) == 2
            left = probe_spec(harness, {"seconds": HANG_S, "childSeconds": HANG_S})
            host.ensure(left)
            watch.until(lambda: len(messages(executor, left.id)) == 2, "it runs")
            host.close()
            self._after_the_end(harness, watch.end(executor, left.id), left)
            watch.gone(executor, left.id)
        finally:
            host.kill()

    def test_after_the_end_of_the_control_plane_the_records_say_what_happened(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        host = harness.host()
        done, failed = probe_spec(harness), probe_spec(harness, {"fail": True})
        under_way = probe_spec(harness, {"seconds": HANG_S, "childSeconds": HANG_S})
        own = probe_spec(
            harness,
            {"seconds": HANG_S, "childSeconds": HANG_S},
            environment=Environment(interpreter=sys.executable),
        )
        for spec in (done, failed):
            host.ensure(spec)
        for spec in (done, failed):
            watch.until(lambda spec=spec: host.observe(spec.id).phase.is_final, f"{spec.id} ends")
        for spec in (under_way, own):
            host.ensure(spec)
        for spec in (under_way, own):
            watch.until(lambda spec=spec: len(messages(executor, spec.id)) == 2, f"{spec.id} runs")
        just_asked = probe_spec(harness)
        host.ensure(just_asked)
        host.kill()
        assert watch.end(executor, done.id).phase is Phase.SUCCEEDED
        assert watch.end(executor, failed.id).phase is Phase.FAILED
        for spec in (under_way, own, just_asked):
            executor.ensure(spec)
            self._after_the_end(harness, watch.end(executor, spec.id), spec)
        for spec in (under_way, own):
            assert len(messages(executor, spec.id)) == 2, "it was not started again"
            watch.gone(executor, spec.id)

    # -- what runs attempts dies -------------------------------------------------------------------------------

    def test_when_what_runs_attempts_dies_those_under_way_are_lost_and_those_that_wait_run_later(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        own = Environment(interpreter=sys.executable)
        hangs = {"seconds": HANG_S, "childSeconds": HANG_S}
        plain, isolated = probe_spec(harness, hangs), probe_spec(harness, hangs, environment=own)
        hanging = [plain, isolated] + [probe_spec(harness, hangs) for _ in range(harness.parallel - 2)]
        for spec in hanging:
            executor.ensure(spec)
        for spec in hanging:
            watch.running(executor, spec.id, words=2)
        waiting = probe_spec(harness)
        executor.ensure(waiting)
        harness.kill_infrastructure()
        for spec in hanging:
            self._is_lost(watch.end(executor, spec.id))
            watch.gone(executor, spec.id)
            assert harness.store.get_record(result_key(spec.id)) is None
            assert harness.store.get_record(failure_key(spec.id)) is None, "the stage did not fail"
        assert watch.end(executor, waiting.id).phase is Phase.SUCCEEDED
        assert len(messages(executor, waiting.id)) == 1
        second = plain.model_copy(
            update={"id": plain.id.model_copy(update={"number": 2}), "params": {"text": "again"}}
        )
        executor.ensure(second)
        assert watch.end(executor, second.id).phase is Phase.SUCCEEDED, "the next attempt finds another"
        executor.ensure(plain)
        self._is_lost(executor.observe([plain.id])[plain.id])
        later = harness.another()
        try:
            self._is_lost(later.observe([plain.id])[plain.id])
        finally:
            later.close()
        assert len(messages(executor, plain.id)) == 2, "it was not started again"

    def test_an_attempt_that_is_stopped_while_what_runs_it_dies_is_over(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, {"seconds": HANG_S, "childSeconds": HANG_S})
        executor.ensure(spec)
        watch.running(executor, spec.id, words=2)
        harness.kill_infrastructure()
        executor.cancel(spec.id)
        assert watch.end(executor, spec.id).phase in (Phase.CANCELLED, Phase.LOST)
        watch.gone(executor, spec.id)
        after = probe_spec(harness)
        executor.ensure(after)
        assert watch.end(executor, after.id).phase is Phase.SUCCEEDED

    def _is_lost(self, seen: Observation) -> None:
        assert seen.phase is Phase.LOST
        assert seen.failure is not None
        assert (seen.failure.reason, seen.failure.retryable) == ("ExecutorFailed", True)
        assert seen.failure.message, "the cause is told"
        assert seen.failure.fix

    def _after_the_end(self, harness: ExecutorHarness, seen: Observation, spec: AttemptSpec) -> None:
        """SUCCEEDED exactly where a record says so; where attempts end with the control plane, never later."""
        succeeded = harness.store.get_record(result_key(spec.id)) is not None
        assert (seen.phase is Phase.SUCCEEDED) == succeeded
        if harness.outlives:
            assert seen.phase is Phase.SUCCEEDED
        elif not succeeded:
            assert seen.phase in (Phase.LOST, Phase.CANCELLED)
            assert seen.failure is not None
            assert seen.failure.reason in ("DriverEnded", "WorkerLost")
            assert seen.failure.retryable
