"""compress.distill on a small A.X K1 with one worker, in process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch
import torch.nn.functional as F

from bongsu.domain.events import Progress, StageEvent
from bongsu_stages.compress.distill import distill
from bongsu_stages.compress.distill_params import DistillParams
from bongsu_stages.models.loading import load_model
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.continued import continued
from bongsu_stages.train.params import TokenTrainingParams

PARAMS = {"steps": 8, "microBatch": 4, "learningRate": 5e-3, "warmupSteps": 2, "evaluateSequences": 8}


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def student(bench: Any) -> str:
    inputs = {"model": [bench.model], "calibration": [bench.tokens]}
    made = bench.runner.made("compress.expert-prune", {"keepFraction": 0.5}, inputs)
    return str(made.outputs["model"].digest)


def context(bench: Any, tmp_path: Path, inputs: dict[str, Any], key: str, **more: Any) -> Any:
    given: dict[str, Any] = {port: [(type_, digest)] for port, (_, type_, digest) in inputs.items()}
    ctx = tiny.context(
        bench.runner.store, tmp_path / f"scratch-{key}", "compress.distill", given, title=key, **more
    )
    ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": f"{tmp_path.name}/{key}"})
    return ctx


def run(
    bench: Any, tmp_path: Path, student: str, key: str = "a", attempt: int = 1, stop_at: int = 0, **params: Any
) -> tuple[Any, list[StageEvent]]:
    """The distilled model in fp32 (None if it was stopped) and the events."""
    events: list[StageEvent] = []

    def emit(event: StageEvent) -> None:
        events.append(event)
        if stop_at and isinstance(event, Progress) and event.step == stop_at:
            raise Killed

    inputs = {"student": ("s", bench.model[1], student), "teacher": bench.model, "tokens": bench.tokens}
    ctx = context(bench, tmp_path, inputs, key, attempt=attempt, emit=emit)
    try:
        distill.function(ctx, DistillParams.model_validate(PARAMS | params))
    except Killed:
        return None, events
    return load_model(ctx.output("model").directory), events


def divergence(student: Any, teacher: Any, ids: torch.Tensor) -> float:
    """KL(teacher || student) in nats per token."""
    with torch.inference_mode():
        own, taught = (F.log_softmax(m(input_ids=ids).logits, dim=-1) for m in (student, teacher))
    return float(F.kl_div(own, taught, log_target=True, reduction="sum") / ids.numel())


def curve(events: list[StageEvent]) -> dict[int, float]:
    return {e.step: e.metrics["loss"] for e in events if isinstance(e, Progress) and "learning_rate" in e.metrics}


def test_the_first_loss_is_the_divergence_from_the_teacher(bench: Any, tmp_path: Path, student: str) -> None:
    """Of all rows at once, so that their order does not matter."""
    _, events = run(bench, tmp_path, student, steps=1, microBatch=128)
    own, teacher = (load_model(bench.directory(digest)) for digest in (student, bench.model[2]))
    assert curve(events)[1] == pytest.approx(divergence(own, teacher, all_rows(bench)), rel=0.05)


def all_rows(bench: Any) -> torch.Tensor:
    import numpy as np

    folder = bench.directory(bench.tokens[2])
    parts = [np.load(folder / f"train-0000{part}.npy").astype(np.int64) for part in (0, 1)]
    return torch.from_numpy(np.concatenate(parts))


def test_the_student_comes_closer_to_the_teacher(bench: Any, tmp_path: Path, student: str) -> None:
    healed, _ = run(bench, tmp_path, student, steps=40, learningRate=2e-3)
    before, teacher = (load_model(bench.directory(digest)) for digest in (student, bench.model[2]))
    ids = bench.text(32)
    assert divergence(healed, teacher, ids) < 0.7 * divergence(before, teacher, ids)
    assert healed.config.n_routed_experts == 4


def test_resumed_run_equals_an_uninterrupted_one(bench: Any, tmp_path: Path, student: str) -> None:
    expected, whole = run(bench, tmp_path, student, key="whole")
    stopped, first = run(bench, tmp_path, student, key="broken", stop_at=6, checkpointEvery=4)
    resumed, second = run(bench, tmp_path, student, key="broken", attempt=2, checkpointEvery=4)
    assert stopped is None
    assert min(curve(second)) == 5
    assert curve(first) | curve(second) == curve(whole)
    pairs = zip(expected.state_dict().items(), resumed.state_dict().items(), strict=True)
    assert all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_alpha_zero_is_plain_training(bench: Any, tmp_path: Path, student: str) -> None:
    distilled, _ = run(bench, tmp_path, student, alpha=0.0)
    inputs = {"model": ("s", bench.model[1], student), "tokens": bench.tokens}
    ctx = context(bench, tmp_path, inputs, "plain")
    continued.function(ctx, TokenTrainingParams.model_validate(PARAMS))
    trained = load_model(ctx.output("model").directory).state_dict()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in distilled.state_dict().items())


@pytest.mark.parametrize("change", [{"alpha": 0.5}, {"temperature": 2.0}], ids=["alpha", "temperature"])
def test_alpha_and_temperature_change_the_result(
    bench: Any, tmp_path: Path, student: str, change: dict[str, Any]
) -> None:
    models = [run(bench, tmp_path, student, key=k, **p)[0] for k, p in (("a", dict[str, Any]()), ("b", change))]
    assert not torch.equal(models[0].lm_head.weight, models[1].lm_head.weight)


def test_router_biases_are_balanced(bench: Any, tmp_path: Path, student: str) -> None:
    # An odd number of steps: a bias that goes up and down in turn does not end where it began.
    still, _ = run(bench, tmp_path, student, key="still", steps=7, balanceRate=0.0)
    moved, _ = run(bench, tmp_path, student, key="moved", steps=7, balanceRate=0.01)
    start = load_model(bench.directory(student))
    biases = [
        [layer.mlp.gate.e_score_correction_bias for layer in m.model.layers[1:]] for m in (start, still, moved)
    ]
    assert all(torch.equal(a, b) for a, b in zip(biases[0], biases[1], strict=True))
    assert all(not torch.equal(a, b) for a, b in zip(biases[0], biases[2], strict=True))


@pytest.mark.parametrize("kind", ["tokenizer", "vocabulary"])
def test_a_teacher_of_another_tokenizer_is_refused(bench: Any, tmp_path: Path, student: str, kind: str) -> None:
    folder = tmp_path / "teacher"
    shutil.copytree(bench.directory(bench.model[2]), folder)
    name = "tokenizer.json" if kind == "tokenizer" else "config.json"
    content = json.loads((folder / name).read_text())
    content["vocab_size" if kind == "vocabulary" else "truncation"] = 299 if kind == "vocabulary" else None
    (folder / name).unlink()
    (folder / name).write_text(json.dumps(content))
    teacher = ("t", bench.model[1], tiny.commit(bench.runner.store, f"teacher-{kind}", folder))
    inputs = {"student": ("s", bench.model[1], student), "teacher": teacher, "tokens": bench.tokens}
    with pytest.raises(StageError, match="tokenizer" if kind == "tokenizer" else "299"):
        distill.function(context(bench, tmp_path, inputs, kind), DistillParams.model_validate(PARAMS))
