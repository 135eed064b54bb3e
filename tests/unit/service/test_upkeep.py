"""Chores: each when it is due, one that fails told once and tried again, and none in the way of another."""

from __future__ import annotations

import threading

from bongsu.domain.codes import audit as codes
from bongsu.domain.phrases import Words
from bongsu.service.upkeep import AGAIN_S, Chore, Upkeep, seeing_to


class World:
    """Two chores, of which the first fails as long as there is something in its way."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[str] = []
        self.told: list[str] = []
        self.faults: list[Exception] = []
        made = (Chore("first", 5.0, self._first), Chore("second", 10.0, lambda: self.done.append("second")))
        self.upkeep = Upkeep(made, self._tell, lambda: self.now)

    def _first(self) -> None:
        if self.faults:
            raise self.faults[0]
        self.done.append("first")

    def _tell(self, words: Words) -> None:
        self.told.append(str(words))

    def at(self, now: float) -> list[str]:
        """What is done then."""
        self.now, before = now, len(self.done)
        self.upkeep.run_due()
        return self.done[before:]


def test_each_is_done_when_it_is_due() -> None:
    world = World()
    assert world.at(0) == ["first", "second"]
    assert world.at(4.9) == []
    assert world.at(5) == ["first"]
    assert world.at(10) == ["first", "second"]
    assert world.told == []


def test_one_that_fails_is_told_once_tried_again_and_keeps_no_other_back() -> None:
    world = World()
    world.faults = [codes.DAMAGED.error(tenant="mnd", detail="its entries were changed")]
    assert world.at(0) == ["second"]
    expected = "first failed: The stored audit log of mnd is not what it was: its entries were changed."
    assert [words.rstrip(".") for words in world.told] == [expected.rstrip(".")]
    assert world.at(10) == ["second"]
    for round_ in (1, 2):
        world.at(AGAIN_S * round_)
    assert len(world.told) == 1
    world.faults = [RuntimeError("something else")]
    world.at(AGAIN_S * 3)
    assert world.told[1:] == ["first failed: something else"]
    world.faults = []
    assert "first" in world.at(AGAIN_S * 4)
    world.faults = [RuntimeError("something else")]
    world.at(AGAIN_S * 4 + 5)
    assert len(world.told) == 3, "it was sound in between"


def test_what_takes_long_holds_up_nothing_and_who_cannot_be_told_ends_nothing() -> None:
    freed, done = threading.Event(), threading.Semaphore(0)

    def fail() -> None:
        done.release()
        raise OSError("the disk is full")

    def refuse(_words: Words) -> None:
        raise RuntimeError("nobody listens")

    due = (Chore("long", 0.0, lambda: freed.wait(60), is_slow=True), Chore("failing", 0.0, fail))
    with seeing_to(due, refuse):
        assert all(done.acquire(timeout=60) for _twice in range(2))
        freed.set()
