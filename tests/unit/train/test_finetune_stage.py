"""train.finetune on a tiny A.X K1: what is learned, what stays, merging, resuming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
import torch

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.events import Progress, StageEvent
from bongsu_stages.models.loading import load_model, load_tokenizer
from bongsu_stages.models.placement import Room
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train.finetune import finetune
from bongsu_stages.train.finetune_params import FinetuneParams

PARAMS = {"steps": 8, "microBatch": 4, "learningRate": 2e-2, "warmupSteps": 0, "heldOut": 0.2, "sequenceLength": 96}
EXPERTS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]


class Killed(Exception):
    pass


def examples() -> list[dict[str, Any]]:
    return [
        {
            "messages": [
                {"role": "user", "content": f"제{number}조는?"},
                {"role": "assistant", "content": f"제{number}조: 국민."},
            ]
        }
        for number in range(1, 40)
    ]


@pytest.fixture
def run(inputs: Any, tmp_path: Path) -> Any:
    folder = tmp_path / "examples"
    folder.mkdir()
    lines = [json.dumps(example, ensure_ascii=False) for example in examples()]
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n")
    digest = tiny.commit(inputs.store, f"{tmp_path.name}/examples", folder)

    def call(
        key: str = "a", attempt: int = 1, stop_at: int | None = None, model: str | None = None, **params: Any
    ) -> Any:
        events: list[StageEvent] = []

        def emit(event: StageEvent) -> None:
            events.append(event)
            if stop_at is not None and isinstance(event, Progress) and event.step == stop_at:
                raise Killed

        ctx = tiny.context(
            inputs.store,
            tmp_path / f"{key}-{attempt}",
            "train.finetune",
            {"model": [(ArtifactType.MODEL, model or inputs.model)], "examples": [(ArtifactType.FILES, digest)]},
            attempt=attempt,
            emit=emit,
        )
        identity = ctx.spec.id.model_copy(update={"run_id": f"{tmp_path.name}-{key}"})
        ctx.spec = ctx.spec.model_copy(update={"checkpoint_key": f"{tmp_path.name}/{key}", "id": identity})
        try:
            outputs = finetune.function(ctx, FinetuneParams.model_validate(PARAMS | params))
        except Killed:
            return None, events, None
        return outputs, events, ctx.output("model").directory

    return call


def losses(events: list[StageEvent]) -> dict[int, float]:
    return {e.step: e.metrics["loss"] for e in events if isinstance(e, Progress) and "learning_rate" in e.metrics}


def changed(base: Path, tuned: Path) -> set[str]:
    before = load_model(base, dtype=torch.float32).state_dict()
    after = load_model(tuned, dtype=torch.float32).state_dict()
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_answers_are_learned_and_the_template_comes_along(inputs: Any, run: Any) -> None:
    outputs, events, tree = run(steps=30)
    # The base has random weights and its head is frozen: what can be learned is little, but it is learned.
    assert losses(events)[30] < losses(events)[1] - 0.1
    assert outputs.metrics["heldout_loss.answers"] < losses(events)[1]
    assert outputs.notes["too long"] == "0"
    assert "### 답변" in load_tokenizer(tree).chat_template
    names = changed(inputs.store.reader(inputs.model).local(), tree)
    assert any("q_b_proj" in name for name in names)
    assert not any("experts.gate_up_proj" in name or "lm_head" in name or "mlp.gate." in name for name in names)


def test_fused_experts_can_be_adapted_alone(inputs: Any, run: Any) -> None:
    _, _, tree = run(lora={"targetModules": [], "targetParameters": EXPERTS})
    names = changed(inputs.store.reader(inputs.model).local(), tree)
    assert names == {
        f"model.layers.{layer}.mlp.experts.{part}_proj" for layer in (1, 2) for part in ("gate_up", "down")
    }


def test_unmerged_adapter_computes_the_same_as_the_merged_one(run: Any) -> None:
    _, _, merged = run("merged")
    _, _, apart = run("apart", lora={"mergeAtEnd": False})
    assert (apart / "adapter" / "adapter_model.safetensors").is_file()
    ids = torch.arange(2, 42).reshape(2, 20)
    one, other = (load_model(tree, dtype=torch.float32)(input_ids=ids).logits for tree in (merged, apart))
    with pytest.raises(StageError, match="adapter that is not merged"):
        load_model(apart, room=Room((), 1000, apart.parent))
    base_like = (apart / "adapter").rename(apart / "elsewhere")
    without = load_model(apart, dtype=torch.float32)(input_ids=ids).logits
    # The merged weights were rounded to bf16 once, so a token near a tie may go to another expert: most count.
    assert most_differ_by(one, other) < 0.02
    assert most_differ_by(one, without) > 0.05
    assert base_like.is_dir()


def most_differ_by(one: torch.Tensor, other: torch.Tensor) -> float:
    """What nine tokens of ten stay below, in their largest difference of a logit."""
    return float((one - other).detach().abs().amax(dim=-1).flatten().quantile(0.9))


def test_resumed_finetuning_equals_an_uninterrupted_one(run: Any) -> None:
    more = {"lora": {"dropout": 0.1}, "checkpointEvery": 3}
    _, whole, expected = run("whole", **more)
    run("broken", stop_at=5, **more)
    _, second, resumed = run("broken", attempt=2, **more)
    assert min(losses(second)) == 4
    assert {step: loss for step, loss in losses(whole).items() if step > 3} == losses(second)
    assert (expected / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()


def test_an_adapter_of_a_k2_resumes(inputs: Any, tmp_path: Path, run: Any) -> None:
    tiny.write_tokenizer(tmp_path / "tokenizer")
    tiny.write_model(
        tmp_path / "k2", tmp_path / "tokenizer", tiny.SHAPE.model_copy(update={"architecture": "axk2"})
    )
    k2 = tiny.commit(inputs.store, f"{tmp_path.name}/k2", tmp_path / "k2")
    more = {"checkpointEvery": 3, "model": k2}
    _, whole, _ = run("whole", **more)
    run("broken", stop_at=5, **more)
    _, second, _ = run("broken", attempt=2, **more)
    assert {step: loss for step, loss in losses(whole).items() if step > 3} == losses(second)


def test_module_that_is_not_there_is_told(run: Any) -> None:
    with pytest.raises(StageError, match="does not fit the model"):
        run(lora={"targetModules": ["no_such_proj"]})


def test_wrong_lines_are_all_told(inputs: Any, tmp_path: Path) -> None:
    from bongsu_stages.train.examples import read_examples

    folder = tmp_path / "wrong"
    folder.mkdir()
    good = json.dumps(examples()[0])
    (folder / "a.jsonl").write_text(f'{good}\nnot json\n{{"messages": []}}\n')
    tree = inputs.store.reader(tiny.commit(inputs.store, f"{tmp_path.name}/wrong", folder))
    with pytest.raises(StageError, match=r"2 lines are no conversation.*a\.jsonl:2: .*a\.jsonl:3: messages"):
        read_examples(tree)


def test_equal_examples_fall_on_the_same_side() -> None:
    from bongsu_stages.train.examples import Example, split

    several = [Example.model_validate(example) for example in examples()]
    training, kept_back = split(several * 2, 0.3)
    assert kept_back
    assert not {e.key for e in training} & {e.key for e in kept_back}


def test_dropout_with_fused_experts_is_refused() -> None:
    with pytest.raises(ValueError, match="dropout does not go with"):
        FinetuneParams.model_validate(PARAMS | {"lora": {"dropout": 0.1, "targetParameters": EXPERTS}})
