"""The gate's verdicts: every check that cannot be made is a check that failed."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from stage_runner import Named, StageRunner

from bongsu.artifacts.local import LocalStore
from bongsu.artifacts.reading import read_json
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.evidence import Verification, verdicts_of
from bongsu.domain.ids import digest_of
from bongsu_stages.models.loading import has_experts
from bongsu_stages.verify import checks, reloading
from bongsu_stages.verify.attribution import is_of_the_machine
from bongsu_stages.verify.outputs import Outputs

MODEL, TOKENS = ArtifactType.MODEL, ArtifactType.TOKENS


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> StageRunner:
    return StageRunner(LocalStore(tmp_path_factory.mktemp("store")), cpus=1)


@pytest.fixture(scope="module")
def given_trees(runner: StageRunner, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Named]:
    """A model, one whose weights are cut off, and text."""
    root = tmp_path_factory.mktemp("trees")
    tiny.write_tokenizer(root / "tokenizer")
    for name in ("model", "cut"):
        tiny.write_model(root / name, root / "tokenizer")
    weights = root / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    tiny.write_tokens(root / "tokens", root / "tokenizer")
    kinds = {"model": MODEL, "cut": MODEL, "tokens": TOKENS}
    return {name: (name, kind, tiny.commit(runner.store, name, root / name)) for name, kind in kinds.items()}


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reload without the seconds of a new process; what happens there is the same."""
    from bongsu_stages.verify import probe

    def run(command: list[str], **_options: Any) -> Any:
        probe.main(Path(command[-1]))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(reloading.subprocess, "run", run)


def verify(runner: StageRunner, trees: dict[str, Named], model: str, baseline: str, **params: Any) -> Any:
    inputs = {"models": [trees[model]], "baseline": [trees[baseline]], "tokens": [trees["tokens"]]}
    return runner.run("verify.reload", params, inputs)


@pytest.mark.usefixtures("in_this_process")
def test_a_sound_model_passes_against_its_baseline(runner: StageRunner, given_trees: dict[str, Named]) -> None:
    outcome = verify(runner, given_trees, "model", "model")
    assert isinstance(outcome, AttemptResult), outcome
    assert outcome.metrics == {"passed": 1.0, "failed": 0.0}


@pytest.mark.usefixtures("in_this_process")
def test_a_model_that_rounds_activations_agrees_with_its_own_reading_to_the_last_bit(
    runner: StageRunner, given_trees: dict[str, Named]
) -> None:
    made = runner.made("compress.quantize", {"scheme": "FP8"}, {"model": [given_trees["model"]]})
    small = ("small", MODEL, made.outputs["model"].digest)
    exact = {"logitTolerance": 1e-9, "perplexityTolerance": 1e-9}
    assert runner.made("verify.reload", exact, {"models": [small], "tokens": [given_trees["tokens"]]}).metrics == {
        "passed": 1.0,
        "failed": 0.0,
    }


@pytest.mark.usefixtures("in_this_process")
def test_a_baseline_that_does_not_load_fails_the_gate(runner: StageRunner, given_trees: dict[str, Named]) -> None:
    refused = verify(runner, given_trees, "model", "cut")
    assert isinstance(refused, Failure)
    assert "the baseline loads: SafetensorError" in str(refused.message)
    reported = verify(runner, given_trees, "model", "cut", required=False)
    assert reported.metrics == {"passed": 0.0, "failed": 1.0}


def without(directory: Path) -> None:
    (directory / "tokenizer.json").unlink()


def unreadable(directory: Path) -> None:
    (directory / "tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {}, "merges": []}}')


def another(directory: Path) -> None:
    for place in (directory, directory / "components" / "tokenizer"):
        content = json.loads((place / "tokenizer.json").read_text())
        content["added_tokens"] = content["added_tokens"][:1]
        (place / "tokenizer.json").write_text(json.dumps(content))


def for_mlflow_alone(directory: Path) -> None:
    copy = directory / "components" / "tokenizer" / "tokenizer.json"
    copy.write_text(copy.read_text() + " ")


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (without, "tokenizer loads"),
        (unreadable, "tokenizer loads"),
        (another, "tokenizer of the text"),
        (for_mlflow_alone, "MLflow's copy of the tokenizer"),
    ],
)
def test_a_model_without_the_tokenizer_of_its_text_fails_the_gate(
    runner: StageRunner, given_trees: dict[str, Named], tmp_path: Path, change: Any, failed: str
) -> None:
    shutil.copytree(runner.store.reader(given_trees["model"][2]).local(), tmp_path / "model")
    for path in (tmp_path / "model").rglob("tokenizer.json"):
        path.chmod(0o600)
    change(tmp_path / "model")
    trees = given_trees | {
        "changed": ("changed", MODEL, tiny.commit(runner.store, change.__name__, tmp_path / "model"))
    }
    refused = verify(runner, trees, "changed", "model")
    assert isinstance(refused, Failure)
    (entry,) = read_json(runner.store.reader(refused.evidence["verification"].digest), "verification.json")[
        "entries"
    ]
    assert [check["name"] for check in entry["checks"] if not check["passed"]] == [failed]


@pytest.mark.usefixtures("in_this_process")
def test_a_model_that_does_not_load_fails_the_gate(runner: StageRunner, given_trees: dict[str, Named]) -> None:
    refused = verify(runner, given_trees, "cut", "model")
    assert isinstance(refused, Failure)
    assert "cut does not come back as what it was" in str(refused.message)
    (entry,) = read_json(runner.store.reader(refused.evidence["verification"].digest), "verification.json")[
        "entries"
    ]
    assert (entry["modelDigest"], entry["passed"]) == (given_trees["cut"][2], False)


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_row_that_no_text_reaches_and_that_is_no_number_fails_the_gate(
    runner: StageRunner, given_trees: dict[str, Named], tmp_path: Path, value: float
) -> None:
    shutil.copytree(runner.store.reader(given_trees["model"][2]).local(), tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    stored = load_file(weights)
    stored["model.embed_tokens.weight"][-1] = value
    save_file(stored, weights, metadata={"format": "pt"})
    odd = ("odd", MODEL, tiny.commit(runner.store, f"odd-{value}", tmp_path / "model"))
    inputs = {"models": [odd], "tokens": [given_trees["tokens"]]}
    refused = runner.run("verify.reload", {"fingerprints": "optional"}, inputs)
    assert isinstance(refused, Failure)
    (entry,) = read_json(runner.store.reader(refused.evidence["verification"].digest), "verification.json")[
        "entries"
    ]
    failed = {check["name"]: check["value"] for check in entry["checks"] if not check["passed"]}
    assert failed["weights are finite numbers"] == "model.embed_tokens.weight"
    quantised = runner.run("compress.quantize", {"groupSize": 16}, {"model": [odd]})
    assert isinstance(quantised, Failure)
    assert "model.embed_tokens.weight has" in str(quantised.message)


@pytest.mark.parametrize(("status", "is_verdict"), [(-11, True), (-9, False), (1, False)])
def test_a_crash_is_a_verdict_and_what_the_machine_does_is_none(
    runner: StageRunner,
    given_trees: dict[str, Named],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    is_verdict: bool,
) -> None:
    monkeypatch.setattr(reloading.subprocess, "run", lambda *_a, **_k: type("Done", (), {"returncode": status}))
    refused = verify(runner, given_trees, "model", "model")
    assert isinstance(refused, Failure)
    assert refused.retryable is not is_verdict
    assert (f"loads in a new process: the process ended with status {status}" in str(refused.message)) is is_verdict


def test_a_crash_is_charged_to_the_model_it_came_at_and_to_no_later_one(
    runner: StageRunner, given_trees: dict[str, Named], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bongsu_stages.verify import probe

    class Crash(BaseException):
        pass

    def outputs_of(directory: Path, *rest: Any, **options: Any) -> Outputs:
        if (directory / "crashes").exists():
            raise Crash
        return read_outputs(directory, *rest, **options)

    def run(command: list[str], **_options: Any) -> Any:
        try:
            probe.main(Path(command[-1]))
        except Crash:
            return type("Done", (), {"returncode": -11})
        return type("Done", (), {"returncode": 0})

    read_outputs = probe.outputs_of
    monkeypatch.setattr(probe, "outputs_of", outputs_of)
    monkeypatch.setattr(reloading.subprocess, "run", run)
    shutil.copytree(runner.store.reader(given_trees["model"][2]).local(), tmp_path / "crashing")
    (tmp_path / "crashing" / "crashes").touch()
    crashing = ("crashing", MODEL, tiny.commit(runner.store, "crashing", tmp_path / "crashing"))
    sound = given_trees["model"]
    inputs = {"models": [crashing, sound, crashing, sound], "baseline": [sound], "tokens": [given_trees["tokens"]]}
    made = runner.made("verify.reload", {"required": False}, inputs)
    entries = read_json(runner.store.reader(made.outputs["verification"].digest), "verification.json")["entries"]
    assert [entry["passed"] for entry in entries] == [False, True, False, True]
    failed = [check["value"] for entry in entries for check in entry["checks"] if not check["passed"]]
    assert failed == ["the process ended with status -11"] * 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOSPC, "full"), True),
        (SafetensorError("Error while serializing: I/O error: File too large (os error 27)"), True),
        (SafetensorError("Error while deserializing header: invalid JSON"), False),
        (ValueError("a scale of the wrong shape"), False),
    ],
)
def test_faults_of_the_machine_are_told_from_those_of_a_model(error: Exception, expected: bool) -> None:
    assert is_of_the_machine(error) is expected


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def stored(experts: int) -> list[str]:
    return [f"model.layers.{layer}.mlp.experts.{n}.up_proj.weight" for layer in (1, 2) for n in range(experts)]


@pytest.mark.parametrize("key", ["n_routed_experts", "num_experts", "num_local_experts"])
def test_experts_are_counted_under_whatever_key_the_family_states_them(key: str) -> None:
    (whole,) = checks.expert_count({key: 4}, stored(4))
    (fewer,) = checks.expert_count({key: 4}, stored(3))
    assert (whole.passed, fewer.passed) == (True, False)
    assert has_experts({key: 4})
    assert not has_experts({key: 0})


def test_experts_that_nobody_counts_are_not_compared() -> None:
    assert not list(checks.expert_count({"model_type": "unknown"}, stored(4)))


@given(NUMBERS, NUMBERS)
def test_a_loss_that_is_no_number_never_passes(before: float, after: float) -> None:
    baseline, found = (Outputs(np.zeros(1, dtype=np.float32), loss, ()) for loss in (before, after))
    passed = checks.not_worse(baseline, found, 0.5).passed
    assert passed == (after - before <= 0.5)
    if np.isnan(before) or np.isnan(after):
        assert not passed
        assert not checks.perplexity_agrees(baseline, found, 0.1).passed


def test_logits_that_are_no_numbers_never_agree() -> None:
    sound, broken = (Outputs(np.array([1.0, 2.0, last], dtype=np.float32), 1.0, ()) for last in (3.0, np.nan))
    for pair in ((sound, broken), (broken, sound), (broken, broken)):
        assert not checks.logits_agree(*pair, tolerance=1.0).passed
    assert checks.logits_agree(sound, sound, tolerance=0.0).passed


def test_figures_that_are_no_numbers_are_texts_in_json_and_leave_the_verdict_as_it_is() -> None:
    broken = Outputs(np.full((1, 2, 3), np.nan, np.float32), float("inf"), (1,))
    sound = Outputs(np.zeros((1, 2, 3), np.float32), 1.0, (1,))
    found = [
        checks.logits_agree(sound, broken, 0.02),
        checks.perplexity_agrees(sound, broken, 0.002),
        checks.not_worse(broken, sound, 0.5),
    ]
    row = {"modelDigest": digest_of(b"a"), "passed": False, "checks": [check.as_dict() for check in found]}
    text = json.dumps({"entries": [row]}, allow_nan=False)
    assert [check["value"] for check in json.loads(text)["entries"][0]["checks"]] == ["nan", "inf", "-inf"]
    assert verdicts_of([Verification.model_validate_json(text)]) == {digest_of(b"a"): False}
