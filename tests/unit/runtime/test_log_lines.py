"""What a log says of an attempt beside what the stage prints itself."""

from __future__ import annotations

import pytest

from bongsu.domain.events import Checkpointed, Message, PhaseEntered, Progress, StageEvent
from bongsu_stages.runtime.reporting import LogLines


def test_a_log_tells_phases_messages_checkpoints_and_now_and_then_a_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    passed: list[StageEvent] = []
    lines = LogLines(passed.append)
    events: list[StageEvent] = [PhaseEntered(time=0.0, name="training")]
    events += [
        Progress(time=float(step), step=step, total=9, metrics={"loss": 7.25 - step}) for step in range(1, 10)
    ]
    events += [Message(time=10.0, text="한 문장"), Checkpointed(time=10.0, step=9)]
    for event in events:
        lines(event)
    assert passed == events
    assert capsys.readouterr().out.splitlines() == [
        "training",
        "step 1/9  loss 6.25",
        "step 6/9  loss 1.25",
        "step 9/9  loss -1.75",
        "한 문장",
        "checkpoint after step 9",
    ]
