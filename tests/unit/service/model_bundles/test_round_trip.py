"""A model leaves one house and comes into another, with everything that was said of it."""

from __future__ import annotations

import tarfile
from pathlib import Path

from bundle_places import Giver, named, take, taker
from governed_places import GovernedPlace

from bongsu.service.labels import show_label
from bongsu.service.lineage import trace
from bongsu.service.model_bundles.reading import inspect_bundle


def test_a_model_comes_in_with_its_label_and_what_it_came_from(
    giver: Giver, house: GovernedPlace, tmp_path: Path
) -> None:
    file = giver.bundle(tmp_path / "axk1.bundle")
    taken = take(house, file, clearance="C/logistics")
    assert (taken.digest, taken.label, taken.model, taken.created) == (giver.model, "S/logistics", "axk1/1", True)
    assert house.platform.artifacts.reader(giver.model).manifest.digest == giver.model
    platform = taker(house, clearance="C/logistics")
    shown = show_label(platform, f"artifact:{giver.model}")
    print(shown)
    print(trace(platform, f"artifact:{giver.model}"))
    head = inspect_bundle(file, named())
    print(head.document)
    with tarfile.open(file) as tar:
        print(tar.getnames())
