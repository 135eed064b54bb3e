"""The demo as a newcomer runs it: what README promises of it holds on held-out text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_command_line import Shell

DEMO = Path(__file__).parents[2] / "pipelines" / "demo.yaml"
# Two and a half on a quiet machine; a busy one takes longer and shows the same.
MOST_MINUTES = 20


class Demo:
    """The demo's run, and what its models are, by their titles."""

    def __init__(self, folder: Path) -> None:
        self.shell = Shell(folder)
        self.shell("run", str(DEMO), timeout_s=MOST_MINUTES * 60)
        shown = self.shell.json("show", "latest")["variants"]
        self.variants: dict[str, dict[str, Any]] = {one["title"]: one for one in shown}

    @property
    def smallest(self) -> dict[str, Any]:
        return min(self.variants.values(), key=lambda one: int(one["weightsBytes"]))

    def figure(self, title: str, name: str) -> float:
        return float(self.variants[title]["metrics"][name])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return Demo(tmp_path_factory.mktemp("demo"))


def test_law_is_learned_and_general_korean_is_kept(demo: Demo) -> None:
    assert demo.figure("inputs.base", "perplexity.law") > 10 * demo.figure("adapt", "perplexity.law")
    assert demo.figure("adapt", "perplexity.general") < 4 / 3 * demo.figure("inputs.base", "perplexity.general")


def test_the_smallest_variant_is_three_times_smaller_and_nearly_as_good(demo: Demo) -> None:
    smallest = demo.smallest
    assert 3 * smallest["weightsBytes"] < demo.variants["adapt"]["weightsBytes"]
    for text, most in (("law", 1.05), ("general", 1.10)):
        assert smallest["metrics"][f"perplexity.{text}"] <= most * demo.figure("adapt", f"perplexity.{text}")


def test_every_variant_has_its_figures_digest_label_and_page(demo: Demo) -> None:
    measured = {title: one for title, one in demo.variants.items() if one["metrics"]}
    assert len(measured) == 6
    for title, found in measured.items():
        assert {"perplexity.law", "perplexity.general", "speed.tokensPerSecond"} <= set(found["metrics"]), title
        assert found["digest"].startswith("sha256-")
        assert found["label"]
        assert "/models/m-" in found["page"]


def test_the_best_variant_is_a_registered_version(demo: Demo) -> None:
    (version,) = demo.shell.json("models")
    assert (version["name"], version["version"]) == ("axk1-nano-law", 1)
    assert version["digest"] == demo.smallest["digest"]


def test_the_picture_lies_beside_the_run(demo: Demo) -> None:
    pictures = list((demo.shell.folder / "home").rglob("*.png"))
    assert pictures
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_running_it_again_takes_everything_from_the_cache(demo: Demo) -> None:
    again = demo.shell("run", str(DEMO)).stdout
    assert "cached" in again
    states = {stage["state"] for stage in demo.shell.json("show", "latest")["stages"]}
    assert states == {"cached"}
