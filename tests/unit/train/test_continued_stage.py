"""train.continue on a tiny A.X K1 with one worker, in process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.events import Checkpointed, Progress, StageEvent
from bongsu_stages.models.loading import load_model
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train import worker
from bongsu_stages.train.continued import continued
from bongsu_stages.train.folder import CheckpointFolder
from bongsu_stages.train.params import TokenTrainingParams

PARAMS = {"steps": 12, "microBatch": 4, "learningRate": 5e-3, "warmupSteps": 2, "evaluateSequences": 8}


class Killed(Exception):
    pass


def run(
    inputs: Any, tmp_path: Any, attempt: int = 1, stop_at: int | None = None, key: str = "a", **params: Any
) -> Any:
    """Run the stage; returns its figures, its events and the weights. ``stop_at`` breaks it at that step."""
    events: list[StageEvent] = []

    def emit(event: StageEvent) -> None:
        events.append(event)
        if stop_at is not None and isinstance(event, Progress) and event.step == stop_at:
            raise Killed

    tokens = [(ArtifactType.TOKENS, digest) for digest in inputs.tokens]
    ctx = tiny.context(
        inputs.store,
        tmp_path / f"scratch-{attempt}",
        "train.continue",
        {"model": [(ArtifactType.MODEL, inputs.model)], "tokens": tokens},
        attempt=attempt,
        emit=emit,
        title=key,
    )
    ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": f"{tmp_path.name}/{key}"})
    try:
        outputs = continued.function(ctx, TokenTrainingParams.model_validate(PARAMS | params))
    except Killed:
        return None, events, None
    model = load_model(ctx.output("model").directory, dtype="stored")
    return outputs.metrics, events, {name: tensor.clone() for name, tensor in model.state_dict().items()}


def curve(events: list[StageEvent]) -> dict[int, float]:
    return {e.step: e.metrics["loss"] for e in events if isinstance(e, Progress) and "learning_rate" in e.metrics}


def test_loss_falls_and_is_reported(inputs: Any, tmp_path: Any) -> None:
    metrics, events, _ = run(inputs, tmp_path, steps=40, names=["law", "general"])
    losses = curve(events)
    assert list(losses) == list(range(1, 41))
    assert losses[40] < losses[1] - 0.5
    assert metrics["perplexity.law"] < 300
    assert metrics["tokens_per_second"] > 0


def test_resumed_run_equals_an_uninterrupted_one(inputs: Any, tmp_path: Any) -> None:
    _, whole, expected = run(inputs, tmp_path, key="whole")
    _, first, _ = run(inputs, tmp_path, key="broken", stop_at=7, checkpointEvery=5)
    _, second, resumed = run(inputs, tmp_path, key="broken", attempt=2, checkpointEvery=5)
    assert [event.step for event in first if isinstance(event, Checkpointed)] == [5]
    assert min(curve(second)) == 6
    assert curve(first) | curve(second) == curve(whole)
    assert expected.keys() == resumed.keys()
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(inputs: Any, tmp_path: Any) -> None:
    _, whole, expected = run(inputs, tmp_path, key="whole")
    _, first, _ = run(inputs, tmp_path, key="broken", stop_at=11, checkpointEvery=4)
    assert [event.step for event in first if isinstance(event, Checkpointed)] == [4, 8]
    folder = CheckpointFolder(inputs.store.checkpoint_uri(f"{tmp_path.name}/broken"))
    (newest,) = (one for one in folder.whole() if one.facts.step == 8)
    damaged = max(Path(newest.path).rglob("*.distcp"), key=lambda path: path.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    _, second, resumed = run(inputs, tmp_path, key="broken", attempt=2, checkpointEvery=4)
    assert min(curve(second)) == 5
    assert curve(second).items() <= curve(whole).items()
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


def test_a_training_goes_on_when_it_is_saved_more_often_than_before(inputs: Any, tmp_path: Any) -> None:
    _, whole, _ = run(inputs, tmp_path, key="whole")
    run(inputs, tmp_path, key="broken", stop_at=7, checkpointEvery=5)
    _, second, _ = run(inputs, tmp_path, key="broken", attempt=2, checkpointEvery=2, checkpointMinutes=1.0)
    assert min(curve(second)) == 6
    assert curve(second).items() <= curve(whole).items()
    assert [event.step for event in second if isinstance(event, Checkpointed)][:2] == [6, 8]


def test_evaluations_between_steps_change_nothing_that_is_learned(inputs: Any, tmp_path: Any) -> None:
    _, _, expected = run(inputs, tmp_path, key="at-the-end", balanceRate=0.01)
    _, events, weights = run(
        inputs, tmp_path, key="between", balanceRate=0.01, evaluateEvery=5, names=["law", "all"]
    )
    told = {event.step for event in events if isinstance(event, Progress) and "perplexity.law" in event.metrics}
    assert told == {5, 10, 12}
    assert all(torch.equal(expected[name], weights[name]) for name in expected)


def test_what_the_backward_pass_computes_again_is_not_counted_again(inputs: Any, tmp_path: Any) -> None:
    params = {"balanceRate": 0.01, "gradientAccumulation": 2, "microBatch": 2}
    _, once, expected = run(inputs, tmp_path, key="kept", **params)
    _, again, weights = run(inputs, tmp_path, key="recomputed", recomputeActivations=True, **params)
    busiest = [
        [e.metrics["busiest_expert"] for e in events if isinstance(e, Progress) and "busiest_expert" in e.metrics]
        for events in (once, again)
    ]
    assert busiest[0] == busiest[1]
    assert all(torch.equal(expected[name], weights[name]) for name in expected)


def test_checkpoints_go_by_the_clock_where_no_step_is_said(inputs: Any, tmp_path: Any) -> None:
    _, events, _ = run(inputs, tmp_path, steps=4, checkpointMinutes=1e-6)
    assert [event.step for event in events if isinstance(event, Checkpointed)][:1] == [1]


def test_a_checkpoint_is_made_in_the_scratch_of_the_attempt(
    inputs: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, places = worker.save_state, list[Path]()

    def noted(directory: Path, *state: Any) -> None:
        places.append(directory)
        save(directory, *state)

    monkeypatch.setattr(worker, "save_state", noted)
    run(inputs, tmp_path, checkpointEvery=5)
    assert [place.parent for place in places] == [tmp_path / "scratch-1"] * 2
    assert not any((tmp_path / "scratch-1").iterdir())


def test_router_bias_is_moved_and_survives_saving(inputs: Any, tmp_path: Any) -> None:
    _, _, weights = run(inputs, tmp_path, balanceRate=0.01)
    biases = [tensor for name, tensor in weights.items() if name.endswith("e_score_correction_bias")]
    assert biases
    assert all(bias.dtype == torch.float32 and bias.abs().sum() > 0 for bias in biases)


def test_balance_rate_zero_leaves_the_bias(inputs: Any, tmp_path: Any) -> None:
    _, _, weights = run(inputs, tmp_path, balanceRate=0.0)
    assert all(not t.any() for name, t in weights.items() if name.endswith("e_score_correction_bias"))


def test_accumulated_batches_give_the_gradient_of_one_large_batch(inputs: Any, tmp_path: Any) -> None:
    _, whole, _ = run(inputs, tmp_path, key="whole", microBatch=8)
    _, parts, _ = run(inputs, tmp_path, key="parts", microBatch=2, gradientAccumulation=4)
    assert curve(parts) == pytest.approx(curve(whole), rel=1e-4)


def test_frozen_weights_stay(inputs: Any, tmp_path: Any) -> None:
    _, _, weights = run(inputs, tmp_path, freeze=["*.mlp.gate.weight", "*embed_tokens*"])
    before = load_model(inputs.store.reader(inputs.model), dtype="stored").state_dict()
    frozen = {name for name in weights if name.endswith("mlp.gate.weight") or "embed_tokens" in name}
    assert frozen
    assert all(torch.equal(weights[name], before[name]) for name in frozen)
    assert not torch.equal(weights["lm_head.weight"], before["lm_head.weight"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"mixture": [1.0]}, "mixture has 1 entries for 2"),
        ({"names": ["a", "b", "c"]}, "names has 3 entries"),
        ({"freeze": ["nothing.*"]}, "matches no weight"),
        ({"freeze": ["*"]}, "Every weight is frozen"),
    ],
)
def test_impossible_parameters_are_told(inputs: Any, tmp_path: Any, params: Any, message: str) -> None:
    with pytest.raises(StageError, match=message):
        run(inputs, tmp_path, **params)
