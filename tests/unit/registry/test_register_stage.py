"""Which candidate the registration stage takes, on evidence that anybody may have written."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from stage_runner import StageRunner

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.ids import Digest

WITHIN = {"name": "light", "within": {"perplexity.law": 1.05}}


class Desk:
    """Two models and what is said about them."""

    def __init__(self, folder: Path) -> None:
        self.store = LocalStore(folder)
        self.base, self.small = (self.tree("config.json", name) for name in ("base", "small"))

    def tree(self, path: str, content: Any) -> Digest:
        writer = self.store.writer("given")
        with writer.create(path) as file:
            file.write(json.dumps(content).encode())
        return writer.commit().digest

    def register(self, figure: object, passed: object = True, **params: Any) -> AttemptResult | Failure:
        """Have the smaller model registered, of which an evaluation has ``figure`` (the base model has 10)."""
        entries = [
            {"modelDigest": self.base, "metrics": {"perplexity.law": 10.0}},
            {"modelDigest": self.small, "metrics": {"perplexity.law": figure}},
        ]
        measured = self.tree("evaluation.json", {"entries": entries})
        verified = self.tree("verification.json", {"entries": [{"modelDigest": self.small, "passed": passed}]})
        inputs = {
            "models": [("small", ArtifactType.MODEL, self.small)],
            "baseline": [("base", ArtifactType.MODEL, self.base)],
            "evaluations": [("e", ArtifactType.EVALUATION, measured)],
            "verifications": [("v", ArtifactType.VERIFICATION, verified)],
        }
        return StageRunner(self.store).run("registry.register", {**WITHIN, **params}, inputs)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_candidate_within_the_bounds_is_taken_with_its_figures(desk: Desk) -> None:
    outcome = desk.register(10.4)
    assert isinstance(outcome, AttemptResult), outcome
    assert outcome.metrics == {"perplexity.law": 10.4}


@pytest.mark.parametrize("figure", [11.0, math.nan, math.inf, None, "10", True])
def test_a_figure_that_is_none_is_within_no_bound(desk: Desk, figure: object) -> None:
    outcome = desk.register(figure)
    assert isinstance(outcome, Failure)
    assert "perplexity.law" in str(outcome.message)


@pytest.mark.parametrize("passed", [False, None, "true", 1])
def test_only_true_is_a_pass(desk: Desk, passed: object) -> None:
    outcome = desk.register(10.0, passed)
    assert isinstance(outcome, Failure)
    assert "no verification" in str(outcome.message)


def test_bytes_that_are_not_those_of_the_verdict_are_not_registered(desk: Desk) -> None:
    path = Path(desk.store.reader(desk.small).local()) / "config.json"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"small", b"SMALL"))
    outcome = desk.register(10.4)
    assert isinstance(outcome, Failure)
    assert outcome.reason == "InputCorrupt"
    assert "resume" in str(outcome.fix)
