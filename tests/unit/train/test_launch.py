"""How a gang of workers ends: with what a worker raised, whatever becomes of the queue it spoke through."""

from __future__ import annotations

import errno
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bongsu.domain.codes import artifact as codes
from bongsu.domain.resources import Resources
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train import launch
from bongsu_stages.train.sink import repeat


class Dead:
    """The queue's process ended: all of its methods raise."""

    def __init__(self, **_options: Any) -> None:
        self.ended = False

    def get(self) -> Any:
        raise RuntimeError("the actor died")

    def put(self, _item: Any) -> None:
        raise RuntimeError("the actor died")

    def shutdown(self, force: bool) -> None:
        self.ended = force
        raise RuntimeError("the actor died")


def test_a_queue_that_died_does_not_hide_why_the_workers_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_arguments: Any) -> dict[str, float]:
        raise StageError("A worker was lost.", retryable=True)

    made: list[Dead] = []

    def queue(**options: Any) -> Dead:
        made.append(Dead(**options))
        return made[-1]

    monkeypatch.setattr("ray.util.queue.Queue", queue)
    monkeypatch.setattr(launch, "fit", lost)
    monkeypatch.setattr(launch, "task_of", lambda *_arguments: None)
    context = SimpleNamespace(spec=SimpleNamespace(resources=Resources(workers=2)))
    with pytest.raises(StageError, match="A worker was lost"):
        launch.train_on_gang(cast(Any, context), cast(Any, None), "fingerprint")
    assert made[0].ended, "it is ended though it took no last word"


def test_who_listens_to_a_queue_that_died_goes_home() -> None:
    listener = threading.Thread(target=repeat, args=(Dead(), None), daemon=True)
    listener.start()
    listener.join(timeout=5)
    assert not listener.is_alive()


@pytest.mark.parametrize(
    "raised",
    [
        StageError("The data are empty."),
        codes.CORRUPT.error(path="a", digest="sha256:0", detail="other bytes"),
        OSError(errno.ENOSPC, "No space left on device"),
        MemoryError(),
    ],
)
def test_what_a_worker_raised_is_told_as_what_it_is(raised: Exception) -> None:
    report = SimpleNamespace(worker_failures={1: RuntimeError("gloo: connection closed"), 2: raised})
    assert launch.cause_of(cast(Any, report)) is raised


def test_what_nobody_foresaw_in_a_worker_may_be_tried_again() -> None:
    told = launch.cause_of(cast(Any, SimpleNamespace(worker_failures={0: RuntimeError("gloo: connection closed")})))
    assert isinstance(told, StageError)
    assert told.retryable
    assert "RuntimeError: gloo" in str(told)
