"""May a grant pay: each rule against a plain restatement of it, and what a refusal says."""

from __future__ import annotations

from typing import Any

import pytest
from grant_places import GPU, gpu_stage, grant
from hypothesis import given
from hypothesis import strategies as st
from small_plans import stage
from store_places import NOW

from bongsu.domain.grants import Balance, hours_text
from bongsu.domain.uses import UseClass
from bongsu.policy.grant_needs import Need, need_of
from bongsu.policy.grants import Asked, Purse, decide, unknown

HOUR_MS = 3_600_000
DAY = 86_400.0
ADMIN = UseClass.ADMINISTRATION


def balance(given: int = 100, used: int = 0, reserved: int = 0) -> Balance:
    """In GPU-hours."""
    return Balance(
        given * HOUR_MS, used * HOUR_MS, reserved * HOUR_MS, {"r-1": reserved * HOUR_MS} if reserved else {}
    )


def refused(purse: Purse, **changes: Any) -> dict[str, str]:
    """Codes of what is denied, and the words."""
    asked = {"use_class": ADMIN, "need": Need(HOUR_MS, 1800.0, {GPU: ("a",)}), "assumed": GPU, "now": NOW}
    found = decide(purse, Asked(**asked | changes))
    return {one.problem.code.name: f"{one.problem.what()} {one.problem.fix()}" for one in found if one.problem}


numbers = st.integers(0, 200)


@given(
    given_=numbers,
    used=numbers,
    reserved=numbers,
    needed=numbers,
    takes=st.integers(0, 10),
    now=st.integers(-3, 12),
    closed=st.booleans(),
    allowed=st.frozensets(st.sampled_from(UseClass), max_size=3),
    use=st.sampled_from(UseClass),
    kind=st.sampled_from(["H100-80GB", "H100", "A100", "A100-80GB", "H200-141GB"]),
    granted=st.sampled_from(["H100-80GB", "H100", "A100-80GB"]),
    unknown_stages=st.sampled_from([(), ("b",)]),
)
def test_every_rule_is_asked_and_says_what_it_should(
    given_: int,
    used: int,
    reserved: int,
    needed: int,
    takes: int,
    now: int,
    closed: bool,
    allowed: frozenset[UseClass],
    use: UseClass,
    kind: str,
    granted: str,
    unknown_stages: tuple[str, ...],
) -> None:
    paying = grant(begins=NOW, ends=NOW + 10 * DAY, use_classes=allowed, accelerator=granted)
    if closed:
        paying = type(paying)(**vars(paying) | {"closed_at": NOW})
    need = Need(needed * HOUR_MS, takes * DAY, {kind: ("a",)}, unknown_stages)
    codes = set(
        refused(Purse(paying, balance(given_, used, reserved)), use_class=use, need=need, now=NOW + now * DAY)
    )
    expected = set()
    if allowed and use not in allowed:
        expected.add("grants.other-use")
    if granted not in kind and kind not in granted:
        expected.add("grants.other-accelerator")
    if closed:
        expected.add("grants.closed")
    elif now < 0:
        expected.add("grants.not-begun")
    elif now >= 10:
        expected.add("grants.ended")
    elif now + takes > 10:
        expected.add("grants.window-too-short")
    if unknown_stages:
        expected.add("grants.not-estimated")
    if used + reserved + needed > given_:
        expected.add("grants.exceeded")
    assert codes == expected


def test_a_refusal_for_want_of_hours_names_the_figures_and_three_ways_out() -> None:
    need = Need(80 * HOUR_MS + 1, 1800.0, {GPU: ("a",)})
    told = refused(Purse(grant(), balance(100, 10, 30), NOW + 3600), need=need)["grants.exceeded"]
    for figure in (
        "needs 80.00",
        "60.00 left",
        "100.00 given",
        "10.00 used",
        "30.00 set aside for runs under way, which are 1",
    ):
        assert figure in told
    assert "smaller by 20.01 GPU-hours; ask msit for 20.01 more; or wait: up to 30.00 GPU-hours come back" in told
    assert "the last of them about 2023-11-14 23:13 UTC." in told


def test_waiting_is_no_way_out_where_nothing_can_come_back_and_too_little_where_that_is_so() -> None:
    need = Need(200 * HOUR_MS, 1.0, {GPU: ("a",)})
    assert "wait: nothing is set aside" in refused(Purse(grant(), balance(100, 10)), need=need)["grants.exceeded"]
    told = refused(Purse(grant(), balance(100, 10, 30), NOW), need=need)["grants.exceeded"]
    assert "which alone is not enough" in told


def test_a_stage_that_does_not_say_which_gpu_is_taken_to_ask_for_the_assumed_one() -> None:
    silent = gpu_stage("a", accelerator=None)
    need = need_of([silent], GPU)
    assert need.stages == {GPU: ("a",)}
    assert refused(Purse(grant(), balance()), need=need) == {}
    told = refused(Purse(grant(accelerator="A100-80GB"), balance()), need=need)
    assert "does not say which is taken to ask for H100-80GB" in told["grants.other-accelerator"]


def test_no_grant_and_one_of_another_ministry_are_told_alike() -> None:
    denied = unknown("nap", "mnd")
    assert not denied.allowed
    assert denied.problem is not None
    assert denied.problem.what() == (
        "Of mnd there is no grant nap that could pay for the GPUs of this plan (rule grants.owned)."
    )


def test_a_need_is_what_was_estimated_or_the_timeout_along_the_longest_path() -> None:
    stages = [
        stage("cpu"),
        gpu_stage("a", "cpu", hours=4, gpus=2),
        gpu_stage("b", "a", hours=None, gpus=4, timeout=1800),
        gpu_stage("c", hours=1e-9, gpus=1),
    ]
    need = need_of(stages, GPU)
    assert need.gpu_ms == 4 * HOUR_MS + 4 * 1_800_000 + 1, "never less than was estimated"
    assert need.seconds == 2 * 3600 + 1800
    assert need.stages == {GPU: ("a", "b", "c")}
    assert need.unknown == ()
    assert need_of([gpu_stage("a", hours=None)], GPU).unknown == ("a",)
    assert need_of([stage("a")], GPU) == Need()


@pytest.mark.parametrize(
    ("gpu_ms", "words", "up"),
    [
        (0, "0.00", "0.00"),
        (1, "0.00", "0.000001"),
        (18_000, "0.005", "0.005"),
        (-3_599_964, "-0.99999", "-0.99999"),
        (-36_000, "-0.01", "-0.01"),
        (-1, "0.00", "-0.000001"),
        (3_600_000, "1.00", "1.00"),
        (3_600_001, "1.00", "1.01"),
        (3_600_000 * 1234 + 36_001, "1,234.01", "1,234.02"),
    ],
)
def test_hours_are_written_in_hundredths_and_finer_where_that_says_nothing(
    gpu_ms: int, words: str, up: str
) -> None:
    assert hours_text(gpu_ms) == words
    assert hours_text(gpu_ms, up=True) == up
