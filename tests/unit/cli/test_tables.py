"""What is printed fits 80 columns in both languages; wide characters count double."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cli_shell import Shell
from rich.cells import cell_len
from service_places import Place
from small_plans import plan_of, stage

from bongsu.cli.console import EscapingConsole
from bongsu.cli.render.outcome import outcome_view, variants_view
from bongsu.cli.render.plan import MEMORY_WORDS, plan_view
from bongsu.cli.render.progress import progress_view
from bongsu.cli.render.runs import details_view, runs_view
from bongsu.cli.texts import use_language
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.plan import CacheReason, CacheVerdict, MemoryEstimate, SkippedStage
from bongsu.domain.resources import Resources
from bongsu.domain.run import RunState, StageState
from bongsu.service.catalogue import InstalledStages
from bongsu.service.embedded import open_home
from bongsu.service.planning import prepare
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.service.summaries import RunSummary
from bongsu.service.variants import Variant
from bongsu.service.watching import RunProgress, StageProgress

PIPELINES = Path(__file__).parents[3] / "pipelines"
DIGEST = Digest("sha256-" + "a" * 64)


@pytest.fixture(params=["ko", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    use_language(request.param)
    yield request.param
    use_language("en")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def printed(view: Any, width: int = 80) -> str:
    console = EscapingConsole(file=StringIO(), width=width, highlight=False, emoji=False, markup=False)
    console.print(view, crop=False)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def widest(text: str) -> int:
    return max(cell_len(line) for line in text.splitlines())


def run(**changes: Any) -> RunSummary:
    values: dict[str, Any] = {
        "id": RunId("r-1m89ffqfrb83"),
        "pipeline": "a-pipeline-with-a-name-of-forty-letters1",
        "ministry": "military-manpower",
        "plan_hash": DIGEST,
        "state": RunState.RUNNING,
        "label": "S/logistics",
        "use_class": "training-and-simulation",
        "created_at": 1_700_000_000.0,
        "started_at": 1_700_000_000.0,
        "finished_at": None,
        "interrupted": True,
        "worked_seconds": 10_000.0,
    }
    return RunSummary(**values | changes)


def test_lists_of_runs_fit(language: str) -> None:
    text = printed(runs_view([run(), run(interrupted=False, state=RunState.SUCCEEDED)]))
    assert widest(text) <= 80
    assert ("중단됨" if language == "ko" else "interrupted") in text


def test_plans_fit_and_nothing_is_cut(language: str, place: Place) -> None:
    text = printed(plan_view(prepare(place.platform, PIPELINES / "demo.yaml").plan))
    assert widest(text) <= 80
    assert "…" not in text
    assert "two people" not in text or language == "en"


def test_the_parts_of_an_estimate_are_shown_on_demand(language: str, place: Place) -> None:
    plan = prepare(place.platform, PIPELINES / "demo.yaml").plan
    text = printed(plan_view(plan, parts=True))
    assert widest(text) <= 80
    word = "gradients" if language == "en" else "기울기"
    assert word in text
    assert word not in printed(plan_view(plan))
    assert set(MEMORY_WORDS) == set(MemoryEstimate.model_fields)


@pytest.mark.parametrize(
    ("gpus", "hours", "words"),
    [
        (0, None, "No GPU."),
        (1, None, "GPU-hours cannot be estimated."),
        (1, 0.004, "Estimated < 0.1 GPU-hours."),
        (1, 12.34, "Estimated 12.3 GPU-hours."),
    ],
)
def test_gpu_hours_never_read_as_none_where_there_are_some(gpus: int, hours: float | None, words: str) -> None:
    planned = stage("a", resources=Resources(gpus_per_worker=gpus), gpu_hours=hours)
    shown = " ".join(printed(plan_view(plan_of(planned))).split())
    assert words in shown
    assert ("< 0.01" in shown) == (hours is not None and hours < 0.01)


@pytest.mark.parametrize(("hit", "floor", "is_said"), [(True, "S", True), (True, "O", False), (False, "S", False)])
def test_whose_label_stands_beside_a_cached_output_is_said(hit: bool, floor: str, is_said: bool) -> None:
    reason = CacheReason.HIT if hit else CacheReason.FIRST_RUN
    plan = plan_of(stage("a", cache=CacheVerdict(hit=hit, reason=reason)))
    shown = " ".join(printed(plan_view(plan.model_copy(update={"floor": Label.parse(floor)}))).split())
    said = "What comes from the cache keeps its own label in the store; shown is that of this run."
    assert (said in shown) == is_said


@pytest.mark.parametrize(("hours", "words"), [(12.34, "12.3"), (0.019, "0.01"), (0.001, "0")])
def test_a_total_names_what_is_not_in_it(hours: float, words: str) -> None:
    on_gpu = Resources(gpus_per_worker=1)
    known = stage("train", resources=on_gpu, gpu_hours=hours)
    unknown = [stage(f"ask-{n}", stage="ask", resources=on_gpu) for n in range(2)]
    plan = plan_of(known, *unknown, stage("count", resources=on_gpu), stage("read"))
    shown = " ".join(printed(plan_view(plan)).split())
    assert f"At least {words} GPU-hours; ask, count cannot be estimated." in shown
    assert shown.count("?") == 3


def test_a_grant_is_said_to_be_recorded_and_no_more() -> None:
    words = "The grant nap is recorded, and not checked on this machine."
    plan = plan_of(stage("a"))
    assert words in " ".join(printed(plan_view(plan.model_copy(update={"grant": "nap"}))).split())
    assert "grant" not in printed(plan_view(plan))


def test_many_skipped_points_are_shown_by_a_few(language: str) -> None:
    skipped = [
        SkippedStage(id=StageId(f"s-{n}"), stage="s", point={"x": n}, uses="probe", when="params.ship and true")
        for n in range(40)
    ]
    some, every = (printed(plan_view(plan_of(stage("a")), skipped, every=every)) for every in (False, True))
    assert widest(some) <= 80
    assert some.count("params.ship") == 4
    assert every.count("params.ship") == 40


def test_runs_in_detail_fit(language: str, place: Place) -> None:
    submitted = submit(place.platform, plan_of(stage("a" * 40), stage("b"))).run
    assert widest(printed(details_view(show_run(place.platform, submitted.id)))) <= 80


def test_variants_fit(language: str, place: Place) -> None:
    submitted = submit(place.platform, plan_of(stage("a"))).run
    metrics = {"perplexity.general": 1249.123, "perplexity.law": float("nan"), "speed.tokensPerSecond": 123_456.0}
    page = "http://127.0.0.1:5000/#/experiments/1/models/m-0123456789abcdef0123456789abcdef"
    variants = [
        Variant("inputs.base", None, DIGEST, Label.parse("O"), 1, 10**9, metrics, page=page),
        Variant(
            "quantize (keepFraction=0.5)", "q", DIGEST, Label.parse("O"), 1, 10**8, metrics,
            {"perplexity.general": (1_204.3, 1_298.7), "perplexity.other": (1.0, 2.0)},
            {"perplexity.law": 0.025}, 9.99, verified=True,
        ),
    ]  # fmt: skip
    text = printed(outcome_view(show_run(place.platform, submitted.id), variants))
    assert widest(text) <= 80
    assert "NaN" in text
    assert "1204–1299" in text
    assert "95%" in text
    assert "1–2" not in text, "an interval of nothing"
    lines = [line.rstrip() for line in text.splitlines()]
    assert page in lines, "a link in one piece"
    narrow = printed(outcome_view(show_run(place.platform, submitted.id), variants), 60)
    assert page in narrow.splitlines()
    for word in ("예", "등급 O") if language == "ko" else ("yes", "Label O"):
        assert word in narrow, "nothing is left out where there is little room"
    assert "bongsu mlflow" in text, "how it is opened"
    assert lines[next(n for n, line in enumerate(lines) if line.startswith("quantize 0.5  sha256-")) + 1] == "–"
    assert variants_view([]) is None


@pytest.mark.parametrize("words", [("stages", "list", "--all"), ("doctor",)])
def test_lists_of_what_is_installed_fit(language: str, shell: Shell, words: tuple[str, ...]) -> None:
    said = shell(*words)
    if words[0] == "stages":
        assert widest(said.out) <= 80
    assert "…" not in said.out


@pytest.mark.parametrize("name", list(InstalledStages()))
def test_stages_are_explained_in_80_columns_in_the_language(language: str, shell: Shell, name: str) -> None:
    text = shell("stages", "show", name).out
    assert widest(text) <= 80
    assert "…" not in text
    for parameter in InstalledStages()[name].params.model_json_schema(by_alias=True).get("properties", {}):
        assert parameter in text
    if language == "ko":
        assert "the " not in text
        assert not re.search(r"  \[?(integer|number|string|boolean|object|null)\b", text)


def test_a_table_is_not_widened_by_what_a_worker_wrote() -> None:
    text = printed(runs_view([run(pipeline="\x1b[31m\u202e" * 8)]))
    assert widest(text) <= 80
    assert not set(text) & {"\x1b", "\u202e"}


def test_live_progress_fits(language: str) -> None:
    stages = [
        StageProgress("a", "curate", StageState.SUCCEEDED, seconds=12.0),
        StageProgress(
            "b", "adapt (keepFraction=0.75)", StageState.RUNNING, step=40, total=80, attempt=2,
            metrics={"loss": 3.21, "tokens_per_second": 18_556.0}, seconds=60.0, seconds_left=61.0,
        ),
        StageProgress("c", "quantize", StageState.RUNNING, phase="calibrating"),
        StageProgress("d", "verify", StageState.FAILED, reason="검증 프로세스가 메모리 부족으로 끝났습니다. " * 3),
    ]  # fmt: skip
    text = printed(progress_view(RunProgress(tuple(stages), 61.0, "no answer \x1b[2J"), 80))
    assert widest(text) <= 80
    assert "40/80  loss 3.21  tok/s 18,556" in text
    assert ("1 min 01 s left" in text) == (language == "en")
    assert "40/80" in text
    assert "\x1b" not in text


def test_json_tells_apart_what_the_store_says_and_that_nobody_drives(shell: Shell, tmp_path: Path) -> None:
    platform = open_home(tmp_path / "home", os.environ)
    submit(platform, plan_of(stage("a")))
    platform.close()
    (listed,) = json.loads(shell("runs", "--json").out)
    assert (listed["state"], listed["interrupted"], listed["workedSeconds"]) == ("pending", True, None)
    assert json.loads(shell("show", "--json").out)["run"]["interrupted"] is True
    assert "bongsu resume" in shell("show").out
    assert [run["id"] for run in json.loads(shell("runs", "--state", "interrupted", "--json").out)] == [
        listed["id"]
    ]
    assert json.loads(shell("runs", "--state", "pending", "--json").out) == []


def test_what_is_done_to_the_latest_run_says_which_that_is(shell: Shell, tmp_path: Path) -> None:
    platform = open_home(tmp_path / "home", os.environ)
    run = submit(platform, plan_of(stage("a"))).run
    platform.close()
    assert f"Logs of run {run.id}:" in shell("logs").error
    assert "Logs of run" not in shell("logs", run.id).error
    assert run.id in shell("cancel").out
