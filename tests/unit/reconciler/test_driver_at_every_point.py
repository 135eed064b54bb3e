"""Journeys of runs, with a fault at every single point that the driver passes on them.

Each journey is played once in peace, which counts its points; then it is played once for each point with the process
killed there, and once with the call left without an answer.
"""

from __future__ import annotations

import pytest
from driver_journeys import JOURNEYS, play


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_process_may_be_killed_at_every_point(name: str) -> None:
    points = play(name, lambda _world: None)
    for point in range(1, points + 1):
        play(name, lambda world, at=point: world.faults.kill_at(at))  # type: ignore[misc]


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_call_may_be_left_without_an_answer_at_every_point(name: str) -> None:
    points = play(name, lambda _world: None)
    for point in range(1, points + 1):
        play(name, lambda world, at=point: world.faults.fail_at(at))  # type: ignore[misc]
