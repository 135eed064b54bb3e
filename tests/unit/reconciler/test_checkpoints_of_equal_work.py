"""Where an attempt goes on: at the checkpoints of equal work, in whatever run, under the same label."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pure_run import PureRun
from small_plans import plan_of, stage

from bongsu.domain.ids import digest_of
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.reconciler.launching import attempt_spec, checkpoint_key

LABELS = st.builds(
    lambda grade, compartments: Label(grade=grade, compartments=frozenset(compartments)),
    st.sampled_from(Grade),
    st.sets(st.sampled_from(("air", "log", "남부")), max_size=2),
)
SECRET = Label(grade=Grade.CLASSIFIED)


def key_of(label: Label = OPEN, **changes: Any) -> str:
    run = PureRun(plan_of(stage("a", label=label, **changes)))
    run.step()
    (attempt,) = run.facts.live
    return attempt_spec(run.facts, attempt.id, "").checkpoint_key


def test_equal_work_goes_on_in_another_run() -> None:
    assert key_of() == key_of()
    assert key_of(SECRET) == key_of(SECRET)
    assert key_of(params={"text": "x"}) != key_of()


def test_a_run_below_does_not_go_on_where_one_stopped_that_it_may_not_know_of() -> None:
    assert key_of() != key_of(SECRET)


def test_what_is_never_equal_goes_on_in_its_own_run() -> None:
    assert key_of(SECRET, cacheable=False) == key_of(cacheable=False) == "runs/r-000000000001/a"


@given(st.lists(LABELS, min_size=2, max_size=6, unique_by=str))
def test_each_label_has_checkpoints_of_its_own(labels: list[Label]) -> None:
    run = PureRun(plan_of(stage("a")))
    run.step()
    (attempt,) = run.facts.live
    (planned,) = run.plan.stages
    keys = [checkpoint_key(planned, attempt.id, digest_of(b"k"), label) for label in labels]
    assert all(one != other for one, other in combinations(keys, 2))
