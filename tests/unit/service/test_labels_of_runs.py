"""What a worker says of an output's label reaches everything that is made of it, and is never less than was planned."""

from __future__ import annotations

from service_places import Place, drive
from small_plans import plan_of, planned_input, ref_of, source, stage

from bongsu.domain.attempt import AttemptId
from bongsu.domain.ids import StageId
from bongsu.domain.labels import Grade, Label
from bongsu.service.lineage import trace
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.store.artifacts import get_artifact, note_artifact
from bongsu.store.lineage import get_nodes
from bongsu.store.node_ids import artifact_node, input_node

CLASSIFIED, SENSITIVE, OPEN = (Label(grade=grade) for grade in (Grade.CLASSIFIED, Grade.SENSITIVE, Grade.OPEN))


def label_in_database(place: Place, digest: str) -> str:
    with place.platform.database.read() as connection:
        known = get_artifact(connection, digest)
    assert known is not None
    return known.label


def test_a_label_that_a_worker_raised_stays_up(place: Place) -> None:
    def fate(attempt: AttemptId) -> None:
        place.cluster.succeed(attempt, label=CLASSIFIED if attempt.stage_id == "a" else OPEN)

    place.fate = fate
    plan = plan_of(stage("a", label=SENSITIVE), stage("b", "a", label=SENSITIVE), stage("c", "b", label=SENSITIVE))
    run = submit(place.platform, plan).run.id
    drive(place.platform, [run])
    details = show_run(place.platform, run)
    assert details.run.label == "C"
    for name in "abc":
        ref = details.stage(name).record.outputs["files"]
        assert ref.label == CLASSIFIED
        assert label_in_database(place, ref.digest) == "C"
    told = {attempt.stage_id: spec.label for attempt, spec in place.cluster.seen_specs.items()}
    assert told == {"a": SENSITIVE, "b": CLASSIFIED, "c": CLASSIFIED}


def test_a_worker_cannot_say_less_than_was_planned(place: Place) -> None:
    place.fate = lambda attempt: place.cluster.succeed(attempt, label=OPEN)
    run = submit(place.platform, plan_of(stage("a", label=SENSITIVE))).run.id
    drive(place.platform, [run])
    assert show_run(place.platform, run).stage("a").record.outputs["files"].label == SENSITIVE


def test_what_a_failed_attempt_leaves_is_known_for_what_it_is(place: Place) -> None:
    given = submit(place.platform, plan_of(stage("given"))).run.id
    drive(place.platform, [given])
    left = show_run(place.platform, given).stage("given").record.outputs["files"]
    assert label_in_database(place, left.digest) == "O"
    place.fate = lambda attempt: place.cluster.fail(attempt, retryable=False, evidence={"proof": left})
    run = submit(place.platform, plan_of(stage("gate", label=CLASSIFIED))).run.id
    drive(place.platform, [run])
    details = show_run(place.platform, run)
    failure = details.stage("gate").last_failure
    assert failure is not None
    assert failure.evidence["proof"].label == CLASSIFIED
    assert label_in_database(place, left.digest) == "C"
    assert details.run.label == "C"
    assert StageId("gate") in {attempt.stage_id for attempt in place.cluster.seen_specs}


def test_a_label_that_is_stated_later_holds_for_what_was_made_before(place: Place) -> None:
    run = submit(place.platform, plan_of(stage("a"), stage("b", "a"))).run.id
    drive(place.platform, [run])
    made = show_run(place.platform, run).stage("a").record.outputs["files"]
    with place.platform.database.write() as connection:
        note_artifact(connection, made.model_copy(update={"label": SENSITIVE}), "a", 1.0)
    details = show_run(place.platform, run)
    assert details.run.label == "S"
    for name in "ab":
        ref = details.stage(name).record.outputs["files"]
        assert ref.label == SENSITIVE
        assert label_in_database(place, ref.digest) == "S"
        graph = trace(place.platform, ref.digest)
        assert {node.label for node in graph.nodes} == {"S"}


def test_a_label_that_rises_while_a_run_goes_on_reaches_what_is_made_next(place: Place) -> None:
    def fate(attempt: AttemptId) -> None:
        place.cluster.succeed(attempt)
        if attempt.stage_id == "b":
            made = show_run(place.platform, attempt.run_id).stage("a").record.outputs["files"]
            with place.platform.database.write() as connection:
                note_artifact(connection, made.model_copy(update={"label": CLASSIFIED}), "a", 1.0)

    place.fate = fate
    run = submit(place.platform, plan_of(stage("a"), stage("b", "a"), stage("c", "b"))).run.id
    drive(place.platform, [run])
    details = show_run(place.platform, run)
    assert details.run.label == "C"
    assert {stage.record.outputs["files"].label for stage in details.stages} == {CLASSIFIED}


def test_what_a_pipeline_states_of_known_bytes_holds_for_its_run_and_not_for_all_who_take_them(
    place: Place,
) -> None:
    open_ = ref_of("corpus")
    work = stage("a", inputs={"files": (source("inputs.corpus"),)}, many_inputs=())
    first = submit(place.platform, plan_of(work, inputs=[planned_input("corpus", "datasets:/law/1", open_)])).run.id
    drive(place.platform, [first])
    stated = planned_input("corpus", "datasets:/law/1", ref_of("corpus", label=SENSITIVE))
    higher = stage("a", label=SENSITIVE, inputs={"files": (source("inputs.corpus"),)}, many_inputs=())
    plan = plan_of(higher, name="other", inputs=[stated])
    run = submit(place.platform, plan).run.id
    drive(place.platform, [run])
    assert show_run(place.platform, run).stage("a").record.outputs["files"].label == SENSITIVE
    assert label_in_database(place, open_.digest) == "O"
    assert (
        label_in_database(place, show_run(place.platform, first).stage("a").record.outputs["files"].digest) == "O"
    )
    with place.platform.read() as connection:
        here = [artifact_node(open_.digest), input_node("datasets:/law/1")]
        assert [node.label for node in get_nodes(connection, here)] == ["O", "O"]
    assert show_run(place.platform, first).run.label == "O"
