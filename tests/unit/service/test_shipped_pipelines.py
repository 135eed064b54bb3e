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
    prepared = prepare(place.platform, file)
    assert {stage.stage for stage in prepared.plan.stages} == {
        stage.name for stage in prepared.pipeline.spec.spec.stages
    }


def test_the_demo_makes_two_small_variants_and_registers_one(place: Place) -> None:
    made = prepare(place.platform, PIPELINES / "demo.yaml").plan
    titles = [stage.short_title for stage in made.stages]
    assert {"prune 0.75", "prune 0.5", "heal 0.5", "quantize 0.75", "quantize 0.5"} <= set(titles)
    assert made.stages[-1].uses == "registry.register"


def test_what_init_writes_can_be_planned(place: Place) -> None:
    text = starter("mine", ministry="mnd", model=f"file:{PIPELINES / 'assets' / 'axk1-nano'}", file="mine.yaml")
    file = place.folder / "mine.yaml"
    file.write_text(text)
    assert prepare(place.platform, file).plan.metadata.name == "mine"


def test_memory_follows_the_length_that_the_plan_packs(place: Place) -> None:
    short, long = (
        prepare(place.platform, edited(place.folder, length)).plan.stage("adapt").workload for length in (128, 512)
    )
    assert (short.sequence_length, long.sequence_length) == (128, 512)
    assert long.tokens == 4 * short.tokens


def edited(folder: Path, length: int) -> Path:
    text = (PIPELINES / "demo.yaml").read_text().replace("file:assets", f"file:{PIPELINES / 'assets'}")
    file = folder / f"{length}.yaml"
    file.write_text(text.replace("sequenceLength: 128", f"sequenceLength: {length}"))
    return file
