"""Which experts stay: pure rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bongsu_stages.compress.selection import GROUP_SCORE_EXPERTS, Routing, choose, keep_count


@st.composite
def routings(draw: st.DrawFn) -> Routing:
    """Routers that work: enough experts in the groups that a token may use."""
    groups = draw(st.integers(1, 8))
    used = draw(st.integers(1, groups))
    per_token = draw(st.integers(1, 16))
    each = draw(st.integers(max(GROUP_SCORE_EXPERTS, -(-per_token // used)), 32))
    return Routing(groups * each, per_token, groups, used)


@given(routings(), st.floats(0.001, 1))
def test_what_stays_is_enough_for_the_router_and_equal_in_every_group(routing: Routing, fraction: float) -> None:
    kept = keep_count(routing, fraction)
    assert routing.groups
    assert kept <= routing.experts
    assert kept % routing.groups == 0
    each = kept // routing.groups
    assert each >= GROUP_SCORE_EXPERTS
    assert each * routing.groups_per_token >= routing.per_token


@given(routings())
def test_all_experts_stay_at_fraction_one(routing: Routing) -> None:
    assert keep_count(routing, 1.0) == routing.experts


@given(st.integers(1, 256), st.integers(1, 16), st.floats(0.001, 1))
def test_a_router_without_groups_keeps_what_a_token_uses(experts: int, per_token: int, fraction: float) -> None:
    per_token = min(per_token, experts)
    kept = keep_count(Routing(experts, per_token), fraction)
    assert max(per_token, round(experts * fraction)) == kept


def test_the_published_sizes() -> None:
    k1 = Routing.of({"n_routed_experts": 192, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4})
    assert [keep_count(k1, fraction) for fraction in (0.75, 0.5, 0.01)] == [144, 96, 16]
    light = Routing.of({"n_routed_experts": 128, "num_experts_per_tok": 8, "n_group": None, "topk_group": None})
    assert [keep_count(light, fraction) for fraction in (0.75, 0.5, 0.01)] == [96, 64, 8]


@given(st.data(), st.integers(1, 6), st.integers(1, 8))
def test_the_best_of_each_group_are_chosen(data: st.DataObject, groups: int, size: int) -> None:
    each = data.draw(st.integers(1, size))
    scores = data.draw(st.lists(st.floats(0, 1), min_size=groups * size, max_size=groups * size))
    kept = choose(scores, groups * each, groups)
    assert kept == sorted(set(kept))
    for group in range(groups):
        members = set(range(group * size, (group + 1) * size))
        inside, outside = members & set(kept), members - set(kept)
        assert len(inside) == each
        assert all(scores[a] >= scores[b] for a in inside for b in outside)


def test_ties_go_to_the_lower_index() -> None:
    assert choose([0.5] * 8, 4, 2) == [0, 1, 4, 5]
