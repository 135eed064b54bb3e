"""A run's grant: set aside when it is submitted, charged while it runs, given back when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from grant_places import DAY, ENGINEER, GRANT, MANAGER, gpu_stage, order, paid_plan, with_ministries
from service_places import CAPACITY, Place, drive
from small_plans import stage
from sqlalchemy import select

from bongsu.domain.grants import MS_PER_HOUR, EntryKind
from bongsu.domain.ids import AttemptId
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.plan import CacheReason, CacheVerdict
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import HOME
from bongsu.service.cancelling import cancel
from bongsu.service.grants.giving import close, give
from bongsu.service.grants.looking import GrantSummary, list_grants, recount_grant, show_grant
from bongsu.service.owner import OWNER
from bongsu.service.planning import prepare
from bongsu.service.resuming import resume
from bongsu.service.showing import list_runs, run_events
from bongsu.service.submitting import submit
from bongsu.store.runs import raise_label
from bongsu.store.schema_audit import audit_entries
from bongsu.store.scope import Scope

HOUR = 3600.0
SENSITIVE = Label(grade=Grade.SENSITIVE)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A home with 16 GPUs, and a grant of 100 GPU-hours."""
    made = Place(tmp_path)
    made.cluster.capacity = replace(CAPACITY, gpus=16, accelerators=("H100",))
    give(made.platform, OWNER, order())
    yield made
    made.close()


def lasting(place: Place, hours: float, end: str = "succeed", attempts: Sequence[str] = ("",)) -> None:
    """Every attempt runs for so many hours and then ends as it is said; each of these stages fails at first."""

    def fate(attempt: AttemptId) -> None:
        place.cluster.start(attempt)
        place.now += hours * HOUR
        getattr(place.cluster, end)(attempt)

    place.fate = fate


def summary(place: Place) -> GrantSummary:
    (found,) = list_grants(place.platform, OWNER)
    return found


def figures(place: Place) -> tuple[float, float, float]:
    """Used, set aside and left, in GPU-hours."""
    found = summary(place)
    return tuple(amount / MS_PER_HOUR for amount in (found.used, found.reserved, found.available))  # type: ignore[return-value]


def kinds(place: Place) -> list[tuple[str, float]]:
    entries = show_grant(place.platform, OWNER, GRANT).entries
    return [(entry.kind.value, entry.gpu_ms / MS_PER_HOUR) for entry in entries]


def refusal(caught: pytest.ExceptionInfo[BongsuError]) -> list[str]:
    return [problem.code.name for problem in caught.value.problems]


def test_what_a_run_needs_is_set_aside_at_once_and_what_it_does_not_use_comes_back(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=10), gpu_stage("b", "a", hours=5))).run
    assert figures(place) == (0, 15, 85)
    lasting(place, 1.5)
    drive(place.platform, [run.id])
    assert figures(place) == (6, 0, 94)
    assert kinds(place) == [
        ("given", 100),
        ("reserved", 15),
        ("metered", 3),
        ("metered", 3),
        ("returned", 9),
    ]
    assert recount_grant(place.platform, OWNER, GRANT).differing == ()


def test_a_run_that_uses_more_than_was_set_aside_is_charged_for_all_of_it(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=2))).run
    lasting(place, 3)
    drive(place.platform, [run.id])
    assert figures(place) == (6, 0, 94)
    assert kinds(place)[-1] == ("returned", -4)


def test_every_attempt_is_charged_that_which_failed_too(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=2, retries=2))).run
    lasting(place, 1, "fail")
    drive(place.platform, [run.id])
    entries = [e for e in show_grant(place.platform, OWNER, GRANT).entries if e.kind is EntryKind.METERED]
    assert [(e.subject.removeprefix(run.id), e.reason, e.gpu_ms) for e in entries] == [
        (f"/a/{number}", "failed", 2 * MS_PER_HOUR) for number in (1, 2, 3)
    ]
    assert figures(place) == (6, 0, 94)


def test_a_run_that_is_cancelled_before_it_holds_anything_gives_everything_back(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=30))).run
    assert figures(place) == (0, 30, 70)
    cancel(place.platform, run.id)
    assert figures(place) == (0, 0, 100)


def test_a_run_that_is_resumed_sets_aside_what_is_still_to_do_and_no_more(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=4), gpu_stage("b", "a", hours=8))).run

    def fate(attempt: AttemptId) -> None:
        place.cluster.start(attempt)
        place.now += HOUR
        (place.cluster.fail if attempt.stage_id == "b" else place.cluster.succeed)(attempt)

    place.fate = fate
    drive(place.platform, [run.id])
    assert figures(place) == (4, 0, 96)
    resume(place.platform, run.id)
    assert figures(place) == (4, 8, 88)
    lasting(place, 0.5)
    drive(place.platform, [run.id])
    assert figures(place) == (5, 0, 95)
    assert [kind for kind, _ in kinds(place)].count("reserved") == 2
    assert recount_grant(place.platform, OWNER, GRANT).differing == ()


def test_a_resume_that_the_grant_does_not_pay_for_any_more_leaves_the_run_as_it_is(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=60))).run
    lasting(place, 1, "fail")
    drive(place.platform, [run.id])
    submit(place.platform, paid_plan(gpu_stage("a", hours=60), name="other"))
    with pytest.raises(BongsuError) as caught:
        resume(place.platform, run.id)
    assert refusal(caught) == ["grants.exceeded"]
    assert next(one for one in list_runs(place.platform) if one.id == run.id).state.value == "failed"


def test_a_clock_that_was_set_back_charges_nothing_and_gives_nothing(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=2))).run
    lasting(place, -5)
    drive(place.platform, [run.id])
    assert figures(place) == (0, 0, 100)
    assert recount_grant(place.platform, OWNER, GRANT).counted == 0


def test_what_is_held_now_counts_as_used_before_it_is_booked(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=20))).run
    seen = []

    def fate(attempt: AttemptId) -> None:
        place.cluster.start(attempt)

    place.fate = fate

    def look(_update: object) -> None:
        begun = any(event.type == "attempt-started" for event in run_events(place.platform, run.id))
        if begun and not seen:
            place.now += HOUR
            seen.append((figures(place), show_grant(place.platform, OWNER, GRANT).held))
            place.cluster.succeed(place.cluster.live[0])

    drive(place.platform, [run.id], look)
    assert seen == [((2, 18, 80), 2 * MS_PER_HOUR)]
    assert figures(place) == (2, 0, 98)


def test_what_a_run_holds_beyond_what_it_set_aside_is_not_there_for_others(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=2))).run
    place.fate = place.cluster.start
    refused = []

    def look(_update: object) -> None:
        begun = any(event.type == "attempt-started" for event in run_events(place.platform, run.id))
        if begun and not refused:
            place.now += 20 * HOUR
            with pytest.raises(BongsuError) as caught:
                submit(place.platform, paid_plan(gpu_stage("a", hours=61), name="other"))
            refused.extend(caught.value.problems)
            assert figures(place) == (40, 0, 60)
            place.cluster.succeed(place.cluster.live[0])

    drive(place.platform, [run.id], look)
    assert [problem.code.name for problem in refused] == ["grants.exceeded"]


def test_a_plan_above_the_grant_is_refused_with_the_three_ways_out_and_leaves_no_run(place: Place) -> None:
    submit(place.platform, paid_plan(gpu_stage("a", hours=30, gpus=3), name="other"))
    with pytest.raises(BongsuError) as caught:
        submit(place.platform, paid_plan(gpu_stage("a", hours=90.5)))
    (problem,) = caught.value.problems
    assert problem.what() == (
        "This plan needs 90.50 GPU-hours, and the grant nap-2026-mnd-01 has 70.00 left: 100.00 given, 0.00 used, 30.00"
        " set aside for runs under way, which are 1 (rule grants.amount)."
    )
    assert problem.fix() == (
        "One of three: make the plan smaller by 20.50 GPU-hours; ask msit for 20.50 more; or wait: up to 30.00"
        " GPU-hours come back of what runs under way do not use, the last of them about 2023-11-15 08:13 UTC."
    )
    assert len(list_runs(place.platform)) == 1
    with place.platform.database.read() as connection:
        recorded = connection.execute(select(audit_entries.c.action, audit_entries.c.entry)).all()
    assert [row.action for row in recorded] == ["grant.give", "grant.reserve", "run.submit", "grant.reserve"]
    assert '"outcome":"refused"' in recorded[-1].entry
    assert "grants.exceeded" in recorded[-1].entry


def test_a_plan_that_is_under_way_asks_for_nothing_more(place: Place) -> None:
    plan = paid_plan(gpu_stage("a", hours=90))
    assert submit(place.platform, plan).created
    assert not submit(place.platform, plan).created
    assert figures(place) == (0, 90, 10)


def test_only_stages_that_will_run_are_set_aside(place: Place) -> None:
    hit = CacheVerdict(hit=True, reason=CacheReason.HIT)
    submit(place.platform, paid_plan(gpu_stage("a", hours=50, cache=hit), gpu_stage("b", "a", hours=5)))
    assert figures(place) == (0, 5, 95)


def test_without_gpus_no_grant_is_asked(place: Place) -> None:
    submit(place.platform, paid_plan(stage("a"), grant_id="nobody-knows"))
    submit(place.platform, paid_plan(stage("b"), grant_id=None))
    assert figures(place) == (0, 0, 100)


def test_a_home_records_a_grant_that_it_does_not_know_and_a_server_refuses_it(place: Place) -> None:
    plan = paid_plan(gpu_stage("a"), grant_id="elsewhere")
    run = submit(place.platform, plan).run
    lasting(place, 1)
    drive(place.platform, [run.id])
    with_ministries(place.platform.database, "mnd", "msit")
    for other in (plan, paid_plan(gpu_stage("a"), grant_id=None)):
        with pytest.raises(BongsuError) as caught:
            submit(replace(place.platform, actor=ENGINEER), other)
        assert refusal(caught) == ["grants.not-paid"]


def test_a_grant_of_another_ministry_is_refused_in_the_words_for_none(place: Place) -> None:
    with_ministries(place.platform.database, "mnd", "msit", "army")
    give(place.platform, MANAGER, order(id="of-army", receiver="army"))
    told = []
    for name in ("of-army", "of-nobody"):
        with pytest.raises(BongsuError) as caught:
            submit(replace(place.platform, actor=ENGINEER), paid_plan(gpu_stage("a"), grant_id=name))
        told.append(str(caught.value).replace(name, "NAME"))
    assert told[0] == told[1]


def test_a_closed_grant_pays_for_what_is_under_way_and_for_nothing_new(place: Place) -> None:
    run = submit(place.platform, paid_plan(gpu_stage("a", hours=4))).run
    close(place.platform, OWNER, GRANT, "The programme is over.")
    lasting(place, 1)
    drive(place.platform, [run.id])
    assert figures(place) == (2, 0, 98)
    with pytest.raises(BongsuError) as caught:
        submit(place.platform, paid_plan(gpu_stage("a", hours=1)))
    assert refusal(caught) == ["grants.closed"]


PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: USE, statement: Draft and search documents}
  grant: nap-2026-mnd-01
  stages:
    - {name: work, uses: probe, RESOURCES}
"""


def test_a_plan_says_what_it_does_to_its_grant_and_where_the_file_is_wrong(place: Place) -> None:
    file = place.folder / "pipeline.yaml"
    asked = "timeout: 5h, resources: {gpusPerWorker: 4}"
    file.write_text(PIPELINE.replace("USE", "administration").replace("RESOURCES", asked))
    prepared = prepare(place.platform, file)
    assert prepared.obstacles == ()
    assert prepared.grant is not None
    assert prepared.grant.need.gpu_ms == 20 * MS_PER_HOUR, "what nobody can estimate is its timeout"
    assert prepared.grant.left_afterwards == 80 * MS_PER_HOUR
    run = submit(place.platform, prepared.to_run()).run
    again = prepare(place.platform, file)
    assert again.obstacles == (), "it is under way"
    assert again.grant is not None
    assert again.grant.left_afterwards == 80 * MS_PER_HOUR
    with place.platform.write() as connection:
        raise_label(connection, run.id, SENSITIVE)
    uncleared = prepare(replace(place.platform, scope=Scope.of(HOME, OPEN)), file).grant
    assert uncleared is not None
    assert uncleared.need.gpu_ms == 20 * MS_PER_HOUR, "for who does not see the run it would be another one"
    assert [one.rule for one in uncleared.decisions] == [one.rule for one in prepared.grant.decisions] != []
    cancel(place.platform, run.id)

    asked = "resources: {gpusPerWorker: 4, accelerator: A100-80GB}"
    file.write_text(PIPELINE.replace("USE", "cyber-defence").replace("RESOURCES", asked))
    refused = prepare(place.platform, file).obstacles
    codes = {problem.code.name for problem in refused if problem.code.name.startswith("grants.")}
    assert codes == {"grants.other-use", "grants.other-accelerator", "grants.not-estimated"}
    lines = {
        problem.location.line for problem in refused if problem.location and "spec.grant" in problem.field_path
    }
    assert lines == {6}


def test_the_window_has_to_be_open_for_as_long_as_the_plan_takes(place: Place) -> None:
    place.now += 80 * DAY - 4 * HOUR
    submit(place.platform, paid_plan(gpu_stage("a", hours=6), gpu_stage("b", hours=8)))
    with pytest.raises(BongsuError) as caught:
        submit(place.platform, paid_plan(gpu_stage("a", hours=6), gpu_stage("b", "a", hours=8), name="longer"))
    assert refusal(caught) == ["grants.window-too-short"]
    assert "takes 3 h 00 min less" in str(caught.value)
    place.now += 4 * HOUR
    with pytest.raises(BongsuError) as caught:
        submit(place.platform, paid_plan(gpu_stage("a"), name="late"))
    assert refusal(caught) == ["grants.ended"]
