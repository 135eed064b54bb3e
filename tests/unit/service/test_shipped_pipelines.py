"""Every pipeline to copy from can be planned, and so can the one that ``bongsu init`` writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_places import Place

from bongsu.service.planning import prepare
from bongsu.specfile.starter import starter

PIPELINES = Path(__file__).parents[3] / "pipelines"


@pytest.mark.parametrize("file", sorted(PIPELINES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_pipelines_can_be_planned(place: Place, file: Path) -> None:
    made = prepare(place.platform, file).plan
    assert {stage.name for stage in made.stages} == {
        stage.name for stage in prepare(place.platform, file).pipeline.spec.spec.stages
    }
    assert all(stage.memory.total > 0 for stage in made.stages)


def test_the_demo_makes_what_the_readme_says(place: Place) -> None:
    made = prepare(place.platform, PIPELINES / "demo.yaml").plan
    assert {stage.id for stage in made.stages} >= {
        "prune-0.75",
        "prune-0.5",
        "heal-0.75",
        "quantize-0.5",
        "register",
    }
    assert made.stage("register").uses == "registry.register"


def test_what_init_writes_can_be_planned(place: Place) -> None:
    text = starter("mine", ministry="mnd", model=f"file:{PIPELINES / 'assets' / 'axk1-nano'}", file="mine.yaml")
    file = place.folder / "mine.yaml"
    file.write_text(text)
    assert prepare(place.platform, file).plan.metadata.name == "mine"
