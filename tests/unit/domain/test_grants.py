"""The ledger's arithmetic, against a plain recount run by run."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.grants import MS_PER_HOUR, Balance, Entry, EntryKind, balance, hours, metered

RUNS = ("r-1", "r-2", "r-3")
amounts = st.integers(0, 10**12)


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[list[Entry], dict[str, list[int]]]:
    """Entries as a control plane writes them, and what each run has (reserved now, metered in all)."""
    entries = [Entry(EntryKind.GIVEN, draw(amounts)), Entry(EntryKind.ADJUSTED, -draw(st.integers(0, 1000)))]
    state = {run: [0, 0] for run in RUNS}
    for run in draw(st.lists(st.sampled_from(RUNS), max_size=6)):
        reserved, used = draw(amounts), draw(st.lists(amounts, max_size=3))
        entries.append(Entry(EntryKind.RESERVED, reserved, run))
        entries += [Entry(EntryKind.METERED, one, run) for one in used]
        state[run][1] += sum(used)
        entries.append(Entry(EntryKind.RETURNED, reserved - sum(used), run))
    for run in draw(st.sets(st.sampled_from(RUNS))):
        reserved, used = draw(amounts), draw(amounts)
        entries += [Entry(EntryKind.RESERVED, reserved, run), Entry(EntryKind.METERED, used, run)]
        state[run] = [max(0, reserved - used), state[run][1] + used]
    return entries, state


@given(ledgers(), st.randoms(use_true_random=False))
def test_a_balance_is_what_a_recount_gives_in_whatever_order(
    ledger: tuple[list[Entry], dict[str, list[int]]], random: object
) -> None:
    entries, state = ledger
    shuffled = sorted(entries, key=lambda _: random.random())  # type: ignore[attr-defined]
    found = balance(shuffled)
    assert found == balance(entries)
    assert found.used == sum(used for _, used in state.values())
    assert found.reserved == sum(reserved for reserved, _ in state.values())
    assert found.given == sum(e.gpu_ms for e in entries if e.kind in (EntryKind.GIVEN, EntryKind.ADJUSTED))
    assert found.available == found.given - found.used - found.reserved


def test_what_is_held_at_this_moment_counts_as_used_and_against_its_reservation() -> None:
    entries = [Entry(EntryKind.GIVEN, 100), Entry(EntryKind.RESERVED, 40, "r-1")]
    assert balance(entries, {"r-1": 15}) == Balance(100, 15, 25, {"r-1": 25})
    assert balance(entries, {"r-1": 50}) == Balance(100, 50, 0, {})


@given(st.integers(0, 512), st.lists(st.integers(0, 10**9), min_size=3, max_size=6))
def test_metering_in_parts_is_metering_the_whole(gpus: int, times: list[int]) -> None:
    moments = sorted(time / 1000 for time in times)
    parts = sum(metered(gpus, a, b) for a, b in itertools.pairwise(moments))
    assert parts == metered(gpus, moments[0], moments[-1])


def test_a_clock_that_went_back_takes_nothing_back() -> None:
    assert metered(8, 20.0, 10.0) == 0
    assert metered(8, 0.0, 3600.0) == 8 * MS_PER_HOUR
    assert hours(8 * MS_PER_HOUR) == 8.0
