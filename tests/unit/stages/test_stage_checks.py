"""What stages refuse of how they are used is told before anything runs, with its place."""

from __future__ import annotations

from typing import Any

import pytest
from published_models import AXK1

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import digest_of
from bongsu.domain.problems import BongsuError, Problem
from bongsu.planner.facts import ResolvedInput
from bongsu.planner.planning import Drafted, draft
from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import loads

STAGES = InstalledStages()
HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  inputs:
    base: {model: "file:base"}
    other: {model: "file:other"}
    law: {dataset: "file:law"}
    wiki: {dataset: "file:wiki"}
  stages:
"""
SMALL = {**AXK1, "hidden_size": 96, "q_lora_rank": 64, "kv_lora_rank": 64}
ODD = {**AXK1, "q_lora_rank": 96}
DENSE = {
    "model_type": "llama",
    "hidden_size": 100,
    "intermediate_size": 300,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 300,
}
QUANTIZE = "{name: q, uses: compress.quantize, inputs: {model: inputs.base}"
TRAIN = "{name: a, uses: train.continue, inputs: {model: inputs.base, tokens: [inputs.law, inputs.wiki]}"
PRUNE = "{name: p, uses: compress.expert-prune, inputs: {model: inputs.base, calibration: [inputs.law]}"
PERPLEXITY = (
    "{name: e, uses: evaluate.perplexity, inputs: {models: [inputs.base], tokens: [inputs.law, inputs.wiki]}"
)
REGISTER = "{name: r, uses: registry.register, inputs: {models: [inputs.base], verifications: [v.verification]}"
VERIFY = "{name: v, uses: verify.reload, inputs: {models: [inputs.base], tokens: [inputs.law]}}"
DISTILL = (
    "{name: d, uses: compress.distill, inputs: {student: inputs.base, teacher: inputs.other, tokens: [inputs.law]},"
    " with: {steps: 1}}"
)


def text(*stages: str) -> str:
    return HEAD + "".join(f"    - {stage}\n" for stage in stages)


def refused(*stages: str) -> dict[str, str]:
    """Sentences by field, of a file that is only checked."""
    with pytest.raises(BongsuError) as caught:
        loads(text(*stages), "f.yaml", STAGES)
    assert all(problem.location is not None for problem in caught.value.problems)
    return sentences(caught.value.problems)


def sentences(problems: Any) -> dict[str, str]:
    return {problem.field_path: f"{problem.what()} {problem.fix()}" for problem in problems}


def drafted(config: dict[str, Any], *stages: str, other: dict[str, Any] | None = None) -> Drafted:
    """The file planned with models of these configurations."""

    def found(name: str, type_: ArtifactType, config: dict[str, Any]) -> ResolvedInput:
        return ResolvedInput(ArtifactRef(digest=digest_of(name.encode()), type=type_), config)

    inputs = {
        "base": found("base", ArtifactType.MODEL, config),
        "other": found("other", ArtifactType.MODEL, other or config),
        "law": found("law", ArtifactType.TOKENS, {}),
        "wiki": found("wiki", ArtifactType.TOKENS, {}),
    }
    return draft(loads(text(*stages), "f.yaml", STAGES).spec, inputs, STAGES)


def refused_at_plan(config: dict[str, Any], *stages: str, **more: Any) -> dict[str, str]:
    with pytest.raises(BongsuError) as caught:
        drafted(config, *stages, **more)
    return sentences(caught.value.problems)


def test_gptq_without_calibration_text() -> None:
    told = refused(QUANTIZE + ", with: {method: gptq}}")
    assert "GPTQ needs calibration text" in told["spec.stages[0].with.method"]
    assert loads(text(QUANTIZE + ", with: {method: rounding}}"), "f.yaml", STAGES)
    whole = QUANTIZE.replace("inputs.base", "inputs.base, calibration: [inputs.law]")
    assert loads(text(whole + ", with: {method: gptq}}"), "f.yaml", STAGES)


@pytest.mark.parametrize(
    ("field", "wrong", "right"), [("mixture", "[1]", "[1, 2]"), ("names", "[a, b, c]", "[a, b]")]
)
def test_a_share_and_a_name_for_each_text_to_train_on(field: str, wrong: str, right: str) -> None:
    rest = ", with: {steps: 1, learningRate: 0.1, %s: %s}}"
    count = wrong.count(",") + 1
    assert (
        f"{field} has {count} entries, and tokens gets 2"
        in refused(TRAIN + rest % (field, wrong))[f"spec.stages[0].with.{field}"]
    )
    assert loads(text(TRAIN + rest % (field, right)), "f.yaml", STAGES)


def test_every_stage_and_every_point_is_told_in_one_run_beside_other_mistakes() -> None:
    shares = TRAIN + ", with: {steps: 1, learningRate: 0.1, mixture: [1]}}"
    names = PERPLEXITY + ", with: {names: [law, law]}}"
    points = QUANTIZE + ", matrix: {method: [rounding, gptq]}}"
    told = refused(shares, names, points, "{name: b, uses: nothing}")
    assert set(told) == {
        "spec.stages[0].with.mixture",
        "spec.stages[1].with.names",
        "spec.stages[2].matrix.method[1]",
        "spec.stages[3].uses",
    }


def test_a_gathered_stage_counts_without_points_that_never_run() -> None:
    curate = "{name: c, uses: data.curate, matrix: {of: [law, wiki]}, when: %s, inputs: {documents: inputs.law}}"
    tokens = "{name: t, uses: data.tokenize, inputs: {documents: c.documents, tokenizer: inputs.base}}"
    train = (
        TRAIN.replace("[inputs.law, inputs.wiki]", '"t[*].tokens"') + ", with: {steps: 1, learningRate: 0.1, %s}}"
    )
    stages = (curate % "\"matrix.of == 'law'\"", tokens)
    assert loads(text(*stages, train % "mixture: [1]"), "f.yaml", STAGES)
    assert "tokens gets 1" in refused(*stages, train % "mixture: [1, 2]")["spec.stages[2].with.mixture"]


@pytest.mark.parametrize("name", ["A=B", "", "1A", "A B", "A\\n", "변수"])
def test_a_variable_of_a_command_that_no_environment_can_hold(name: str) -> None:
    command = "{name: c, uses: container, with: {command: [env], variables: {%s: x}}}"
    ((field, told),) = refused(command % f'"{name}"').items()
    assert field.startswith("spec.stages[0].with.variables")
    assert "cannot stand here. Write letters, digits and underscores, not starting with a digit." in told
    assert loads(text(command % "_A1"), "f.yaml", STAGES)


def test_bounds_without_what_they_are_relative_to() -> None:
    measured = REGISTER.replace("verifications:", "evaluations: [e.evaluation], verifications:")
    told = refused(VERIFY, PERPLEXITY + "}", measured + ", with: {name: m, within: {perplexity.law: 1.05}}}")
    assert "baseline is not given" in told["spec.stages[2].with.within"]
    best = REGISTER + ", with: {name: m, select: fastest}}"
    assert "evaluations is not given" in refused(VERIFY, best)["spec.stages[1].with.select"]


def test_bounds_on_figures_that_nothing_measures() -> None:
    measured = PERPLEXITY + ", with: {names: [law, wiki]}}"
    register = REGISTER.replace("verifications:", "baseline: inputs.base, evaluations: [%s], verifications:")
    bounds = register % "e.evaluation" + ", with: {name: m, within: {perplexity.laww: 1.05, perplexity.law: 1.1}}}"
    told = refused(VERIFY, measured, bounds)
    assert list(told) == ["spec.stages[2].with.within['perplexity.laww']"]
    assert "Did you mean perplexity.law? They measure perplexity.law, perplexity.wiki." in next(iter(told.values()))
    fastest = register % "e.evaluation" + ", with: {name: m, select: fastest}}"
    assert "Give the input evaluations one" in refused(VERIFY, measured, fastest)["spec.stages[2].with.select"]
    speed = "{name: s, uses: evaluate.speed, inputs: {models: [inputs.base]}}"
    both = register % "e.evaluation, s.evaluation" + ", with: {name: m, select: fastest}}"
    assert loads(text(VERIFY, measured, speed, both), "f.yaml", STAGES)
    by_title = register % "e.evaluation" + ", with: {name: m, within: {perplexity.anything: 1.05}}}"
    assert loads(text(VERIFY, PERPLEXITY + "}", by_title), "f.yaml", STAGES), "what it measures follows from more"


def test_what_stages_made_for_stages_is_no_text_to_read() -> None:
    told = refused("{name: c, uses: data.curate, inputs: {documents: inputs.base}}")
    assert "takes files, and inputs.base is a model" in told["spec.stages[0].inputs.documents"]


def test_groups_that_fill_no_row_of_the_model_are_refused_with_a_size_that_fills_all() -> None:
    told = refused_at_plan(SMALL | {"v_head_dim": 1, "intermediate_size": 96, "moe_intermediate_size": 96},
                           QUANTIZE + ", with: {groupSize: 128}}")  # fmt: skip
    assert told == {
        "q.with.groupSize": "compress.quantize cannot run like this: groups of 128 fill no row of the model, whose"
        " rows have 64, 96 numbers. Write groupSize: 32, which fills all rows."
    }
    assert "scheme: FP8" in refused_at_plan(DENSE, QUANTIZE + ", with: {groupSize: 64}}")["q.with.groupSize"]
    assert not drafted(DENSE, QUANTIZE + ", with: {scheme: FP8}}").warnings


def test_groups_that_fill_only_some_rows_are_a_warning_and_change_no_hash() -> None:
    made = drafted(ODD, QUANTIZE + ", with: {groupSize: 64}}")
    (warning,) = made.warnings
    assert warning.code.name == "plan.stage-falls-short"
    assert "rows of 96 numbers" in warning.what()
    assert "q_b_proj" in warning.what()
    assert "groupSize: 32" in warning.fix()
    assert not drafted(ODD, QUANTIZE + ", with: {groupSize: 32}}").warnings
    assert not drafted(ODD, QUANTIZE + ", with: {groupSize: 64, ignore: ['q_b_proj']}}").warnings
    assert made.plan.hash == drafted(AXK1, QUANTIZE + ", with: {groupSize: 64}}").plan.hash


def test_a_value_that_a_matrix_sets_is_told_where_it_stands() -> None:
    made = drafted(ODD, QUANTIZE + ", matrix: {groupSize: [32, 64]}}")
    assert [warning.field_path for warning in made.warnings] == ["q.matrix.groupSize[1]"]


def test_int4_without_all_routed_experts_is_refused_for_nobody_could_load_it() -> None:
    reason = "transformers loads a model with int4 weights only if all routed experts are among them"
    told = refused_at_plan(SMALL, QUANTIZE + ", matrix: {groupSize: [32, 64]}}")
    assert "groups of 64 do not fill rows of 96 numbers" in told["q.matrix.groupSize[1]"]
    assert f"{reason}. Write groupSize: 32" in told["q.matrix.groupSize[1]"]
    without = r", with: {ignore: ['\.experts\.'], scheme: %s}}"
    told = refused_at_plan(AXK1, QUANTIZE + without % "W4A16")
    assert f"routed experts stay as they are: {reason}" in told["q.with.ignore"]
    assert not drafted(AXK1, QUANTIZE + without % "FP8").warnings


def test_models_that_compression_cannot_take() -> None:
    fraction = ", with: {keepFraction: 0.5}}"
    assert "no routed experts" in refused_at_plan(DENSE, PRUNE + fraction)["p.inputs.model"]
    assert (
        "cannot be streamed"
        in refused_at_plan(AXK1 | {"model_type": "deepseek_v3"}, PRUNE + fraction)["p.inputs.model"]
    )
    again = QUANTIZE.replace("name: q,", "name: again,").replace("inputs.base", "q.model") + "}"
    assert "quantised already" in refused_at_plan(AXK1, QUANTIZE + "}", again)["again.inputs.model"]
    told = refused_at_plan(AXK1, DISTILL, other=AXK1 | {"vocab_size": 7})
    assert "and the teacher 7" in told["d.inputs.teacher"]
    assert not drafted(AXK1, DISTILL).warnings


def test_pruning_that_leaves_every_expert_is_a_warning() -> None:
    (warning,) = drafted(AXK1, PRUNE + ", with: {keepFraction: 0.999}}").warnings
    assert (warning.code.name, warning.field_path) == ("plan.stage-falls-short", "p.with.keepFraction")
    assert isinstance(warning, Problem)
    assert not drafted(AXK1, PRUNE + ", with: {keepFraction: 0.5}}").warnings


def test_a_router_bias_that_no_adapter_holds_is_not_trained() -> None:
    stage = "{name: f, uses: train.finetune, inputs: {model: inputs.base, examples: inputs.law}, with: %s}"
    with_ = "{steps: 1, learningRate: 0.1, balanceRate: %s, lora: {mergeAtEnd: %s}}"
    told = refused(stage % (with_ % ("0.001", "false")))
    assert list(told) == ["spec.stages[0].with.balanceRate"]
    assert "holds no router bias" in next(iter(told.values()))
    assert next(iter(told.values())).endswith("Write balanceRate: 0, or lora.mergeAtEnd: true.")
    for rate, merges in (("0", "false"), ("0.001", "true")):
        assert loads(text(stage % (with_ % (rate, merges))), "f.yaml", STAGES)


def test_a_draft_warns_of_memory_below_its_own_estimate() -> None:
    asks = TRAIN + ", with: {steps: 1, learningRate: 0.1}, resources: {memory: 1Gi}}"
    (warning,) = drafted(AXK1, asks).warnings
    assert (warning.code.name, warning.field_path) == ("plan.memory-below-estimate", "a.resources.memory")


@pytest.mark.parametrize(
    "shape",
    ["{denseLayers: 9}", "{experts: 30}", "{groupsPerToken: 5}", "{expertsPerToken: 17}"],
)
def test_a_new_model_whose_router_cannot_work_is_refused(shape: str) -> None:
    stage = "{name: n, uses: train.pretrain, inputs: {tokenizer: inputs.base, tokens: [inputs.law]}, with: %s}"
    with_ = "{steps: 1, learningRate: 0.1, shape: %s}"
    (told,) = refused(stage % (with_ % shape)).values()
    assert shape.partition(":")[0].strip("{") in told
    assert loads(text(stage % (with_ % "{experts: 64, expertsPerToken: 8}")), "f.yaml", STAGES)


ASKING = '{name: q, uses: compress.quantize, inputs: {model: inputs.base}, when: "%s"}'
NAMED = PERPLEXITY + ", with: {names: [law, wiki]}}"


def test_conditions_on_figures_that_nothing_measures() -> None:
    asking = ASKING % "e.metrics['perplexity.law'] < 9 and e.metrics['perplexity.lav'] < 9"
    with pytest.raises(BongsuError) as caught:
        loads(text(NAMED, asking), "f.yaml", STAGES)
    (problem,) = caught.value.problems
    assert problem.what() == "e measures no perplexity.lav, so the condition can never be decided."
    assert problem.fix() == "Did you mean perplexity.law? It measures perplexity.law, perplexity.wiki."
    assert problem.location
    line = text(NAMED, asking).splitlines()[problem.location.line - 1]
    assert line[problem.location.column - 1 :].startswith("e.metrics['perplexity.lav']")


@pytest.mark.parametrize(
    ("stage", "condition"),
    [
        (NAMED, "e.metrics['perplexity.law'] < 9 or e.metrics['perplexity.wiki'] < 9"),
        (NAMED, "e.metrics['perplexity.law/base'] < 9"),
        (PERPLEXITY + "}", "e.metrics['perplexity.lav'] < 9"),  # its names follow from its inputs
    ],
)
def test_conditions_on_figures_that_may_be_measured_are_left_alone(stage: str, condition: str) -> None:
    assert loads(text(stage, ASKING % condition), "f.yaml", STAGES)


def test_conditions_on_a_point_of_a_matrix_know_what_it_measures() -> None:
    measured = "{name: e, uses: evaluate.speed, inputs: {models: [inputs.base]}, matrix: {batch: [2, 3]}}"
    told = refused(measured, ASKING % "e[batch=2].metrics.loss < 3")
    assert "e measures no loss" in told["spec.stages[1].when"]
