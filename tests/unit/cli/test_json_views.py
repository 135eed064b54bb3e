"""What ``--json`` prints of runs, stages, attempts and models: machines rely on these keys, in this order."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from cli_shell import Shell
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.cli.printing import _plain
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.service.summaries import AttemptSummary, RunSummary, StageSummary
from bongsu.service.variants import Variant

RUN = (
    "id pipeline ministry plan_hash state label use_class created_at started_at finished_at"
    " interrupted worked_seconds"
)
STAGE = (
    "run_id stage_id position state reason cache_key outputs metrics notes started_at finished_at worked_seconds"
)
ATTEMPT = "id state stop_reason requested_at started_at finished_at failure environment peak_memory_bytes last_step"
VARIANT = (
    "title stage_id digest label size weights_bytes metrics intervals change shrink baseline verified version page"
)


def test_the_views_have_these_fields_and_no_others() -> None:
    for view, names in ((RunSummary, RUN), (StageSummary, STAGE), (AttemptSummary, ATTEMPT), (Variant, VARIANT)):
        assert " ".join(field.name for field in fields(view)) == names


def test_a_run_in_json_holds_its_stages_and_their_attempts(tmp_path: Path) -> None:
    place = Place(tmp_path)
    run = submit(place.platform, plan_of(stage("a"))).run
    drive(place.platform, [run.id])
    details = _plain(show_run(place.platform, run.id))
    place.close()
    assert list(details["run"]) == RUN.split()
    (one,) = details["stages"]
    assert list(one) == ["planned", "record", "attempts"]
    assert list(one["record"]) == STAGE.split()
    assert list(one["attempts"][0]) == ATTEMPT.split()
    assert (details["run"]["state"], one["record"]["state"]) == ("succeeded", "succeeded")


def test_states_in_json_are_english_in_every_language(shell: Shell, korean: None) -> None:
    listed = shell("runs", "--json")
    assert json.loads(listed.out) == []
