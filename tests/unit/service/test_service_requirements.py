"""Requirements files of stages: what they hold is part of the plan; one that cannot be read is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_places import Place

from bongsu.cli.render.plan import CACHE_WORDS
from bongsu.domain.plan import CacheReason
from bongsu.domain.problems import BongsuError
from bongsu.planner.cache_key import cache_key, cache_parts
from bongsu.service.planning import prepare

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  stages:
    - name: a
      uses: probe
      environment: {requirements: own.txt}
"""


def test_an_edited_requirements_file_changes_the_key_that_plan_and_run_share(place: Place, tmp_path: Path) -> None:
    file, requirements = tmp_path / "pipeline.yaml", tmp_path / "own.txt"
    file.write_text(PIPELINE)
    keys = []
    for text in ("one", "two"):
        requirements.write_text(text)
        planned = prepare(place.platform, file).plan.stage("a")
        assert planned.environment is not None
        assert planned.environment.requirements == str(requirements)
        assert planned.cache.key == cache_key(cache_parts(planned, {}))
        keys.append(planned.cache.key)
    assert keys[0] != keys[1]


def test_a_requirements_file_that_is_not_there_is_told_with_its_place(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(PIPELINE)
    with pytest.raises(BongsuError) as caught:
        prepare(place.platform, file)
    (problem,) = caught.value.problems
    assert problem.code.name == "plan.requirements-unreadable"
    assert problem.location is not None
    assert problem.location.line == 9


def test_every_reason_of_a_verdict_has_words_for_people() -> None:
    assert set(CACHE_WORDS) == set(CacheReason)
