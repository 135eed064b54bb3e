"""The models of a run side by side, and where a registered one came from."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from reconciler_world import registering_stage, registration_inputs
from rich.console import Console
from service_places import Place, drive
from small_plans import plan_of, planned_input, source, stage

from bongsu.artifacts.base import ArtifactStore
from bongsu.cli.render.lineage import lineage_view
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import AttemptResult, result_key
from bongsu.domain.documents import plain
from bongsu.domain.ids import AttemptId, StageId
from bongsu.domain.plan import PlannedStage
from bongsu.domain.problems import BongsuError
from bongsu.service.documents import run_document
from bongsu.service.lineage import joined, run_graph, trace
from bongsu.service.models import list_models
from bongsu.service.report.collect import collect
from bongsu.service.report.page import render_page
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.service.variants import variants
from bongsu.store.models import add_version


def tree(artifacts: ArtifactStore, type_: ArtifactType, **files: bytes) -> ArtifactRef:
    """Files by name; ``config__json`` for ``config.json``."""
    key = "-".join([type_.value, *sorted(files)])
    writer = artifacts.writer(f"tests/{key}")
    for name, data in files.items():
        with writer.create(name.replace("__", ".")) as file:
            file.write(data)
    manifest = writer.commit()
    return ArtifactRef(digest=manifest.digest, type=type_, size=manifest.size)


def model(artifacts: ArtifactStore, weights: int, text: str = "") -> ArtifactRef:
    return tree(artifacts, ArtifactType.MODEL, config__json=text.encode(), model__safetensors=b"w" * weights)


def making(name: str, uses: str, type_: ArtifactType, *after: str, **changes: Any) -> PlannedStage:
    port = "baseline" if changes.pop("baseline", False) else "model"
    return stage(
        name,
        uses=uses,
        inputs={port: tuple(map(source, after))} if after else {},
        outputs={"model" if type_ is ArtifactType.MODEL else "report": type_},
        **changes,
    )


def run_with(place: Place, plan: Any, outputs: dict[str, ArtifactRef]) -> str:
    """Run a plan whose stages leave just these trees."""

    def fate(attempt: AttemptId) -> None:
        planned = plan.stage(attempt.stage_id)
        now = datetime.fromtimestamp(place.now, UTC)
        ref = outputs[attempt.stage_id]
        result = AttemptResult(
            id=attempt, outputs=dict.fromkeys(planned.outputs, ref), started_at=now, finished_at=now
        )
        place.platform.artifacts.put_record(result_key(attempt), result.model_dump_json().encode())
        place.cluster.succeed(attempt)

    place.fate = fate
    run = submit(place.platform, plan).run
    assert drive(place.platform, [run.id]).runs[0].state.value == "succeeded"
    return run.id


@pytest.fixture
def compared(place: Place) -> str:
    """A run that adapts a model, makes two smaller ones of it, and measures all three."""
    store = place.platform.artifacts
    base, adapted = model(store, 400, "base"), model(store, 400, "adapted")
    small, tiny = model(store, 200, "small"), model(store, 100, "tiny")
    entries = [
        {"modelDigest": base.digest, "metrics": {"perplexity.law": 600.0}},
        {"modelDigest": adapted.digest, "metrics": {"perplexity.law": 10.0}},
        {
            "modelDigest": small.digest,
            "metrics": {"perplexity.law": 10.5},
            "intervals": {"perplexity.law": [10.0, 11.0]},
        },
        {"modelDigest": tiny.digest, "metrics": {"perplexity.law": 20.0}},
        {"modelDigest": small.digest, "metrics": {"speed.tokensPerSecond": 900.0}},
    ]
    checks = [{"modelDigest": small.digest, "passed": True}, {"modelDigest": tiny.digest, "passed": True}]
    checks.append({"modelDigest": tiny.digest, "passed": False})
    plan = plan_of(
        making("adapt", "train.continue", ArtifactType.MODEL, "inputs.base"),
        making("small", "compress.expert-prune", ArtifactType.MODEL, "adapt.model"),
        making("tiny", "compress.quantize", ArtifactType.MODEL, "small.model"),
        making("measure", "evaluate.perplexity", ArtifactType.EVALUATION, "tiny.model"),
        making("verify", "verify.reload", ArtifactType.VERIFICATION, "tiny.model"),
        inputs=[planned_input("base", "file:base", base)],
    )
    evaluation = tree(store, ArtifactType.EVALUATION, evaluation__json=json.dumps({"entries": entries}).encode())
    verification = tree(
        store, ArtifactType.VERIFICATION, verification__json=json.dumps({"entries": checks}).encode()
    )
    made = {"adapt": adapted, "small": small, "tiny": tiny, "measure": evaluation, "verify": verification}
    return run_with(place, plan, made)


def test_a_model_that_a_failed_gate_examined_was_not_left_unasked(place: Place) -> None:
    store = place.platform.artifacts
    small = model(store, 200, "small")
    entries = [{"modelDigest": small.digest, "passed": False}]
    told = tree(store, ArtifactType.VERIFICATION, verification__json=json.dumps({"entries": entries}).encode())
    gate = making("verify", "verify.reload", ArtifactType.VERIFICATION, "inputs.small")
    place.fate = lambda attempt: place.cluster.fail(attempt, evidence={"report": told})
    run = submit(place.platform, plan_of(gate, inputs=[planned_input("small", "file:small", small)])).run
    drive(place.platform, [run.id])
    (row,) = variants(place.platform, run.id)
    assert row.verified is False
    assert show_run(place.platform, run.id).stages[0].record.outputs == {}


def test_a_run_that_failed_to_register_shows_no_version_of_another_run(place: Place, registered: str) -> None:
    inputs = registration_inputs(place.platform.artifacts)  # type: ignore[arg-type]
    plan = plan_of(registering_stage("again"), inputs=inputs)
    place.fate = place.cluster.fail
    run = submit(place.platform, plan).run
    drive(place.platform, [run.id])
    rows = {row.digest: row.version for row in variants(place.platform, run.id)}
    assert set(rows.values()) == {None}
    assert any(row.version for row in variants(place.platform, registered) if row.digest in rows)


def test_the_models_of_a_run_stand_side_by_side(place: Place, compared: str) -> None:
    rows = {row.title: row for row in variants(place.platform, compared)}
    assert list(rows) == ["inputs.base", "adapt", "small", "tiny"]
    assert [row.weights_bytes for row in rows.values()] == [400, 400, 200, 100]
    assert rows["tiny"].size == 104
    assert rows["small"].metrics == {"perplexity.law": 10.5, "speed.tokensPerSecond": 900.0}
    assert rows["small"].intervals == {"perplexity.law": (10.0, 11.0)}
    document = plain(run_document(show_run(place.platform, compared), list(rows.values())))
    assert [one["intervals"] for one in document["variants"]] == [{}, {}, {"perplexity.law": [10.0, 11.0]}, {}]


def test_what_was_lost_is_told_against_the_model_that_compression_began_with(place: Place, compared: str) -> None:
    rows = {row.title: row for row in variants(place.platform, compared)}
    assert [title for title, row in rows.items() if row.baseline] == ["adapt"]
    assert rows["adapt"].change == {}
    assert rows["small"].change == pytest.approx({"perplexity.law": 0.05})
    assert rows["tiny"].change == pytest.approx({"perplexity.law": 1.0})


def test_compression_is_known_by_what_a_stage_declares_and_not_by_its_name(place: Place) -> None:
    store = place.platform.artifacts
    base, sparse, dense = model(store, 400, "base"), model(store, 100, "sparse"), model(store, 300, "plain")
    entries = [
        {"modelDigest": base.digest, "metrics": {"m": 10.0}},
        {"modelDigest": sparse.digest, "metrics": {"m": 11.0}},
    ]
    told = tree(store, ArtifactType.EVALUATION, evaluation__json=json.dumps({"entries": entries}).encode())
    plan = plan_of(
        making("plain", "compress.nothing", ArtifactType.MODEL, "inputs.base", compresses=False, roles={}),
        making("sparse", "acme.sparsify", ArtifactType.MODEL, "inputs.base", compresses=True, roles={}),
        making("measure", "acme.measure", ArtifactType.EVALUATION, "sparse.model"),
        inputs=[planned_input("base", "file:base", base)],
    )
    rows = {
        row.title: row
        for row in variants(
            place.platform, run_with(place, plan, {"plain": dense, "sparse": sparse, "measure": told})
        )
    }
    assert [title for title, row in rows.items() if row.baseline] == ["inputs.base"]
    assert rows["sparse"].change == pytest.approx({"m": 0.1})
    assert rows["sparse"].shrink == 4.0


def test_a_baseline_is_known_by_its_role(place: Place) -> None:
    store = place.platform.artifacts
    base, other = model(store, 400, "base"), model(store, 100, "other")
    told = tree(store, ArtifactType.EVALUATION, evaluation__json=b'{"entries": []}')
    measure = making(
        "measure", "acme.compare", ArtifactType.EVALUATION, roles={"net": "subject", "reference": "baseline"}
    )
    measure = measure.model_copy(
        update={"inputs": {"net": (source("inputs.other"),), "reference": (source("inputs.base"),)}}
    )
    inputs = [planned_input("other", "file:other", other), planned_input("base", "file:base", base)]
    run = run_with(place, plan_of(measure, inputs=inputs), {"measure": told})
    assert [row.title for row in variants(place.platform, run) if row.baseline] == ["inputs.base"]


def test_the_model_from_before_the_adaptation_is_not_judged_against_the_adapted_one(
    place: Place, compared: str
) -> None:
    rows = {row.title: row for row in variants(place.platform, compared)}
    assert rows["inputs.base"].metrics == {"perplexity.law": 600.0}
    assert (rows["inputs.base"].change, rows["inputs.base"].shrink) == ({}, None)
    assert {title: row.shrink for title, row in rows.items() if row.shrink} == {"small": 2.0, "tiny": 4.0}
    text = render_page(collect(place.platform, compared))
    assert "+5900" not in text
    assert "+5.0%" in text


def test_a_model_that_failed_the_gate_anywhere_failed_it(place: Place, compared: str) -> None:
    verdicts = {row.title: row.verified for row in variants(place.platform, compared)}
    assert verdicts == {"inputs.base": None, "adapt": None, "small": True, "tiny": False}


ODD_METRICS = {"none": None, "nan": math.nan, "far": math.inf, "text": "5", "yes": True, "perplexity.law": 5}
ODD_INTERVALS = {"perplexity.law": [4, None], "none": None, "one": [1], "nan": [math.nan, 1], "odd": "ab"}
ODD = [
    None,
    7,
    {},
    {"modelDigest": None, "metrics": {"a": 1}},
    {"modelDigest": "DIGEST", "metrics": None, "intervals": [], "title": 3, "more": {}},
    {"modelDigest": "DIGEST", "metrics": ODD_METRICS, "intervals": ODD_INTERVALS},
]


@pytest.mark.parametrize("content", [{"entries": ODD}, {"entries": None}, {"entries": {}}, [], None, 5, "text", {}])
def test_an_odd_evaluation_of_a_third_party_is_shown_as_far_as_it_can_be(place: Place, content: Any) -> None:
    base = model(place.platform.artifacts, 100, "base")
    data = json.dumps(content).replace("DIGEST", base.digest).encode()
    plan = plan_of(
        making("measure", "container", ArtifactType.EVALUATION, "inputs.base"),
        making("verify", "container", ArtifactType.VERIFICATION, "inputs.base"),
        inputs=[planned_input("base", "file:base", base)],
    )
    made = {
        "measure": tree(place.platform.artifacts, ArtifactType.EVALUATION, evaluation__json=data),
        "verify": tree(place.platform.artifacts, ArtifactType.VERIFICATION, verification__json=data),
    }
    run = run_with(place, plan, made)
    (row,) = variants(place.platform, run)
    is_listed = isinstance(content, dict) and content.get("entries") is ODD
    assert row.metrics == ({"perplexity.law": 5.0} if is_listed else {})
    assert row.intervals == {}
    assert row.verified is (False if is_listed else None)
    assert "base" in render_page(collect(place.platform, run), "en", str)


def test_a_model_whose_bytes_are_gone_is_still_listed(place: Place, compared: str) -> None:
    tiny = next(row for row in variants(place.platform, compared) if row.title == "tiny")
    (manifest,) = place.folder.rglob(f"manifests/{tiny.digest}.json")
    manifest.unlink()
    again = next(row for row in variants(place.platform, compared) if row.title == "tiny")
    assert (again.size, again.weights_bytes, again.metrics) == (None, None, tiny.metrics)


# -- registering and lineage ---------------------------------------------------------------------------------------


@pytest.fixture
def registered(place: Place) -> str:
    """A run that registers the model of its input."""
    inputs = registration_inputs(place.platform.artifacts)  # type: ignore[arg-type]
    run = submit(place.platform, plan_of(stage("a"), registering_stage("register", "a"), inputs=inputs)).run
    assert drive(place.platform, [run.id]).runs[0].state.value == "succeeded"
    return run.id


def test_a_registered_model_is_listed(place: Place, registered: str) -> None:
    (version,) = list_models(place.platform)
    assert (version.name, version.version, version.run_id, version.stage_id) == ("light", 1, registered, "register")
    row = next(row for row in variants(place.platform, registered) if row.digest == version.digest)
    assert row.version is not None
    assert row.version.version == 1


def test_a_version_under_another_name_is_none_of_a_run_that_registers(place: Place, registered: str) -> None:
    (version,) = list_models(place.platform)
    inputs = registration_inputs(place.platform.artifacts)  # type: ignore[arg-type]
    beside = submit(place.platform, plan_of(stage("b"), inputs=inputs)).run
    drive(place.platform, [beside.id])
    with place.platform.database.write() as connection:
        add_version(
            connection, replace(version, name="heavy", stage_id=StageId("x"), created_at=version.created_at + 1)
        )

    def named(run: str) -> list[str]:
        return [row.version.name for row in variants(place.platform, run) if row.version]

    assert named(registered) == ["light"]
    assert named(beside.id) == ["heavy"], "the newest, of a run that registers nothing"


@pytest.mark.parametrize("reference", ["light@1", "light", "models:/light/1"])
def test_a_version_is_traced_to_what_it_was_made_from(place: Place, registered: str, reference: str) -> None:
    graph = trace(place.platform, reference)
    assert graph.start == "version:light/1"
    found = {node.id for node in graph.nodes}
    assert {"input:file:base", "input:file:proof", f"stage:{registered}/register", f"stage:{registered}/a"} <= found


def test_an_input_is_traced_to_what_was_made_of_it(place: Place, registered: str) -> None:
    (version,) = list_models(place.platform)
    for reference in (version.digest, version.digest.removeprefix("sha256-")[:6], f"artifact:{version.digest}"):
        graph = trace(place.platform, reference, "downstream")
        assert "version:light/1" in {node.id for node in graph.nodes}


def test_downstream_of_a_version_is_what_was_made_from_its_bytes(place: Place, registered: str) -> None:
    (version,) = list_models(place.platform)
    by_name, by_bytes = (trace(place.platform, one, "downstream") for one in ("light@1", version.digest))
    assert by_name == by_bytes
    assert by_name.edges


def taken_by_alias(place: Place, *runs: str) -> list[str]:
    """Runs, one after another, that take a registered model by an alias and register its bytes again."""
    base, proof = registration_inputs(place.platform.artifacts)  # type: ignore[arg-type]
    by_alias = planned_input("base", "models:/light@candidate", base.ref)
    for name in runs:
        place.now += 100
        plan = plan_of(
            stage(name, "inputs.base"), registering_stage(f"register-{name}", name), inputs=(by_alias, proof)
        )
        assert drive(place.platform, [submit(place.platform, plan).run.id]).runs[0].state.value == "succeeded"
    return [f"{version.name}/{version.version}" for version in list_models(place.platform)]


def test_an_input_that_names_a_model_by_alias_tells_the_version_that_was_taken(
    place: Place, registered: str
) -> None:
    assert taken_by_alias(place, "b", "c") == ["light/3", "light/2", "light/1"]
    graph = trace(place.platform, "light@3")
    (node,) = [node for node in graph.nodes if node.id == "input:models:/light@candidate"]
    assert node.body["versions"] == ["light/1"], "the others were registered after it was taken"
    assert len({edge for edge in graph.edges if edge.source == node.id}) == 1
    shown = StringIO()
    Console(file=shown, width=120).print(lineage_view(graph))
    assert shown.getvalue().count("= light/1") == 1
    report = collect(place.platform, "latest")
    assert "models:/light@candidate = light/1" in [node.title for node in report.nodes]


def test_both_directions_are_one_graph(place: Place, registered: str) -> None:
    up, down = trace(place.platform, "light@1", "upstream"), trace(place.platform, "light@1", "downstream")
    both = joined(up, down)
    assert (both.start, both.direction) == ("version:light/1", "both")
    assert {node.id for node in both.nodes} == {node.id for graph in (up, down) for node in graph.nodes}
    assert len(both.edges) == len(set(both.edges)) == len(set(up.edges) | set(down.edges))


@pytest.mark.parametrize(
    ("reference", "code"),
    [("heavy", "run.unknown-model"), ("light@9", "run.unknown-model"), ("sha256-ffffffffff", "run.unknown-digest")],
)
def test_what_is_not_there_cannot_be_traced(place: Place, registered: str, reference: str, code: str) -> None:
    with pytest.raises(BongsuError) as caught:
        trace(place.platform, reference)
    assert caught.value.problems[0].code.name == code


def test_the_graph_of_a_run_that_reused_everything_shows_what_it_reused(place: Place) -> None:
    plan = plan_of(stage("a"), stage("b", "a"))
    runs = []
    for _ in range(2):
        run = submit(place.platform, plan).run
        drive(place.platform, [run.id])
        runs.append(run.id)
    kinds = [sorted({edge.kind for edge in run_graph(place.platform, run)[1]}) for run in runs]
    assert kinds == [["made", "used"], ["reused", "used"]]
    _, second = run_graph(place.platform, runs[1])
    assert not any(runs[0] in edge.source for edge in second), "another run's stages are not its own"


def test_a_model_without_a_verification_that_passed_on_its_bytes_is_not_registered(place: Place) -> None:
    base, proof = registration_inputs(place.platform.artifacts)  # type: ignore[arg-type]
    other = model(place.platform.artifacts, 10, "other")
    unproven = planned_input("base", "file:other", other)
    run = submit(place.platform, plan_of(registering_stage("register"), inputs=(unproven, proof))).run
    assert drive(place.platform, [run.id]).runs[0].state.value == "failed"
    assert list_models(place.platform) == []
    assert base.ref.digest != other.digest
