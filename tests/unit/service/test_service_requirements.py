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


def test_files_that_a_requirements_file_includes_count_with_it(place: Place, tmp_path: Path) -> None:
    file, below = tmp_path / "pipeline.yaml", tmp_path / "below"
    below.mkdir()
    file.write_text(PIPELINE)
    (tmp_path / "own.txt").write_text("-r below/more.txt  # a remark\n--constraint=bounds.txt\n-r own.txt\n")
    (below / "more.txt").write_text("-c ../bounds.txt\n-r again.txt\n-r https://example.org/x.txt\n")
    (below / "again.txt").write_text("-r more.txt\n")
    (tmp_path / "bounds.txt").write_text("a==1")
    keys = {prepare(place.platform, file).plan.stage("a").cache.key}
    for changed in (below / "again.txt", tmp_path / "bounds.txt"):
        changed.write_text(changed.read_text() + "\nb==2")
        keys.add(prepare(place.platform, file).plan.stage("a").cache.key)
    assert len(keys) == 3
    (below / "again.txt").unlink()
    with pytest.raises(BongsuError) as caught:
        prepare(place.platform, file)
    assert "again.txt" in str(caught.value)


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
