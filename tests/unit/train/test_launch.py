"""How a gang of workers ends: with what a worker raised."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bongsu.domain.codes import artifact as codes
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.train import launch


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


def test_a_worker_that_was_killed_is_named_by_what_the_others_say_of_it() -> None:
    said = RuntimeError("[third_party/gloo/gloo/transport/tcp/pair.cc:545] Connection closed by peer [127.0.0.1]:1")
    told = launch.cause_of(cast(Any, SimpleNamespace(worker_failures={0: said})))
    assert isinstance(told, StageError)
    assert told.retryable
    assert "training worker ended" in str(told)


def test_a_gang_that_did_not_find_together_has_lost_no_worker() -> None:
    said = RuntimeError("[third_party/gloo/gloo/transport/tcp/device.cc:84] ifa != nullptr. Unable to find address")
    told = launch.cause_of(cast(Any, SimpleNamespace(worker_failures={0: said})))
    assert "Unable to find address" in str(told)
