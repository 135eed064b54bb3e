"""What a worker says on its way through a queue: in order, few parcels, nothing forgotten."""

from __future__ import annotations

import queue
from types import SimpleNamespace
from typing import Any

from bongsu_stages.train.sink import QueueSink, repeat


class Waiting(queue.Queue[Any]):
    """A queue in this process with the methods of Ray's."""

    def __init__(self) -> None:
        super().__init__()
        self.not_waited_for: list[int] = []
        self.actor = SimpleNamespace(put_nowait=SimpleNamespace(remote=self._put_unheard))

    def _put_unheard(self, calls: list[Any]) -> None:
        self.not_waited_for.append(len(calls))
        self.put(calls)


class Said(list[str]):
    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        self.append(f"{step}/{total} {metrics}")

    def message(self, text: str) -> None:
        self.append(text)

    def phase(self, name: str) -> None:
        self.append(f"[{name}]")

    def checkpointed(self, step: int) -> None:
        self.append(f"saved {step}")


def test_everything_comes_out_in_order_and_steps_go_together() -> None:
    now = [0.0]
    through = Waiting()
    sink = QueueSink(through, monotonic=lambda: now[0])
    said, heard = Said(), Said()
    for teller in (sink, said):
        teller.phase("training")
    for step in range(1, 101):
        now[0] = step / 40
        for teller in (sink, said):
            teller.progress(step, 100, loss=1 / step)
        if step == 40:
            for teller in (sink, said):
                teller.checkpointed(40)
    for teller in (sink, said):
        teller.message("끝")
    through.put(None)
    parcels = through.qsize() - 1
    repeat(through, heard)
    assert heard == said
    assert parcels < 10
    assert through.not_waited_for, "training does not wait for steps to be noted"
