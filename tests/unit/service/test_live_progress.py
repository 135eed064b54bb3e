"""What is told of a run under way comes from what is new since the last look."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.events import Progress, StageEvent
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.executors.base import EventPage
from bongsu.reconciler.progress import AttemptProgress
from bongsu.service.live_progress import LiveProgress

RUN = RunId("20260601-000000-aaaaaa")


def attempt(number: int = 1) -> AttemptId:
    return AttemptId(run_id=RUN, stage_id=StageId("train"), number=number)


class Told:
    """What attempts told, and how much of it was read."""

    def __init__(self) -> None:
        self.events: list[StageEvent] = []
        self.read = 0

    def step(self, step: int) -> None:
        self.events.append(Progress(time=float(step), step=step, total=1000, metrics={"loss": 1 / (step + 1)}))

    def behind(self, _attempt: AttemptId, cursor: int) -> EventPage:
        new = tuple(self.events[cursor:])
        self.read += len(new)
        return EventPage(new, cursor + len(new))


@given(st.lists(st.integers(0, 30), max_size=8))
def test_looks_in_between_change_nothing_of_what_is_told_and_read_each_event_once(parts: list[int]) -> None:
    told, live, whole, step = Told(), LiveProgress(), AttemptProgress(), 0
    for part in parts:
        for _ in range(part):
            told.step(step)
            step += 1
        shown = live.look(told.behind, [attempt()])[attempt()]
    whole.take(told.events)
    if parts:
        assert (shown.step, shown.total, shown.metrics) == (whole.step, whole.total, whole.metrics)
        assert (shown.rate, shown.seconds_left) == (whole.rate, whole.seconds_left)
    assert told.read == len(told.events)


def test_what_was_shown_stays_as_it_was() -> None:
    told, live = Told(), LiveProgress()
    told.step(1)
    told.step(2)
    shown = live.look(told.behind, [attempt()])[attempt()]
    before = (shown.step, dict(shown.metrics), shown.rate)
    told.step(50)
    live.look(told.behind, [attempt()])
    assert (shown.step, shown.metrics, shown.rate) == before


def test_many_who_look_at_once_take_nothing_in_twice() -> None:
    told, live = Told(), LiveProgress()
    for step in range(5000):
        told.step(step)
    with ThreadPoolExecutor(8) as pool:
        looks = list(pool.map(lambda _: live.look(told.behind, [attempt()])[attempt()], range(8)))
    assert told.read == 5000
    assert {look.step for look in looks} == {4999}


def test_it_is_kept_of_those_that_were_looked_at_last() -> None:
    told, live = Told(), LiveProgress(most=2)
    told.step(1)
    for number in (1, 2, 1, 3, 1):
        live.look(told.behind, [attempt(number)])
    assert told.read == 3, "the first is still known"
    live.look(told.behind, [attempt(2)])
    assert told.read == 4
