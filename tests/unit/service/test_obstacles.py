"""What the executor can never give is told by the plan, refused by the run, and leaves no run behind."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from reconciler_world import registering_stage, registration_inputs
from service_places import CAPACITY, Place, drive
from small_plans import plan_of

from bongsu.artifacts.local import LocalStore
from bongsu.domain.capacity import Capacity, shortfalls
from bongsu.domain.problems import BongsuError
from bongsu.domain.resources import Resources
from bongsu.service.models import list_models
from bongsu.service.obstacles import names_of_others
from bongsu.service.planning import Prepared, prepare
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit

HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  grant: nap
  stages:
"""
IMAGE = "registry/name@sha256:" + "0" * 64


def prepared(place: Place, *stages: str) -> Prepared:
    file = place.folder / "pipeline.yaml"
    file.write_text(HEAD + "".join(f"    - {{uses: probe, {stage}}}\n" for stage in stages))
    return prepare(place.platform, file)


def told(place: Place, *stages: str) -> dict[str, str]:
    found = prepared(place, *stages)
    assert all(problem.location is not None for problem in found.obstacles)
    return {problem.field_path: f"{problem.what()} {problem.fix()}" for problem in found.obstacles}


def test_everything_that_is_not_there_is_told_at_once_with_what_to_ask_for(place: Place) -> None:
    found = told(
        place,
        "name: cores, resources: {cpusPerWorker: 64}",
        "name: memory, resources: {memory: 3Ti}",
        "name: gpus, resources: {gpusPerWorker: 1}",
        f'name: image, environment: {{image: "{IMAGE}"}}',
        "name: fits, resources: {cpusPerWorker: 4, memory: 15G}",
    )
    assert list(found) == [
        "spec.stages[0].resources.cpusPerWorker",
        "spec.stages[1].resources.memory",
        "spec.stages[2].resources.gpusPerWorker",
        "spec.stages[3].environment.image",
    ]
    assert (
        "CPU cores needed at once: 64, there are: 4. Ask for no more cores than 4"
        in found["spec.stages[0].resources.cpusPerWorker"]
    )
    assert "Take gpusPerWorker away; or set BONGSU_RAY_ADDRESS" in found["spec.stages[2].resources.gpusPerWorker"]


MISTAKES = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  inputs:
    gone: {dataset: "file:gone"}
    odd: {dataset: 7}
    old: {model: "models:/nobody@champion"}
  stages:
    - {name: typo, uses: probe, with: {txet: "1"}, inputs: {after: [inputs.gone, inputs.odd, inputs.old]}}
    - {name: cores, uses: probe, resources: {cpusPerWorker: 64}}
    - {name: perhaps, uses: probe, resources: {cpusPerWorker: 64}, when: "cores.state == 'succeeded'"}
    - {name: broken, uses: probe, resources: {cpusPerWorker: 64, memory: much}}
    - {name: other, uses: probe, environment: {interpreter: /nowhere/python}}
    - {name: own, uses: probe, environment: {requirements: nowhere.txt}}
"""


def test_inputs_and_resources_are_told_together_with_faults_of_the_file(place: Place) -> None:
    place.cluster.capacity = replace(CAPACITY, is_here=True)
    file = place.folder / "pipeline.yaml"
    file.write_text(MISTAKES)
    with pytest.raises(BongsuError) as caught:
        prepare(place.platform, file)
    assert all(problem.location is not None for problem in caught.value.problems)
    assert [
        (problem.location.line, problem.code.name) for problem in caught.value.problems if problem.location
    ] == [
        (7, "run.input-missing"),
        (8, "spec.unquoted-text"),
        (9, "run.input-missing"),
        (11, "spec.unknown-key"),
        (12, "plan.beyond-executor"),
        (14, "spec.wrong-unit"),
        (15, "plan.interpreter-missing"),
        (16, "plan.requirements-unreadable"),
    ]


INPUTS = """    gone: {dataset: "file:gone"}
    form: {model: "nowhere:x"}
    short: {model: "models:/nobody"}
    empty: {model: "file:empty"}
    torn: {model: "file:torn"}
    made: {model: "artifact:%s"}
    card: {dataset: "file:card"}
    fine: {model: "file:fine"}
"""


def test_inputs_that_are_no_models_are_told_beside_faults_of_the_file_and_each_fault_once(place: Place) -> None:
    run = submit(place.platform, prepared(place, "name: a, with: {text: x}").plan).run.id
    drive(place.platform, [run])
    (stage,) = show_run(place.platform, run).stages
    made = stage.record.outputs["files"].digest
    contents = {
        "empty/weights.bin": "",
        "torn/config.json": "{",
        "card/card.yaml": "label: X",
        "fine/config.json": '{"model_type": "other", "hidden_size": 8}',
    }
    for path, content in contents.items():
        (place.folder / path).parent.mkdir(exist_ok=True)
        (place.folder / path).write_text(content)
    file = place.folder / "pipeline.yaml"
    file.write_text(
        HEAD.replace("  stages:\n", f"  inputs:\n{INPUTS % made}  stages:\n    - {{name: a, uses: probe}}\n")
    )
    with pytest.raises(BongsuError) as caught:
        prepare(place.platform, file)
    assert [(problem.field_path, problem.code.name) for problem in caught.value.problems] == [
        ("spec.inputs.gone", "run.input-missing"),
        ("spec.inputs.form.model", "spec.input-uri"),
        ("spec.inputs.short.model", "spec.input-uri"),
        ("spec.inputs.empty", "run.input-not-a-model"),
        ("spec.inputs.torn", "run.input-not-a-model"),
        ("spec.inputs.made", "run.input-not-a-model"),
        ("spec.inputs.card", "run.input-missing"),
    ]


def test_resources_are_told_together_with_inputs_that_are_missing(place: Place) -> None:
    place.cluster.capacity = replace(CAPACITY, is_here=True)
    file = place.folder / "pipeline.yaml"
    right = (
        MISTAKES.replace("    odd: {dataset: 7}\n", "").replace(" inputs.odd,", "").replace(", memory: much", "")
    )
    file.write_text(right.replace("txet", "text"))
    with pytest.raises(BongsuError) as caught:
        prepare(place.platform, file)
    assert [problem.field_path for problem in caught.value.problems] == [
        "spec.inputs.gone",
        "spec.inputs.old",
        "spec.stages[1].resources.cpusPerWorker",
        "spec.stages[3].resources.cpusPerWorker",
        "spec.stages[4].environment.interpreter",
        "spec.stages[5].environment.requirements",
    ]


def test_a_plan_with_obstacles_cannot_be_run(place: Place) -> None:
    found = prepared(
        place, "name: cores, resources: {cpusPerWorker: 64}", "name: gpu, resources: {gpusPerWorker: 1}"
    )
    with pytest.raises(BongsuError) as caught:
        found.to_run()
    assert [problem.code.name for problem in caught.value.problems] == ["plan.beyond-executor"] * 2
    assert caught.value.exit_code == 7
    fine = prepared(place, "name: a")
    assert fine.to_run() is fine.plan


def test_the_points_of_a_matrix_are_told_once(place: Place) -> None:
    stage = "name: a, matrix: {text: [a, b, c]}, resources: {cpusPerWorker: 64}"
    assert len(prepared(place, stage).obstacles) == 1


def test_what_comes_from_the_cache_needs_nothing(place: Place) -> None:
    drive(place.platform, [submit(place.platform, prepared(place, "name: a, with: {text: x}").plan).run.id])
    again = "name: a, with: {text: x}, resources: {cpusPerWorker: 64}"
    assert prepared(place, again).plan.stage("a").cache.hit
    assert not told(place, again)


def test_a_model_name_of_another_ministry_is_told_before_anything_runs(place: Place) -> None:
    plan = plan_of(
        registering_stage("register"), inputs=registration_inputs(LocalStore(place.folder / "artifacts"))
    )
    run = submit(place.platform, plan).run
    drive(place.platform, [run.id])
    (version,) = list_models(place.platform)
    assert list(names_of_others(place.platform, plan)) == []
    other = plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"ministry": "moi"})})
    (problem,) = names_of_others(place.platform, other)
    assert (problem.code.name, problem.args["name"]) == ("plan.name-of-another-ministry", version.name)


def test_an_interpreter_that_is_not_there_is_told_where_workers_see_the_same_files(place: Place) -> None:
    gone = str(Path(sys.executable).with_name("python-that-is-gone"))
    stages = [f'name: {name}, environment: {{interpreter: "{path}"}}' for name, path in
              (("gone", gone), ("here", sys.executable), ("named", "sh"))]  # fmt: skip
    assert not told(place, *stages), "nobody knows what other machines have"
    place.cluster.capacity = replace(CAPACITY, is_here=True)
    found = told(place, *stages)
    assert list(found) == ["spec.stages[0].environment.interpreter"]
    assert gone in found["spec.stages[0].environment.interpreter"]


@pytest.mark.parametrize(
    ("needs", "field"),
    [
        (Resources(workers=5), "workers"),
        (Resources(cpus_per_worker=4.5), "cpusPerWorker"),
        (Resources(workers=2, cpus_per_worker=2, memory=9 * 10**9), "memory"),
        (Resources(gpus_per_worker=3), "gpusPerWorker"),
        (Resources(gpus_per_worker=1, accelerator="H200-141GB"), "accelerator"),
    ],
)
def test_a_gang_is_counted_as_a_whole(needs: Resources, field: str) -> None:
    has = Capacity(cpus=4, gpus=2, memory=16 * 10**9, accelerators=("H100", "A100-40G"))
    assert [found.field for found in shortfalls(needs, has)] == [field]


@pytest.mark.parametrize("accelerator", ["H100-80GB", "A100-40GB"])
def test_an_accelerator_is_known_by_the_name_that_ray_has_for_it(accelerator: str) -> None:
    has = Capacity(cpus=4, gpus=2, memory=1, accelerators=("H100", "A100-40G"))
    assert not list(shortfalls(Resources(gpus_per_worker=1, accelerator=accelerator), has))
    assert list(
        shortfalls(Resources(gpus_per_worker=1, accelerator=accelerator), replace(has, accelerators=("H10",)))
    )
