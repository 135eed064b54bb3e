"""What the executor says it has before and after Ray answers."""

from __future__ import annotations

import psutil

from bongsu.executors.base import Capacity
from bongsu.executors.local_ray.session import RaySession


def test_the_cores_that_were_asked_for_are_the_cores_there_are_before_ray_has_started() -> None:
    session = RaySession(cpus=1.5)
    assert session.capacity().cpus == 1.5
    assert session.capacity().memory == psutil.virtual_memory().total
    assert not session.is_ready, "nobody waits for Ray to know what this machine has"


class AnotherMachine:
    """The module ``ray``, connected."""

    @staticmethod
    def cluster_resources() -> dict[str, float]:
        return {"CPU": 64.0, "GPU": 8.0, "memory": 5e11, "accelerator_type:H100": 1.0, "node:10.0.0.1": 1.0}


class Connected(RaySession):
    def start(self) -> None:
        self._ready.set()

    def ray(self) -> AnotherMachine:
        return AnotherMachine()


class Unreachable(RaySession):
    def start(self) -> None:
        self._error = ConnectionError("nobody listens there")
        self._ready.set()


def test_of_a_ray_that_already_runs_its_own_word_counts_from_the_first_moment() -> None:
    found = Connected("10.0.0.1:6379").capacity()
    assert found == Capacity(cpus=64.0, gpus=8, memory=500_000_000_000, accelerators=("H100",))


def test_a_ray_that_cannot_be_reached_leaves_the_reason_to_the_attempts() -> None:
    assert Unreachable("10.0.0.1:6379").capacity().cpus > 0
