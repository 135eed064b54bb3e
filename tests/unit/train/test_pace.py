"""How often training writes checkpoints: by steps, or by the clock and rarely enough."""

from __future__ import annotations

from typing import Any

import pytest

from bongsu_stages.train.pace import CheckpointPace
from bongsu_stages.train.params import TrainingParams


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def saved(given: dict[str, Any], step_s: float, saving_s: float, steps: int) -> list[int]:
    """Numbers of finished steps at which a run writes a checkpoint."""
    clock = Clock()
    pace = CheckpointPace(TrainingParams.model_validate({"steps": steps, "learningRate": 1e-3} | given), clock)
    found = []
    for done in range(1, steps + 1):
        clock.now += step_s
        if pace.is_due(done):
            found.append(done)
            with pace.saving():
                clock.now += saving_s
    return found


@pytest.mark.parametrize(
    ("given", "step_s", "saving_s", "expected"),
    [
        ({"checkpointEvery": 4}, 3600, 0, [4, 8, 12]),
        ({}, 120, 0, [5, 10]),
        ({}, 1, 0, []),
        ({"checkpointMinutes": 2}, 60, 0, [2, 4, 6, 8, 10, 12]),
        ({"checkpointMinutes": 2}, 60, 12, [2, 6, 10]),
        ({"checkpointMinutes": 0}, 3600, 0, []),
    ],
    ids=["steps", "ten minutes", "short", "minutes", "slow to write", "none"],
)
def test_checkpoints_are_due(given: dict[str, Any], step_s: float, saving_s: float, expected: list[int]) -> None:
    assert saved(given, step_s, saving_s, 12) == expected
