"""Plans: same input, same plan; labels only rise; verdicts say why."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import Grade, Label
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import CacheReason, RunPlan
from bongsu.domain.problems import BongsuError
from bongsu.planner.cache_key import cache_key, cache_parts
from bongsu.planner.facts import CacheFacts, EarlierWork, LostOutputs, ResolvedInput
from bongsu.planner.planning import draft
from bongsu.service.catalogue import InstalledStages

STAGES = InstalledStages()


def plan(*given: Any, **named: Any) -> RunPlan:
    return draft(*given, **named).plan


def spec(stages: list[dict[str, Any]], inputs: dict[str, Any] | None = None, **body: Any) -> PipelineSpec:
    purpose = {"useClass": "administration", "statement": "Draft and search documents"}
    return PipelineSpec.model_validate(
        {
            "apiVersion": "bongsu.dev/v1alpha1",
            "kind": "Pipeline",
            "metadata": {"name": "test", "ministry": "mnd"},
            "spec": {"purpose": purpose, "inputs": inputs or {}, "stages": stages, **body},
        }
    )


def probe(name: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "uses": "probe", "inputs": {"after": list(after)} if after else {}, **more}


def resolved(text: str, label: Label) -> ResolvedInput:
    return ResolvedInput(ArtifactRef(digest=digest_of(text.encode()), type=ArtifactType.FILES, label=label))


def resolved_as(type_: ArtifactType, text: str, config: dict[str, Any] | None = None) -> ResolvedInput:
    return ResolvedInput(ArtifactRef(digest=digest_of(text.encode()), type=type_, label=Label()), config or {})


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
    inputs = {f"i{n}": resolved(str(n), label) for n, label in enumerate(given_labels)}
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
from bongsu.domain.pipeline import PipelineSpec
import test_planning as t
made = t.plan(t.spec([t.probe("a", "inputs.x"), t.probe("b", "a.files")], {"x": {"dataset": "file:x"}}),
    {"x": t.resolved("x", t.Label(grade="S", compartments=frozenset("abcdefgh")))}, t.STAGES)
print(made.hash)
"""


def test_the_hash_is_the_same_in_every_process() -> None:
    found = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", HASH],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": __file__.rpartition("/")[0], "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def chain(text: str = "1") -> PipelineSpec:
    return spec([probe("a", **{"with": {"text": text}}), probe("b", "a.files")])


class Memory:
    """A cache that remembers what a plan made, as the store does."""

    def __init__(self) -> None:
        self.work: dict[Digest, EarlierWork] = {}
        self.last: dict[str, Any] = {}

    def run(self, made: RunPlan) -> None:
        refs: dict[str, ArtifactRef] = {}
        for planned in made.stages:
            digests = {
                port: [refs[s.stage_id].digest for s in sources if s.stage_id]
                for port, sources in planned.inputs.items()
            }
            parts = cache_parts(planned, digests)
            refs[planned.id] = ArtifactRef(
                digest=digest_of(cache_key(parts).encode()), type=ArtifactType.FILES, label=planned.label
            )
            figures = {"value": float(planned.params["metric"])}
            self.work[cache_key(parts)] = EarlierWork({"files": refs[planned.id]}, figures)
            self.last[planned.id] = parts

    @property
    def facts(self) -> CacheFacts:
        return CacheFacts(self.work.get, self.last.get)


def verdicts(made: RunPlan) -> dict[str, tuple[str, str]]:
    return {planned.id: (planned.cache.reason, planned.cache.detail) for planned in made.stages}


def test_a_verdict_says_why() -> None:
    memory = Memory()
    assert verdicts(plan(chain(), {}, STAGES, memory.facts)) == {
        "a": ("first-run", ""),
        "b": ("upstream-runs", "a"),
    }
    memory.run(plan(chain(), {}, STAGES))
    assert {reason for reason, _ in verdicts(plan(chain(), {}, STAGES, memory.facts)).values()} == {"hit"}
    changed = verdicts(plan(chain("2"), {}, STAGES, memory.facts))
    assert changed == {"a": ("params-changed", 'text "1" → "2"'), "b": ("upstream-runs", "a")}
    raised = plan(spec([probe("a", **{"with": {"text": "1"}})], classification="S"), {}, STAGES, memory.facts)
    assert verdicts(raised)["a"][0] == "hit"
    assert raised.stage("a").label.grade is Grade.SENSITIVE
    memory.work.clear()
    assert verdicts(plan(chain(), {}, STAGES, memory.facts))["a"][0] == "output-gone"


def test_an_output_that_cannot_be_taken_says_what_is_wrong_with_it() -> None:
    memory = Memory()
    memory.run(plan(chain(), {}, STAGES))
    lost = LostOutputs(CacheReason.OUTPUT_DAMAGED, "files: a.txt: it is gone")
    facts = CacheFacts(lambda _key: lost, memory.last.get)
    found = verdicts(plan(chain(), {}, STAGES, facts))
    assert found == {"a": ("output-damaged", "files: a.txt: it is gone"), "b": ("upstream-runs", "a")}


def conditional(metric: float, last_after: list[str]) -> PipelineSpec:
    return spec(
        [
            probe("measure", **{"with": {"metric": metric}}),
            probe("good", "measure.files", when="measure.metrics.value < 1"),
            probe("next", "good.files"),
            probe("bad", "measure.files", when="measure.metrics.value >= 1"),
            probe("last", *last_after),
        ]
    )


def test_a_condition_that_cached_figures_settle_is_settled_by_the_plan() -> None:
    memory = Memory()
    both = ["next.files", "bad.files"]
    memory.run(plan(conditional(2.0, ["bad.files"]), {}, STAGES))
    unmeasured = plan(conditional(0.5, both), {}, STAGES, memory.facts)
    assert verdicts(unmeasured) == {
        "measure": ("params-changed", "metric 2.0 → 0.5"),
        "good": ("upstream-runs", "measure"),
        "next": ("upstream-runs", "good"),
        "bad": ("upstream-runs", "measure"),
        "last": ("upstream-runs", "next"),
    }
    measured = plan(conditional(2.0, both), {}, STAGES, memory.facts)
    assert verdicts(measured) == {
        "measure": ("hit", ""),
        "good": ("condition-false", "measure.metrics.value < 1"),
        "next": ("input-skipped", "good"),
        "bad": ("hit", ""),
        "last": ("hit", ""),
    }
    assert measured.hash == plan(conditional(2.0, both), {}, STAGES).hash
    assert not any(planned.cache.runs for planned in measured.stages)


def test_a_condition_on_a_skipped_stage_skips_and_one_that_holds_runs() -> None:
    memory = Memory()
    memory.run(plan(spec([probe("measure", **{"with": {"metric": 2.0}})]), {}, STAGES))
    made = plan(
        spec(
            [
                probe("measure", **{"with": {"metric": 2.0}}),
                probe("skipped", "measure.files", when="measure.metrics.value < 1"),
                probe("asks", when="skipped.metrics.value < 1"),
                probe("handles", when="skipped.state == 'skipped'"),
            ]
        ),
        {},
        STAGES,
        memory.facts,
    )
    assert verdicts(made) == {
        "measure": ("hit", ""),
        "skipped": ("condition-false", "measure.metrics.value < 1"),
        "asks": ("input-skipped", "skipped"),
        "handles": ("first-run", ""),
    }


MODELS = {name: {"model": f"file:{name}"} for name in ("m", "n")}
TEXTS = {name: {"dataset": f"file:{name}"} for name in ("t", "u")}
GIVEN = {
    **{name: resolved_as(ArtifactType.MODEL, name, {"model_type": "AXK1"}) for name in MODELS},
    **{name: resolved_as(ArtifactType.TOKENS, name) for name in TEXTS},
}


def parts_of(stage: dict[str, Any], inputs: dict[str, str] | None = None, **spec_: Any) -> dict[str, Any]:
    """Parts of the key of the one stage, whose inputs are called as ``inputs`` says."""
    called = inputs or {}
    text = re.sub(r"inputs\.(\w+)", lambda found: f"inputs.{called.get(found[1], found[1])}", json.dumps(stage))
    named = {called.get(name, name): one for name, one in (MODELS | TEXTS).items()}
    given = {called.get(name, name): one for name, one in GIVEN.items()}
    made = draft(spec([json.loads(text)], named, **spec_), given, STAGES, secrets=lambda _name: "").plan.stages[0]
    digests = {port: [given[source.name].ref.digest for source in sources] for port, sources in made.inputs.items()}
    return cache_parts(made, digests)


def stage_on(
    uses: str, inputs: dict[str, Any], params: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    return {"name": "s", "uses": uses, "inputs": inputs, "with": params or {}, **more}


PERPLEXITY = {"models": ["inputs.m"], "tokens": ["inputs.t", "inputs.u"]}
CONTINUE = {"model": "inputs.m", "tokens": ["inputs.t"]}
SPEED = {"models": ["inputs.m"]}


def test_names_are_part_of_the_key_where_they_go_into_what_is_made() -> None:
    exchanged = {"t": "u", "u": "t"}
    plain = stage_on("evaluate.perplexity", PERPLEXITY)
    assert parts_of(plain) != parts_of(plain, exchanged), "the figures are called by the names of the texts"
    named = stage_on("evaluate.perplexity", PERPLEXITY, {"names": ["law", "general"]})
    assert parts_of(named) == parts_of(named, exchanged)
    assert parts_of(named) != parts_of(named, {"m": "other"}), "several models would be told apart by theirs"
    training = stage_on("train.continue", CONTINUE, {"steps": 3, "learningRate": 0.1})
    assert parts_of(training) != parts_of(training, {"t": "other"})
    assert parts_of(training) == parts_of(training, {"m": "other"})


def test_what_a_stage_measures_of_the_machine_depends_on_its_resources() -> None:
    plain, wide = (stage_on("evaluate.speed", SPEED, resources={"cpusPerWorker": count}) for count in (1, 2))
    assert parts_of(plain) != parts_of(wide)
    plain, wide = (stage_on("evaluate.perplexity", PERPLEXITY, resources={"cpusPerWorker": n}) for n in (1, 2))
    assert parts_of(plain) == parts_of(wide)


def test_what_says_who_had_it_made_is_made_anew_for_others() -> None:
    shown = {"name": "s", "uses": "container", "with": {"command": ["true"]}}
    plain = parts_of(shown)
    for changes in (
        {"classification": "S"},
        {"purpose": {"useClass": "cyber-defence", "statement": "Draft and search documents"}},
    ):
        assert parts_of(shown, **changes) != plain
    probing = {"name": "s", "uses": "probe"}
    assert parts_of(probing, classification="S") == parts_of(probing)


def test_another_secret_is_other_work() -> None:
    raw = resolved_as(ArtifactType.FILES, "t")
    curate = spec([stage_on("data.curate", {"documents": "inputs.t"})], {"t": TEXTS["t"]})

    def key(fingerprint: str) -> Digest:
        made = draft(curate, {"t": raw}, STAGES, secrets=lambda _name: fingerprint).plan.stages[0]
        return cache_key(cache_parts(made, {}))

    assert key("") != key("a") != key("b")


def test_a_stage_may_say_that_it_always_runs() -> None:
    memory = Memory()
    always = spec([probe("a", cache=False), probe("b", "a.files")])
    memory.run(plan(always, {}, STAGES))
    assert verdicts(plan(always, {}, STAGES, memory.facts)) == {
        "a": ("not-cacheable", ""),
        "b": ("upstream-runs", "a"),
    }


def test_an_output_that_was_made_under_a_higher_label_is_not_taken_for_a_lower_one() -> None:
    memory = Memory()
    memory.run(plan(spec([probe("a")], classification="S"), {}, STAGES))
    assert verdicts(plan(spec([probe("a")]), {}, STAGES, memory.facts))["a"][0] == "label-changed"


def test_verdicts_and_estimates_are_shown_and_not_hashed() -> None:
    memory = Memory()
    memory.run(plan(chain(), {}, STAGES))
    assert plan(chain(), {}, STAGES, memory.facts).hash == plan(chain(), {}, STAGES).hash
    assert plan(chain("2"), {}, STAGES).hash != plan(chain(), {}, STAGES).hash


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
    from bongsu.planner.published import AXK1

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
    from bongsu.planner.published import AXK1

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
    from bongsu.planner.published import AXK1

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
