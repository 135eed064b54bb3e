"""train.pretrain on nano shapes of both architectures, and what decides an optimizer step."""

from __future__ import annotations

from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.events import Message, Progress, StageEvent
from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.loading import load_model
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.pretrain import PretrainParams, pretrain

SHAPE = tiny.SHAPE.model_dump(by_alias=True)
PARAMS = {"steps": 8, "microBatch": 4, "learningRate": 1e-2, "warmupSteps": 2, "evaluateSequences": 8}


class Killed(Exception):
    pass


@pytest.fixture
def run(inputs: Any, tmp_path: Any) -> Any:
    def call(key: str = "a", attempt: int = 1, stop_at: int | None = None, shape: Any = None, **params: Any) -> Any:
        events: list[StageEvent] = []

        def emit(event: StageEvent) -> None:
            events.append(event)
            if stop_at is not None and isinstance(event, Progress) and event.step == stop_at:
                raise Killed

        ctx = tiny.context(
            inputs.store,
            tmp_path / f"{key}-{attempt}",
            "train.pretrain",
            {
                "tokenizer": [(ArtifactType.FILES, inputs.tokenizer)],
                "tokens": [(ArtifactType.TOKENS, digest) for digest in inputs.tokens],
            },
            attempt=attempt,
            emit=emit,
        )
        identity = ctx.spec.id.model_copy(update={"run_id": f"{tmp_path.name}-{key}"})
        ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": f"{tmp_path.name}/{key}", "id": identity})
        wanted = {**PARAMS, "shape": SHAPE | (shape or {}), **params}
        try:
            outputs = pretrain.function(ctx, PretrainParams.model_validate(wanted))
        except Killed:
            return None, events, None
        return outputs.metrics, events, ctx.output("model").directory

    return call


def figures(events: list[StageEvent], name: str = "loss") -> dict[int, float]:
    return {e.step: e.metrics[name] for e in events if isinstance(e, Progress) and "learning_rate" in e.metrics}


def weights(directory: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in load_model(directory, dtype="stored").state_dict().items()}


@pytest.mark.parametrize("architecture", ["axk1", "axk2"])
def test_a_new_model_learns_and_balances_its_routers(run: Any, architecture: str) -> None:
    metrics, events, directory = run(steps=30, shape={"architecture": architecture}, balanceRate=0.01)
    losses = figures(events)
    assert losses[30] < losses[1] - 0.3
    assert metrics["perplexity.tokens-0"] > 1
    assert read_config(directory)["model_type"] == architecture
    biases = [t for name, t in weights(directory).items() if name.endswith("e_score_correction_bias")]
    assert len(biases) == 2
    assert all(bias.dtype == torch.float32 and bias.any() for bias in biases)


@pytest.mark.parametrize("architecture", ["axk1", "axk2"])
def test_an_interrupted_run_has_the_curve_and_the_weights_of_an_uninterrupted_one(
    run: Any, architecture: str
) -> None:
    shape = {"architecture": architecture}
    _, whole, expected = run("whole", shape=shape)
    _, first, _ = run("broken", shape=shape, stop_at=6, checkpointEvery=4)
    _, second, resumed = run("broken", attempt=2, shape=shape, checkpointEvery=4)
    assert any(isinstance(e, Message) and "Resumed after step 4" in e.text for e in second)
    assert figures(first) | figures(second) == figures(whole)
    before, after = weights(expected), weights(resumed)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_follows_the_curve_of_fp32(run: Any, precision: str) -> None:
    _, exact, _ = run("fp32")
    _, mixed, _ = run(precision, precision=precision)
    # fp16 may lose its first steps until the scale of the loss fits.
    assert figures(mixed)[1] == pytest.approx(figures(exact)[1], rel=0.02)
    assert figures(mixed) != figures(exact)
    assert figures(mixed)[8] < figures(mixed)[1]


def test_the_seed_decides_weights_and_order(run: Any) -> None:
    _, first, _ = run("one", seed=1, steps=3)
    _, again, _ = run("again", seed=1, steps=3)
    _, other, _ = run("other", seed=2, steps=3)
    assert figures(first) == figures(again)
    assert figures(first)[1] != figures(other)[1]


def test_clipping_bounds_the_step_and_not_what_is_reported(run: Any) -> None:
    _, free, _ = run("free", clipNorm=0, steps=3)
    _, loose, _ = run("loose", clipNorm=1e6, steps=3)
    _, tight, _ = run("tight", clipNorm=1e-9, steps=3, weightDecay=0)
    assert figures(free) == figures(loose)
    assert figures(tight, "gradient_norm")[1] == figures(free, "gradient_norm")[1] > 0.1
    # A gradient far below AdamW's epsilon moves nothing to speak of.
    assert figures(tight)[3] > figures(free)[3]


def test_a_vocabulary_smaller_than_the_tokenizer_is_refused(run: Any) -> None:
    with pytest.raises(StageError, match="vocabularySize is 100"):
        run(shape={"vocabularySize": 100})
