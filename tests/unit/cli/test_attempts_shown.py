"""Attempts are told: by ``show`` in a table, and while a run is driven as lines of a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.cli.console import EscapingConsole
from bongsu.cli.render.progress import ProgressLines
from bongsu.cli.render.runs import details_view
from bongsu.cli.texts import use_language
from bongsu.domain.ids import AttemptId
from bongsu.domain.run import StageState
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.service.watching import RunProgress, StageProgress, watch_run


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["ko", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    use_language(request.param)
    yield request.param
    use_language("en")


def printed(view: Any) -> str:
    console = EscapingConsole(file=StringIO(), width=80, highlight=False, emoji=False, markup=False)
    console.print(view, crop=False)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def rows(text: str, *beginning: str) -> list[list[str]]:
    """Lines as words, from the one that begins so up to the next empty one."""
    lines = [line.split() for line in text.splitlines()]
    begin = next(n for n, line in enumerate(lines) if tuple(line[: len(beginning)]) == beginning)
    return lines[begin : lines.index([], begin)]


def failing_once(place: Place) -> None:
    def fate(attempt: AttemptId) -> None:
        place.now += 7
        if attempt.stage_id == "shaky" and attempt.number == 1:
            place.cluster.start(attempt)
            place.cluster.report(attempt, 3, 80)
            place.now += 5
            place.cluster.fail(attempt)
        else:
            place.cluster.succeed(attempt)

    place.fate = fate


def test_attempts_are_a_table_where_there_was_more_than_one(place: Place) -> None:
    failing_once(place)
    run = submit(place.platform, plan_of(stage("steady"), stage("shaky", retries=1))).run
    drive(place.platform, [run.id])
    text = printed(details_view(show_run(place.platform, run.id)))
    table = rows(text, "Stage", "Attempt")
    assert table[0] == ["Stage", "Attempt", "State", "Duration", "Step", "Reason"]
    assert table[2] == ["shaky", "1", "failed", "19.0", "s", "3", "It", "broke."]
    assert table[3][:2] == ["2", "succeeded"]
    assert len(table) == 4, "nothing is told of a stage that succeeded at once"


def test_a_stage_that_failed_at_its_only_attempt_is_told_too(place: Place, language: str) -> None:
    place.fate = lambda attempt: place.cluster.fail(attempt, retryable=False)
    run = submit(place.platform, plan_of(stage("s" * 40))).run
    drive(place.platform, [run.id])
    text = printed(details_view(show_run(place.platform, run.id)))
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert ("시도" if language == "ko" else "Attempt") in text
    assert text.count("It broke.") == 3, "with the run, in the table, and with the stage"


def test_a_run_without_trouble_has_no_such_table(place: Place) -> None:
    run = submit(place.platform, plan_of(stage("a"))).run
    drive(place.platform, [run.id])
    assert "Attempt" not in printed(details_view(show_run(place.platform, run.id)))


def test_a_run_under_way_shows_step_and_loss_of_what_runs(place: Place) -> None:
    seen = []

    def fate(attempt: AttemptId) -> None:
        place.cluster.start(attempt)
        place.cluster.report(attempt, 40, 80)
        other = place.other_process()
        seen.append(printed(details_view(show_run(other, attempt.run_id), watch_run(other, attempt.run_id))))
        place.cluster.succeed(attempt)

    place.fate = fate
    run = submit(place.platform, plan_of(stage("a"))).run
    drive(place.platform, [run.id])
    assert "40/80  loss 0.02439" in seen[0]


def test_a_pipe_is_told_of_every_attempt_and_why(place: Place) -> None:
    failing_once(place)
    said: list[str] = []
    run = submit(place.platform, plan_of(stage("shaky", retries=1))).run
    drive(place.platform, [run.id], ProgressLines(said.append, time.monotonic).update)
    begun = [line for line in said if line.startswith("▶")]
    assert begun == ["▶ shaky: running", "▶ shaky: running  attempt 2, because: It broke."]


def test_a_pipe_is_told_once_what_is_in_the_way() -> None:
    said: list[str] = []
    lines = ProgressLines(said.append, time.monotonic)
    for trouble in ("", "no answer", "no answer", "", "no answer"):
        lines.update(RunProgress((), trouble=trouble))
    assert said == ["no answer", "no answer"]


def test_a_pipe_is_told_how_far_a_long_stage_is() -> None:
    said: list[str] = []
    times = iter((0.0, 4.0, 11.0, 15.0, 22.0))
    lines = ProgressLines(said.append, lambda: next(times))
    for step in (None, 1, 3, 4, 6):
        running = StageProgress(
            "a", "adapt", StageState.RUNNING, step=step, total=8, attempt=1, metrics={"loss": 2.5}, seconds_left=5.0
        )
        lines.update(RunProgress((running,)))
    assert said == ["▶ adapt: running", "▶ adapt: 3/8  loss 2.5  5.0 s left", "▶ adapt: 6/8  loss 2.5  5.0 s left"]


def test_a_pipe_is_told_that_another_attempt_is_waited_for() -> None:
    said: list[str] = []
    lines = ProgressLines(said.append, time.monotonic)
    for state, attempt, broken in (
        (StageState.READY, 0, ""),
        (StageState.RUNNING, 1, ""),
        (StageState.RUNNING, 1, ""),
        (StageState.READY, 1, "It broke."),
    ):
        lines.update(RunProgress((StageProgress("a", "shaky", state, attempt=attempt, broken=broken),)))
    assert said == ["▶ shaky: running", "· shaky: ready  attempt 2 follows, because: It broke."]
