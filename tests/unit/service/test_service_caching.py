"""A cached output is taken only as it was left; what is damaged is made again, and the plan says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.labels import Label
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError
from bongsu.planner.facts import EarlierWork, LostOutputs
from bongsu.service.caching import cache_facts
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit

CHAIN = plan_of(stage("a"), stage("b", "a"))


def run(place: Place) -> str:
    made = submit(place.platform, CHAIN).run
    drive(place.platform, [made.id])
    return made.id


def states(place: Place, run_id: str) -> list[str]:
    return [found.record.state.value for found in show_run(place.platform, run_id).stages]


def output_of_a(place: Place, run_id: str) -> ArtifactRef:
    return show_run(place.platform, run_id).stage("a").record.outputs["files"]


def cut(place: Place, ref: ArtifactRef) -> None:
    (file,) = place.folder.glob(f"artifacts/trees/*/{ref.digest}/*")
    file.chmod(0o600)
    file.write_bytes(b"x")


def empty_file_in_place_of_the_manifest(place: Place, ref: ArtifactRef) -> None:
    (place.folder / "artifacts" / "manifests" / f"{ref.digest}.json").write_bytes(b"")


def remove_manifest(place: Place, ref: ArtifactRef) -> None:
    (place.folder / "artifacts" / "manifests" / f"{ref.digest}.json").unlink()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, "output-damaged"),
        (empty_file_in_place_of_the_manifest, "output-damaged"),
        (remove_manifest, "output-gone"),
    ],
)
def test_a_damaged_output_is_no_hit_and_is_made_again(
    place: Place, damage: Callable[[Place, ArtifactRef], None], reason: str
) -> None:
    first = run(place)
    key = show_run(place.platform, first).stage("a").record.cache_key
    assert key is not None
    ref = output_of_a(place, first)
    facts = cache_facts(place.platform, "sample")
    assert facts.work(key) == EarlierWork({"files": ref}, {"loss": 1.0})
    damage(place, ref)
    lost = facts.work(key)
    assert isinstance(lost, LostOutputs)
    assert lost.reason == reason
    assert lost.detail.startswith("files")
    assert states(place, run(place)) == ["succeeded", "cached"]
    place.platform.artifacts.reader(ref.digest).verify()
    assert states(place, run(place)) == ["cached", "cached"]


def test_an_input_whose_stored_copy_is_damaged_is_taken_in_again(place: Place, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("text of a law")
    given = Input(dataset="file:law.txt")
    ref = resolve_input(place.platform, "it", given, Files(tmp_path)).ref
    cut(place, ref)
    assert resolve_input(place.platform, "it", given, Files(tmp_path)).ref == ref
    place.platform.artifacts.reader(ref.digest).verify()


def test_an_input_that_only_the_store_has_and_that_is_damaged_is_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("text of a law")
    ref = resolve_input(place.platform, "it", Input(dataset="file:law.txt"), Files(tmp_path)).ref
    cut(place, ref)
    with pytest.raises(BongsuError) as caught:
        resolve_input(place.platform, "it", Input(dataset=f"artifact:{ref.digest}", label=Label()), Files(tmp_path))
    assert caught.value.problems[0].code.name == "artifact.corrupt"
