"""Training on several workers: Ray Train, gloo, DDP and FSDP2, on the CPU."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.events import Checkpointed, Message, Progress, StageEvent
from bongsu_stages.models.loading import load_model
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.continued import continued
from bongsu_stages.train.params import TokenTrainingParams

PARAMS = {"steps": 6, "microBatch": 4, "learningRate": 5e-3, "warmupSteps": 2, "evaluateSequences": 7}


class Gang:
    """Runs train.continue over one set of inputs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = LocalStore(root / "store")
        tiny.write_tokenizer(root / "tokenizer")
        tiny.write_model(root / "model", root / "tokenizer")
        tiny.write_tokens(root / "tokens", root / "tokenizer")
        self.model = tiny.commit(self.store, "model", root / "model")
        self.tokens = tiny.commit(self.store, "tokens", root / "tokens")

    def run(self, key: str, workers: int, attempt: int = 1, **params: Any) -> Any:
        events: list[StageEvent] = []
        ctx = tiny.context(
            self.store,
            self.root / f"{key}-{attempt}",
            "train.continue",
            {"model": [(ArtifactType.MODEL, self.model)], "tokens": [(ArtifactType.TOKENS, self.tokens)]},
            attempt=attempt,
            workers=workers,
            emit=events.append,
        )
        ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": key})
        outputs = continued.function(ctx, TokenTrainingParams.model_validate(PARAMS | params))
        model = load_model(ctx.output("model").directory, dtype="stored")
        return outputs.metrics, events, model.state_dict()

    @functools.cache  # noqa: B019 (one gang for all tests: starting a gang takes half a minute)
    def whole(self, parallel: str) -> Any:
        """Two workers, uninterrupted."""
        return self.run(f"whole-{parallel}", 2, parallel=parallel)


@pytest.fixture(scope="session")
def gang(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Gang:
    return Gang(tmp_path_factory.mktemp("gang"))


def curve(events: list[StageEvent]) -> dict[int, float]:
    return {e.step: e.metrics["loss"] for e in events if isinstance(e, Progress) and "learning_rate" in e.metrics}


@pytest.mark.parametrize("parallel", ["replicate", "shard"])
def test_two_workers_do_what_one_does_with_twice_the_batch(gang: Gang, parallel: str) -> None:
    one, alone, _ = gang.run("alone", 1, microBatch=8)
    two, together, weights = gang.whole(parallel)
    assert curve(together) == pytest.approx(curve(alone), rel=2e-3)
    assert two["perplexity.tokens-0"] == pytest.approx(one["perplexity.tokens-0"], rel=5e-3)
    assert any(t.any() for name, t in weights.items() if name.endswith("e_score_correction_bias"))


@pytest.mark.parametrize("parallel", ["replicate", "shard"])
def test_gang_that_was_stopped_goes_on_to_the_same_weights(gang: Gang, parallel: str) -> None:
    _, whole, expected = gang.whole(parallel)
    folder = Path(gang.store.checkpoint_uri(f"stopped-{parallel}")) / "workers-2"
    _, first, _ = gang.run(f"stopped-{parallel}", 2, parallel=parallel, checkpointEvery=4)
    assert [event.step for event in first if isinstance(event, Checkpointed)] == [4]
    # As if the gang had been killed after step 4: what it made later is gone.
    for name in ("model/complete.json", "checkpoint_manager_snapshot.json"):
        (folder / name).unlink()
    _, second, resumed = gang.run(f"stopped-{parallel}", 2, attempt=2, parallel=parallel, checkpointEvery=4)
    assert any(isinstance(e, Message) and "Resumed after step 4" in e.text for e in second)
    assert {s: loss for s, loss in curve(whole).items() if s > 4} == curve(second)
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


def test_finished_training_is_not_done_again(gang: Gang) -> None:
    first, _, weights = gang.whole("replicate")
    second, events, again = gang.run("whole-replicate", 2, attempt=2, parallel="replicate")
    assert second == first
    assert not curve(events)
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_error_of_a_worker_comes_out_as_it_was_raised(gang: Gang) -> None:
    with pytest.raises(StageError, match=r"matches no weight"):
        gang.run("wrong", 2, freeze=["nothing.*"])
