"""What a stage failed of is said in the reader's language: where the run is driven, shown and reported."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_shell import Shell
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.cli.render.progress import ProgressLines
from bongsu.cli.texts import use_language
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import Failure, Phase
from bongsu.domain.ids import AttemptId
from bongsu.service.submitting import submit
from bongsu_stages.runtime.attempt import run_attempt

COMMAND = ["sh", "-c", "echo 여기까지; exit 3"]
ENGLISH = "The command ended with status 3. Its last words: 여기까지"
KOREAN = "명령이 종료 상태 3으로 끝났습니다. 마지막 출력: 여기까지"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A home, below which attempts run in this process, as a worker runs them."""
    (tmp_path / "home").mkdir()
    made = Place(tmp_path / "home")

    def run(attempt: AttemptId) -> None:
        job = made.cluster.jobs[attempt]
        outcome = run_attempt(job.spec, job.events.append, lambda: made.now)
        job.phase = Phase.SUCCEEDED
        if isinstance(outcome, Failure):
            job.phase, job.failure = Phase.FAILED, outcome

    made.fate = run
    yield made
    made.close()


def failing() -> Any:
    params = {"command": COMMAND}
    return stage("shaky", uses="container", params=params, outputs={"files": ArtifactType.FILES}, retries=1)


def driven(place: Place) -> list[str]:
    """Lines that were printed while a stage failed twice and another was cancelled for it."""
    said: list[str] = []
    run = submit(place.platform, plan_of(failing(), stage("after", "shaky"))).run
    drive(place.platform, [run.id], ProgressLines(said.append, time.monotonic).update)
    place.close()
    return said


@pytest.mark.usefixtures("korean")
def test_it_is_korean_while_the_run_is_driven(place: Place) -> None:
    said = driven(place)
    assert f"▶ shaky: 실행 중  시도 2, 이유: {KOREAN}" in said
    assert f"✗ shaky: 실패  {KOREAN}" in said[-2]
    assert "✗ after: 취소됨  shaky 단계가 성공하지 못했습니다" in said[-1]


@pytest.mark.usefixtures("korean")
def test_show_says_it_in_the_language_that_is_asked_for(place: Place, shell: Shell) -> None:
    driven(place)
    use_language("en")
    english = shell("show").out
    assert english.count("The command ended with status") == 4, "with the run, twice in the table, with the stage"
    use_language("ko")
    korean = shell("show").out
    assert korean.count("명령이 종료 상태 3으로") == 4
    assert re.search(r"    → `bongsu logs r-\w{12} shaky`로 출력 전체를", korean)
    assert "ended with status" not in korean


@pytest.mark.usefixtures("korean")
def test_machines_read_english(place: Place, shell: Shell) -> None:
    driven(place)
    document = json.loads(shell("show", "--json").out)
    shaky, after = document["stages"]
    assert [one["failure"]["message"] for one in shaky["attempts"]] == [ENGLISH, ENGLISH]
    assert (shaky["reason"], after["reason"]) == (ENGLISH, "shaky did not succeed")
    assert KOREAN in document["problems"][0]["message"], "problems are in the reader's language"


@pytest.mark.usefixtures("korean")
def test_the_report_says_it_in_its_language(place: Place, shell: Shell, tmp_path: Path) -> None:
    driven(place)
    for language, words in (("ko", KOREAN), ("en", ENGLISH)):
        page = tmp_path / f"{language}.html"
        use_language(language)
        shell("report", "-o", str(page))
        assert words in page.read_text()
