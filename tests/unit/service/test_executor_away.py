"""A server whose Ray is not there: whoever asks is told so, and nobody gets the figures of the server's own machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from ports import free_port
from prometheus_client import generate_latest
from small_plans import plan_of, stage

from bongsu.api.problems import status_of
from bongsu.api.serving import application
from bongsu.domain.problems import BongsuError
from bongsu.service.capacity import show_capacity
from bongsu.service.obstacles import ask_executor
from bongsu.service.serving import ServerSettings, open_served


def test_operators_and_who_plans_are_told_and_the_server_stays_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "home"
    chosen = ServerSettings(home, ray_address=f"127.0.0.1:{free_port()}", leads=False, mlflow=False)
    with open_served(chosen, {}) as opened:
        platform = opened.plane.base
        registry = opened.telemetry.metrics.registry
        deadline = time.monotonic() + 60
        while b"bongsu_executor_up 0.0" not in generate_latest(registry):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with pytest.raises(BongsuError) as caught:
            show_capacity(platform)
        (problem,) = caught.value.problems
        assert (problem.code.name, status_of(caught.value.problems)) == ("plan.executor-away", 503)
        assert "refused" in problem.what()
        verdict = ask_executor(platform, plan_of(stage("first")))
        assert [one.code.name for one in verdict.obstacles] == ["plan.executor-away"]
        assert "gpusPerWorker" not in verdict.obstacles[0].fix()
        assert TestClient(application(opened)).get("/readyz").status_code == 200
        told = [one for one in caplog.records if one.name == "bongsu.executors.ray"]
        assert [one.message for one in told] == ["The executor does not answer."]
