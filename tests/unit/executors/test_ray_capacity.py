"""What the executor says it has before and after Ray answers."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from local_ray_harness import make, spec

from bongsu.domain.capacity import Capacity
from bongsu.domain.problems import BongsuError
from bongsu.domain.resources import Resources
from bongsu.executors.local_ray.host import options_of
from bongsu.executors.local_ray.session import capacity_of


def test_the_cores_that_were_asked_for_are_the_cores_there_are_before_ray_has_started(tmp_path: Path) -> None:
    executor = make(str(tmp_path), cpus=1.5)
    assert executor.capacity().cpus == 1.5
    assert executor.capacity().memory == psutil.virtual_memory().total
    assert executor.capacity().is_here
    assert not executor.capacity().runs_images
    executor.close()
    assert not (tmp_path / "ray.log").exists(), "nobody starts Ray to know what this machine has"


def test_of_a_ray_that_already_runs_its_own_word_counts() -> None:
    resources = {"CPU": 64.0, "GPU": 8.0, "memory": 5e11, "accelerator_type:H100": 1.0, "node:10.0.0.1": 1.0}
    assert capacity_of(resources) == Capacity(64.0, 8, 500_000_000_000, ("H100",))


def test_a_gpu_is_asked_for_as_the_nodes_call_it(tmp_path: Path) -> None:
    wanted = spec(tmp_path)
    for asked, kinds, named in (
        ("H100-80GB", ("A100", "H100"), "H100"),
        ("H100", ("H100",), "H100"),
        ("A100-40GB", ("A100-80G", "A100-40G"), "A100-40G"),
        ("A100", ("A100-80G",), "A100-80G"),
        ("B200-180GB", ("H100",), "B200-180GB"),
    ):
        resources = Resources(gpus_per_worker=1, accelerator=asked)
        options = options_of(wanted.model_copy(update={"resources": resources}), kinds)
        assert (options["num_gpus"], options["accelerator_type"]) == (1, named)


def test_of_a_ray_that_cannot_be_reached_nobody_is_given_the_figures_of_this_machine(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    executor = make(str(tmp_path), address="nowhere:port")
    try:
        for _twice in range(2):
            with pytest.raises(BongsuError) as caught:
                executor.capacity()
            (problem,) = caught.value.problems
            assert problem.code.name == "plan.executor-away"
            assert "nowhere:port is not HOST:PORT" in problem.what()
        assert "nowhere:port" in str(executor.trouble())
        (line,) = [one for one in caplog.records if one.name == "bongsu.executors.ray"]
        assert (line.levelname, line.message) == ("WARNING", "The executor does not answer.")
    finally:
        executor.close()
