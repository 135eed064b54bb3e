"""Plans: same input, same plan; labels only rise; what cannot be carried out is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import drafted_plans
import pytest
from drafted_plans import input_of, plan, probe, spec
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import Grade, Label
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.planner.accelerators import ACCELERATORS, FAMILIES, KNOWN, accelerator_of
from bongsu.planner.cache_key import cache_key, cache_parts
from bongsu.planner.facts import ResolvedInput
from bongsu.service.catalogue import InstalledStages

STAGES = InstalledStages()


labels = st.builds(
    Label,
    grade=st.sampled_from(list(Grade)),
    compartments=st.frozensets(st.sampled_from(["logistics", "signals", "medical"]), max_size=2),
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_output_is_labelled_below_any_of_its_inputs_or_the_floor(data: st.DataObject) -> None:
    given_labels = data.draw(st.lists(labels, min_size=1, max_size=4))
    floor = data.draw(labels)
    inputs = {f"i{n}": input_of(str(n), ArtifactType.FILES, label=label) for n, label in enumerate(given_labels)}
    stages = []
    for number in range(data.draw(st.integers(1, 12))):
        sources = [f"inputs.{name}" for name in inputs] + [f"s{n}.files" for n in range(number)]
        after = data.draw(st.lists(st.sampled_from(sources), max_size=4, unique=True))
        stages.append(probe(f"s{number}", *after))
    made = plan(
        spec(
            stages,
            {name: {"dataset": f"file:{name}"} for name in inputs},
            classification=floor.model_dump(mode="json", by_alias=True),
        ),
        inputs,
        STAGES,
    )
    known = {planned.id: planned.label for planned in made.stages}
    for planned in made.stages:
        assert planned.label.dominates(floor)
        for source in planned.inputs.get("after", ()):
            upstream = known[source.stage_id] if source.stage_id else inputs[source.name].ref.label
            assert planned.label.dominates(upstream)
    assert all(made.label.dominates(label) for label in known.values())


HASH = """
import drafted_plans as t
from bongsu.domain.artifact import ArtifactType
from bongsu.service.catalogue import InstalledStages
made = t.plan(t.spec([t.probe("a", "inputs.x"), t.probe("b", "a.files")], {"x": {"dataset": "file:x"}}),
    {"x": t.input_of("x", ArtifactType.FILES, label=t.Label(grade="S", compartments=frozenset("abcdefgh")))},
    InstalledStages())
print(made.hash)
"""


def test_the_hash_is_the_same_in_every_process() -> None:
    found = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", HASH],
            env={
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(Path(drafted_plans.__file__).parent),
                "PATH": "/usr/bin:/bin",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_a_registration_of_what_no_verification_examined_is_refused() -> None:
    stages = [
        {"name": "verify", "uses": "verify.reload", "inputs": {"models": "inputs.other", "tokens": "inputs.text"}},
        {
            "name": "register",
            "uses": "registry.register",
            "inputs": {"models": "inputs.base", "verifications": "verify.verification"},
            "with": {"name": "m"},
        },
    ]
    uris = {"base": {"model": "file:m"}, "other": {"model": "file:o"}, "text": {"dataset": "file:t"}}
    inputs = {
        name: ResolvedInput(
            ArtifactRef(
                digest=digest_of(name.encode()), type=ArtifactType.MODEL if name != "text" else ArtifactType.TOKENS
            )
        )
        for name in uris
    }
    with pytest.raises(BongsuError) as error:
        plan(spec(stages, uris), inputs, STAGES)
    assert [problem.code.name for problem in error.value.problems] == ["policy.unverified-registration"]
    stages[1]["inputs"]["models"] = "inputs.other"
    (need,) = plan(spec(stages, uris), inputs, STAGES).approvals
    assert (need.subject, need.approvers) == ("m@candidate", 2)
    stages[1]["with"]["alias"] = None
    assert plan(spec(stages, uris), inputs, STAGES).approvals == ()
    stages[1]["with"]["alias"] = "champion"
    assert [need.subject for need in plan(spec(stages, uris), inputs, STAGES).approvals] == ["m@champion"]


def test_gpus_that_do_not_hold_a_stage_are_said_before_it_starts() -> None:
    from published_models import AXK1

    stages = [
        {
            "name": "adapt",
            "uses": "train.continue",
            "inputs": {"model": "inputs.base", "tokens": ["inputs.text"]},
            "with": {"steps": 10, "learningRate": 1e-4, "sequenceLength": 4096},
            "resources": {"workers": 8, "gpusPerWorker": 1, "accelerator": "H100-80GB"},
        }
    ]
    model = ResolvedInput(ArtifactRef(digest=digest_of(b"m"), type=ArtifactType.MODEL), AXK1)
    text = ResolvedInput(ArtifactRef(digest=digest_of(b"t"), type=ArtifactType.TOKENS))
    with pytest.raises(BongsuError) as error:
        plan(
            spec(stages, {"base": {"model": "file:m"}, "text": {"dataset": "file:t"}}, grant="nap"),
            {"base": model, "text": text},
            STAGES,
        )
    assert error.value.problems[0].code.name == "plan.does-not-fit"


def test_a_spec_that_came_from_no_file_is_screened_too() -> None:
    named = spec([probe("a", matrix={"word": ["target"]}, **{"with": {"text": "${matrix.word} selection"}})])
    with pytest.raises(BongsuError) as caught:
        plan(named, {}, STAGES)
    (problem,) = caught.value.problems
    assert (problem.code.name, problem.field_path) == ("policy.forbidden-use", "a.with.text")


def distillation(**resources: Any) -> RunPlan:
    from published_models import AXK1

    stage = {
        "name": "distill",
        "uses": "compress.distill",
        "inputs": {"student": "inputs.half", "teacher": "inputs.whole", "tokens": ["inputs.text"]},
        "with": {"steps": 10, "learningRate": 1e-4},
        "resources": resources,
    }
    found = {
        "half": ResolvedInput(
            ArtifactRef(digest=digest_of(b"h"), type=ArtifactType.MODEL), AXK1 | {"n_routed_experts": 96}
        ),
        "whole": ResolvedInput(ArtifactRef(digest=digest_of(b"w"), type=ArtifactType.MODEL), AXK1),
        "text": ResolvedInput(ArtifactRef(digest=digest_of(b"t"), type=ArtifactType.TOKENS)),
    }
    uris = {"half": {"model": "file:h"}, "whole": {"model": "file:w"}, "text": {"dataset": "file:t"}}
    return plan(spec([stage], uris, grant="nap"), found, STAGES)


@pytest.mark.parametrize(("gpus", "bytes_a_weight"), [(0, 4), (1, 2)])
def test_a_distillation_holds_its_teacher_in_what_it_computes_in_and_not_its_student_twice(
    gpus: int, bytes_a_weight: int
) -> None:
    memory = distillation(gpusPerWorker=gpus).stage("distill").memory
    assert memory is not None
    assert 1.8 < memory.teacher / bytes_a_weight / (memory.gradients / 4) < 2.1


def test_an_unknown_accelerator_of_a_model_stage_is_told_with_its_place() -> None:
    with pytest.raises(BongsuError) as caught:
        distillation(gpusPerWorker=1, accelerator="H100x")
    (problem,) = caught.value.problems
    assert (problem.code.name, problem.field_path) == ("plan.unknown-accelerator", "distill.resources.accelerator")
    assert all(name in problem.fix() for name in KNOWN), "families and products"


@pytest.mark.parametrize("name", KNOWN)
def test_a_family_is_planned_as_the_least_of_its_products(name: str) -> None:
    products = [ACCELERATORS[one] for one in FAMILIES.get(name, (name,))]
    least = accelerator_of(name)
    assert least is not None
    assert least.memory == min(one.memory for one in products)
    assert least.flops == min(one.flops for one in products)
    with pytest.raises(BongsuError) as caught:
        distillation(gpusPerWorker=1, accelerator=name)
    assert {one.code.name for one in caught.value.problems} == {"plan.does-not-fit"}, "known, and too small"


def test_a_registration_is_known_by_the_type_of_its_output() -> None:
    from dataclasses import replace

    from bongsu.domain.ports import Registration

    other = replace(STAGES["probe"], outputs={"entry": Registration()})
    made = plan(spec([probe("a")]), {}, {"probe": other})
    assert [need.kind for need in made.approvals] == ["promotion"]


def test_a_requirements_file_counts_by_its_content_and_not_by_its_path() -> None:
    def planned(path: str, content: bytes) -> Any:
        stages = spec([probe("a", environment={"requirements": path})])
        made = plan(stages, {}, STAGES, requirements={path: digest_of(content)})
        return cache_key(cache_parts(made.stage("a"), {}))

    assert planned("r.txt", b"one") == planned("/elsewhere/r.txt", b"one")
    assert planned("r.txt", b"one") != planned("r.txt", b"two")


def test_how_often_a_training_is_saved_is_no_part_of_what_it_is_known_by() -> None:
    def key(**more: Any) -> Digest:
        inputs = {"model": "inputs.base", "tokens": ["inputs.text"]}
        training = {"name": "a", "uses": "train.continue", "inputs": inputs}
        training["with"] = {"steps": 10, "learningRate": 1e-4} | more
        found = {
            "base": ResolvedInput(ArtifactRef(digest=digest_of(b"m"), type=ArtifactType.MODEL)),
            "text": ResolvedInput(ArtifactRef(digest=digest_of(b"t"), type=ArtifactType.TOKENS)),
        }
        uris = {"base": {"model": "file:m"}, "text": {"dataset": "file:t"}}
        verdict = plan(spec([training], uris), found, STAGES).stage("a").cache
        assert verdict.key
        return verdict.key

    assert key() == key(checkpointEvery=5) == key(checkpointMinutes=1.0)
    assert len({key(), key(evaluateEvery=5), key(evaluateSequences=8), key(names=["law"]), key(steps=11)}) == 5


def test_pretraining_is_estimated_by_the_model_that_it_makes_and_not_by_that_of_its_tokenizer() -> None:
    from published_models import AXK1

    def estimated(tokenizer: str) -> Any:
        pretrain = {
            "name": "new",
            "uses": "train.pretrain",
            "inputs": {"tokenizer": tokenizer, "tokens": ["inputs.text"]},
            "with": {"steps": 1, "learningRate": 0.1},
        }
        learn = {
            "name": "learn",
            "uses": "data.train-tokenizer",
            "inputs": {"documents": ["inputs.docs"]},
            "with": {"vocabSize": 2048},
        }
        measure = {
            "name": "measure",
            "uses": "evaluate.perplexity",
            "inputs": {"models": ["new.model"], "tokens": ["inputs.text"]},
        }
        kinds = {"base": ArtifactType.MODEL, "text": ArtifactType.TOKENS, "docs": ArtifactType.DOCUMENTS}
        found = {
            name: ResolvedInput(
                ArtifactRef(digest=digest_of(name.encode()), type=kind), AXK1 if name == "base" else {}
            )
            for name, kind in kinds.items()
        }
        uris = {name: {"model" if name == "base" else "dataset": f"file:{name}"} for name in kinds}
        return plan(spec([learn, pretrain, measure], uris), found, STAGES)

    learned, published = estimated("learn.tokenizer"), estimated("inputs.base")
    weights = learned.stage("new").memory.weights
    assert weights < 20_000_000
    # The same small model, with rows of its two embeddings for each token of the published one.
    rows = AXK1["vocab_size"] - 2048
    assert published.stage("new").memory.weights == weights + 2 * 96 * rows * 4
    assert learned.stage("measure").memory.weights == weights
