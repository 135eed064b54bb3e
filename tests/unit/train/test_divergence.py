"""A run whose loss or gradient is no number any more stops at once, and leaves nothing of it behind."""

from __future__ import annotations

import math
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.events import Checkpointed, Progress, StageEvent
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.continued import continued
from bongsu_stages.train.divergence import MOST_OVERFLOWS, DivergenceGuard, check_model, check_weights
from bongsu_stages.train.folder import STATE, CheckpointFolder
from bongsu_stages.train.objective import CrossEntropy
from bongsu_stages.train.params import TokenTrainingParams

BROKEN_AT = 7
PARAMS = {"microBatch": 4, "learningRate": 1e-3, "evaluateSequences": 0, "checkpointEvery": 3}


class Breaking(CrossEntropy):
    """Gives a loss, or a gradient, that is no number at step BROKEN_AT."""

    def __init__(self, loss: bool) -> None:
        self._loss = loss
        self._calls = 0

    def summed(self, logits: torch.Tensor, batch: Any) -> torch.Tensor:
        total = super().summed(logits, batch)
        self._calls += 1
        if self._calls != BROKEN_AT:
            return total
        if self._loss:
            return total * math.nan
        # The value is that of the loss; the gradient of a square root at 0 is infinite.
        return total + (total - total.detach()).sqrt()


@pytest.fixture(params=["loss", "gradient"])
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    from bongsu_stages.train.packed import PackedRecipe

    monkeypatch.setattr(PackedRecipe, "objective", lambda *_args: Breaking(request.param == "loss"))
    return request.param


# More than POINTS steps: events come every other step, and the broken step is one that reports nothing.
@pytest.mark.parametrize("steps", [12, 1200])
def test_a_run_stops_at_the_first_broken_step_and_saves_none_of_it(
    inputs: Any, tmp_path: Any, broken: str, steps: int
) -> None:
    events: list[StageEvent] = []
    ctx = tiny.context(
        inputs.store,
        tmp_path / "scratch",
        "train.continue",
        {
            "model": [(ArtifactType.MODEL, inputs.model)],
            "tokens": [(ArtifactType.TOKENS, digest) for digest in inputs.tokens],
        },
        emit=events.append,
    )
    ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": f"{tmp_path.name}/a"})
    with pytest.raises(StageError, match=f"{broken}.* at step {BROKEN_AT}") as caught:
        continued.function(ctx, TokenTrainingParams.model_validate({**PARAMS, "steps": steps}))
    assert "learningRate" in str(caught.value.fix)
    assert not caught.value.retryable
    assert [event.step for event in events if isinstance(event, Checkpointed)] == [3, 6]
    assert max(event.step for event in events if isinstance(event, Progress)) == BROKEN_AT - 1
    folder = CheckpointFolder(ctx.checkpoint_uri)
    steps_saved = {checkpoint.facts.step for checkpoint in folder.whole() if checkpoint.facts.kind == STATE}
    assert steps_saved == {3, 6}


def test_an_overflow_of_fp16_is_passed_over_until_there_are_too_many() -> None:
    guard = DivergenceGuard(scaled=True)
    for step in range(MOST_OVERFLOWS):
        guard.check(step + 1, 2.0, math.inf)
    guard.check(100, 2.0, 1.0)
    for step in range(MOST_OVERFLOWS):
        guard.check(step + 101, 2.0, math.nan)
    with pytest.raises(StageError, match="norm of the gradient is inf at step 200"):
        guard.check(200, 2.0, math.inf)


def test_a_start_that_is_broken_is_named() -> None:
    with pytest.raises(StageError, match="loss is nan at step 1") as caught:
        DivergenceGuard(scaled=True).check(1, math.nan, 1.0)
    assert "starts from" in str(caught.value.fix)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_numbers_are_not_saved(value: float) -> None:
    weights = [torch.ones(3, 4), torch.ones(5)]
    check_weights(weights, 3)
    weights[1][2] = value
    with pytest.raises(StageError, match="after step 3"):
        check_weights(weights, 3)


@pytest.mark.parametrize("place", ["weight", "frozen", "buffer"])
def test_a_model_that_is_broken_before_training_is_not_trained(place: str) -> None:
    model = torch.nn.Linear(3, 2)
    model.register_buffer("buffer", torch.ones(4))
    model.register_parameter("frozen", torch.nn.Parameter(torch.ones(2), requires_grad=False))
    model.register_buffer("counts", torch.arange(3))
    check_model(model, 0)
    with torch.no_grad():
        getattr(model, place).view(-1)[1] = math.nan
    with pytest.raises(StageError, match="starts from") as caught:
        check_model(model, 0)
    assert "base model" in str(caught.value.fix)
