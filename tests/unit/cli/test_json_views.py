"""What ``--json`` prints of runs, stages, attempts and models: machines rely on these keys, in every command."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_documents import run_with_everything
from cli_shell import Shell
from hypothesis import given
from hypothesis import strategies as st
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.domain.documents import camel, iso_time, plain
from bongsu.domain.ids import AttemptId
from bongsu.service.documents import run_document
from bongsu.service.embedded import open_home
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.service.variants import variants
from bongsu.service.watching import watch_run

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Below these, keys are somebody's data.
DATA = {
    "metrics",
    "notes",
    "params",
    "point",
    "parameters",
    "outputs",
    "inputs",
    "environment",
    "intervals",
    "change",
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def keys_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key that is not data, with what stands under it."""
    if isinstance(value, list):
        for item in value:
            yield from keys_of(item)
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            if key not in DATA:
                yield from keys_of(item)


def hold_to_the_shape(document: Any) -> None:
    for key, value in keys_of(document):
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", key), key
        if key.endswith("At"):
            assert value is None or TIME.fullmatch(value), (key, value)


def test_a_run_with_everything_has_the_one_shape(place: Place) -> None:
    run = run_with_everything(place)
    document = plain(run_document(show_run(place.platform, run), variants(place.platform, run)))
    hold_to_the_shape(document)
    first = document["stages"][0]
    assert [(one["number"], one["state"]) for one in first["attempts"]] == [(1, "failed"), (2, "succeeded")]
    assert first["attempts"][0]["failure"]["message"] == "It broke."
    assert document["variants"][0]["label"] == document["variants"][0]["version"]["label"] == "O"
    assert TIME.fullmatch(document["run"]["startedAt"])
    assert first["progress"] is None


def test_what_a_stage_is_at_is_told_while_it_runs(place: Place) -> None:
    seen = []

    def fate(attempt: AttemptId) -> None:
        place.cluster.start(attempt)
        place.cluster.report(attempt, 40, 80)
        other = place.other_process()
        details = show_run(other, attempt.run_id)
        seen.append(plain(run_document(details, (), watch_run(other, attempt.run_id))))
        place.cluster.succeed(attempt)

    place.fate = fate
    drive(place.platform, [submit(place.platform, plan_of(stage("a"))).run.id])
    (one,) = seen[0]["stages"]
    assert (one["progress"]["step"], one["progress"]["total"]) == (40, 80)
    assert one["progress"]["metrics"] == {"loss": pytest.approx(1 / 41)}


def test_every_command_describes_a_run_in_the_same_shape(shell: Shell, tmp_path: Path) -> None:
    platform = open_home(tmp_path / "home", os.environ)
    submit(platform, plan_of(stage("a")))
    platform.close()
    shown = json.loads(shell("show", "--json").out)
    (listed,) = json.loads(shell("runs", "--json").out)
    assert listed == shown["run"]
    cancelled = json.loads(shell("cancel", "latest", "--json").out)
    assert cancelled == json.loads(shell("show", "--json").out)
    assert [problem["code"] for problem in cancelled["problems"]] == ["run.cancelled"]
    for document in (shown, cancelled):
        hold_to_the_shape(document)
        assert list(document) == ["run", "stages", "variants", "problems"]
        assert list(document["stages"][0]) == list(shown["stages"][0])


PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  parameters: [{name: someSteps, default: 4}]
  stages:
    - {name: first, uses: probe, timeout: 90s, with: {steps: "${params.someSteps}"}}
"""


def test_a_plan_spells_its_keys_as_a_run_does(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    plan = json.loads(shell("plan", "p.yaml", "--json").out)
    hold_to_the_shape(plan)
    assert plan["stages"][0]["timeout"] == "90s"
    assert plan["parameters"] == {"someSteps": 4}


@pytest.mark.parametrize("words", [("models",), ("datasets", "list"), ("doctor",), ("stages", "list"), ("runs",)])
def test_lists_keep_to_the_shape(shell: Shell, words: tuple[str, ...]) -> None:
    hold_to_the_shape(json.loads(shell(*words, "--json").out))


def test_states_in_json_are_english_in_every_language(shell: Shell, korean: None) -> None:
    listed = shell("runs", "--json")
    assert json.loads(listed.out) == []


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_time_is_read_back_to_the_millisecond(time: datetime) -> None:
    written = iso_time(time.timestamp())
    assert written is not None
    assert abs(datetime.fromisoformat(written) - time) <= timedelta(milliseconds=1)


def test_values_without_a_place_in_json() -> None:
    assert iso_time(None) is None
    assert plain({"a": (math.nan, math.inf, {"b_c": 1})}) == {"a": [None, None, {"b_c": 1}]}
    assert [camel(name) for name in ("plan_hash", "id", "tokens_per_second")] == [
        "planHash",
        "id",
        "tokensPerSecond",
    ]


def test_what_is_written_is_said(place: Place, tmp_path: Path, shell: Shell) -> None:
    assert json.loads(shell("init", "new.yaml", "--json").out) == {"path": "new.yaml", "model": None}
    run = run_with_everything(place)
    said = shell("--home", str(place.folder), "report", run, "-o", "page.html", "--json").out
    assert json.loads(said) == {"runId": run, "path": "page.html"}
    assert (tmp_path / "page.html").exists()


def test_codes_are_explained_to_people_without_braces(shell: Shell) -> None:
    told = shell("explain", "grants.exceeded").out
    assert "NEEDED" in told
    assert not re.findall(r"(?<!\$)\{\w+", shell("explain").out + told)


def test_codes_are_explained_to_machines(shell: Shell) -> None:
    one = json.loads(shell("explain", "run.home-closed", "--json").out)
    assert (one["code"], one["exitStatus"]) == ("run.home-closed", 7)
    assert one in json.loads(shell("explain", "--json").out)
