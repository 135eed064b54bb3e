"""The executor of one machine keeps the contract of executors, on a real Ray."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from executor_suite import ExecutorHarness, ExecutorSuite, Watcher, probe_spec
from local_ray_harness import LocalRayHarness

from bongsu.domain.attempt import Phase
from bongsu.domain.pipeline import Environment
from bongsu.executors.base import Executor


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRayHarness]:
    """One Ray for the module: starting it takes longer than all that it does here."""
    harness = LocalRayHarness(tmp_path_factory.mktemp("local ray 한글"))
    yield harness
    harness.close()


class TestLocalRay(ExecutorSuite):
    @pytest.fixture
    def harness(self, shared: LocalRayHarness) -> ExecutorHarness:
        return shared

    def test_an_image_is_refused_plainly(
        self, harness: ExecutorHarness, executor: Executor, watch: Watcher
    ) -> None:
        spec = probe_spec(harness, environment=Environment(image="registry.example/stage@sha256:" + "0" * 64))
        executor.ensure(spec)
        seen = watch.end(executor, spec.id)
        assert seen.phase is Phase.FAILED
        assert seen.failure is not None
        assert (seen.failure.reason, seen.failure.retryable) == ("EnvironmentFailed", False)
        assert "registry.example/stage" in str(seen.failure.message)
        assert "requirements file" in str(seen.failure.fix)
