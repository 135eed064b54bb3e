"""What a report gathers about a run that took outputs from the cache."""

from __future__ import annotations

from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.plan import RunPlan
from bongsu.domain.resources import Resources
from bongsu.service.report.collect import collect
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.store.history import add_metric_points


def run_of(place: Place, plan: RunPlan) -> str:
    place.now += 100
    run = submit(place.platform, plan).run
    assert drive(place.platform, [run.id]).runs[0].state.value == "succeeded"
    return run.id


def with_losses(place: Place, run: str, *stages: str) -> None:
    with place.platform.database.write() as connection:
        for name in stages:
            attempt = AttemptId(run_id=RunId(run), stage_id=StageId(name), number=1)
            add_metric_points(connection, attempt, [("loss", 1, 7.0, place.now), ("loss", 2, 6.0, place.now)])


def states(place: Place, run: str) -> list[str]:
    return [one.record.state.value for one in show_run(place.platform, run).stages]


def test_a_run_that_took_everything_from_the_cache_shows_the_work_of_the_run_that_did_it(place: Place) -> None:
    plan = plan_of(stage("a"), stage("b", "a"))
    first = run_of(place, plan)
    with_losses(place, first, "a")
    second, third = run_of(place, plan), run_of(place, plan)
    assert states(place, third) == ["cached", "cached"], second
    report = collect(place.platform, third)
    assert [(one.title, one.origin) for one in report.series] == [("a", first)]
    assert report.series[0].points == ((1, 7.0), (2, 6.0))
    (times,) = report.timelines
    assert times.origin == first
    assert [bar.title for bar in times.bars] == ["a", "b"]
    assert all(0 <= bar.start <= bar.end < 50 for bar in times.bars), "counted from the beginning of the first run"


def test_a_run_that_did_some_of_it_shows_its_own_work_and_only_what_it_took_of_another(place: Place) -> None:
    first = run_of(place, plan_of(stage("a"), stage("b", "a"), stage("other")))
    with_losses(place, first, "a", "b", "other")
    second = run_of(place, plan_of(stage("a"), stage("b", "a", params={"steps": 9})))
    with_losses(place, second, "b")
    assert states(place, second) == ["cached", "succeeded"]
    report = collect(place.platform, second)
    assert [(one.title, one.origin) for one in report.series] == [("b", None), ("a", first)]
    assert [(one.origin, [bar.title for bar in one.bars]) for one in report.timelines] == [
        (None, ["b"]),
        (first, ["a"]),
    ]


def test_work_that_was_done_again_later_is_not_what_an_earlier_run_took(place: Place) -> None:
    plan = plan_of(stage("a"))
    first = run_of(place, plan)
    with_losses(place, first, "a")
    second = run_of(place, plan)
    for digest in list(place.platform.artifacts.digests()):
        (place.platform.artifacts.root / "manifests" / f"{digest}.json").unlink()
    third = run_of(place, plan)
    with_losses(place, third, "a")
    assert states(place, second) == ["cached"]
    assert states(place, third) == ["succeeded"]
    assert [one.origin for one in collect(place.platform, second).series] == [first]


def test_a_report_tells_of_every_attempt_that_failed_and_of_stages_that_never_began(place: Place) -> None:
    def fate(attempt: AttemptId) -> None:
        if attempt.stage_id == "b" or attempt.number == 1:
            place.cluster.fail(attempt)
        else:
            place.cluster.succeed(attempt)

    place.fate = fate
    too_large = stage("c", resources=Resources(workers=1, cpus_per_worker=500))
    run = submit(place.platform, plan_of(stage("a", retries=1), stage("b"), too_large)).run
    drive(place.platform, [run.id])
    told = {(one.title, one.attempt): str(one.message) for one in collect(place.platform, run.id).broken}
    assert set(told) == {("a", 1), ("b", 1), ("c", None)}
    assert told["a", 1] == "It broke."
    assert "500" in told["c", None]
