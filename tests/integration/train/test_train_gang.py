"""Training on several workers: Ray Train, gloo, DDP and FSDP2, on the CPU."""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.events import Checkpointed, Message, Progress, StageEvent
from bongsu_stages.models.fingerprints import FINGERPRINTS, Fingerprints, fingerprints_of
from bongsu_stages.models.loading import load_model
from bongsu_stages.models.mlmodel import ADAPTER
from bongsu_stages.runtime.catalogue import load_stage
from bongsu_stages.runtime.stage import StageError

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
        """train.continue."""
        inputs = {"model": [(ArtifactType.MODEL, self.model)], "tokens": [(ArtifactType.TOKENS, self.tokens)]}
        return self.run_stage("train.continue", inputs, PARAMS | params, key, workers, attempt)

    def run_stage(
        self,
        uses: str,
        inputs: dict[str, Any],
        params: dict[str, Any],
        key: str,
        workers: int = 2,
        attempt: int = 1,
    ) -> Any:
        """Metrics, events and weights of a stage that makes a model."""
        events: list[StageEvent] = []
        ctx = tiny.context(
            self.store,
            self.root / f"{key}-{attempt}",
            uses,
            inputs,
            attempt=attempt,
            workers=workers,
            emit=events.append,
        )
        ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": key})
        definition = load_stage(uses)
        outputs = definition.function(ctx, definition.signature.params.model_validate(params))
        tree = ctx.output("model").directory
        weights = load_model(tree, dtype="stored").state_dict()
        if not (tree / ADAPTER).exists():
            recorded = Fingerprints.model_validate_json((tree / FINGERPRINTS).read_bytes())
            assert recorded.state == fingerprints_of(weights.items())
        return outputs.metrics, events, weights

    @functools.cache  # noqa: B019
    def alone(self) -> Any:
        """One worker, with the batch of two."""
        return self.run("alone", 1, microBatch=8)

    @functools.cache  # noqa: B019 (one gang for all tests: starting a gang takes half a minute)
    def whole(self, parallel: str) -> Any:
        """Two workers, uninterrupted."""
        return self.run(f"whole-{parallel}", 2, parallel=parallel)


@pytest.fixture(scope="module")
def ray_session() -> Iterator[None]:
    import ray

    before = os.environ.get("RAY_AUTH_MODE")
    ray.init(num_cpus=4, include_dashboard=False, logging_level="WARNING", configure_logging=False)
    yield
    ray.shutdown()
    if before is None:
        os.environ.pop("RAY_AUTH_MODE", None)  # Ray sets it in this process, for whatever it starts later


@pytest.fixture(scope="module")
def gang(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Gang:
    return Gang(tmp_path_factory.mktemp("gang"))


def curve(events: list[StageEvent]) -> dict[int, float]:
    return {e.step: e.metrics["loss"] for e in events if isinstance(e, Progress) and "learning_rate" in e.metrics}


@pytest.mark.parametrize("parallel", ["replicate", "shard"])
def test_two_workers_do_what_one_does_with_twice_the_batch(gang: Gang, parallel: str) -> None:
    one, alone, _ = gang.alone()
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


def test_one_clock_says_when_a_gang_writes_a_checkpoint(gang: Gang) -> None:
    _, events, _ = gang.run("clock", 2, checkpointMinutes=1e-6)
    assert [event.step for event in events if isinstance(event, Checkpointed)][:1] == [1]


def test_finished_training_is_not_done_again(gang: Gang) -> None:
    first, _, weights = gang.whole("replicate")
    second, events, again = gang.run("whole-replicate", 2, attempt=2, parallel="replicate")
    assert second == first
    assert not curve(events)
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_error_of_a_worker_comes_out_as_it_was_raised(gang: Gang) -> None:
    with pytest.raises(StageError, match=r"matches no weight"):
        gang.run("wrong", 2, freeze=["nothing.*"])


def test_a_new_model_is_trained_by_workers_that_share_it(gang: Gang) -> None:
    inputs = {"tokenizer": [(ArtifactType.FILES, gang.model)], "tokens": [(ArtifactType.TOKENS, gang.tokens)]}
    params = {**PARAMS, "steps": 12, "shape": tiny.SHAPE.model_dump(by_alias=True), "parallel": "shard"}
    _, events, weights = gang.run_stage("train.pretrain", inputs, params, "new")
    losses = curve(events)
    assert losses[1] == pytest.approx(math.log(tiny.VOCABULARY), rel=0.1)
    assert losses[12] < losses[1] - 0.3
    assert all(weight.isfinite().all() for weight in weights.values() if weight.is_floating_point())


def test_a_teacher_may_be_shared_as_well(gang: Gang) -> None:
    inputs = {
        "student": [(ArtifactType.MODEL, gang.model)],
        "teacher": [(ArtifactType.MODEL, gang.model)],
        "tokens": [(ArtifactType.TOKENS, gang.tokens)],
    }
    params = {**PARAMS, "steps": 2, "parallel": "shard", "learningRate": 1e-6}
    _, events, _ = gang.run_stage("compress.distill", inputs, params, "distil")
    # Who learns from himself has nothing to learn.
    assert curve(events)[1] == pytest.approx(0.0, abs=1e-5)


@pytest.fixture(scope="module")
def examples(gang: Gang) -> str:
    folder = gang.root / "examples"
    folder.mkdir()
    turns = [
        [{"role": "user", "content": f"제{n}조는?"}, {"role": "assistant", "content": f"제{n}조: 국민."}]
        for n in range(1, 40)
    ]
    lines = [json.dumps({"messages": messages}, ensure_ascii=False) for messages in turns]
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n")
    return tiny.commit(gang.store, "examples", folder)


@pytest.mark.parametrize("merge", [True, False], ids=["merged", "apart"])
def test_an_adapter_is_trained_beside_a_shared_base(gang: Gang, examples: str, merge: bool) -> None:
    inputs = {"model": [(ArtifactType.MODEL, gang.model)], "examples": [(ArtifactType.FILES, examples)]}
    params = {"steps": 8, "microBatch": 8, "learningRate": 2e-2, "warmupSteps": 0, "heldOut": 0.2}
    lora = {"mergeAtEnd": merge, "targetModules": ["q_b_proj", "down_proj", "lm_head"]}
    params |= {"sequenceLength": 96, "lora": lora}
    _, whole, expected = gang.run_stage("train.finetune", inputs, params, f"alone-{merge}", workers=1)
    params |= {"microBatch": 4, "parallel": "shard"}
    _, shared, weights = gang.run_stage("train.finetune", inputs, params, f"adapter-{merge}")
    assert curve(shared) == pytest.approx(curve(whole), rel=2e-3)
    assert weights.keys() == expected.keys()
    base = load_model(gang.store.reader(gang.model).local(), dtype="stored").state_dict()
    moved = {name for name in base if not torch.equal(base[name], expected[name])}
    assert "lm_head.weight" in moved
    assert {name for name in base if not torch.equal(base[name], weights[name])} == moved
    for name in moved:
        assert torch.allclose(weights[name].float(), expected[name].float(), atol=0.02), name
