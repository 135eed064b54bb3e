"""What comes from the cache and what does not, and why: verdicts of plans, and parts of the key."""

from __future__ import annotations

import json
import re
from typing import Any

from drafted_plans import input_of, plan, probe, spec

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import Grade
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import CacheReason, RunPlan
from bongsu.planner.cache_key import cache_key, cache_parts
from bongsu.planner.facts import CacheFacts, EarlierWork, LostOutputs
from bongsu.planner.planning import draft
from bongsu.service.catalogue import InstalledStages

STAGES = InstalledStages()


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
    **{name: input_of(name, ArtifactType.MODEL, {"model_type": "AXK1"}) for name in MODELS},
    **{name: input_of(name, ArtifactType.TOKENS) for name in TEXTS},
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
    raw = input_of("t", ArtifactType.FILES)
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
