"""Whoever finds the ports of a Ray that was started here, and has not its secret, gets nothing run."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from executor_suite import Watcher, probe_spec
from local_ray_harness import LocalRayHarness, ray_processes

from bongsu.domain.attempt import Phase

STRANGER_S = 90
# As any program on the machine: it says what it could do.
STRANGER = """
import ray, sys
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR", _node_ip_address="127.0.0.1")
print("nodes", len(ray.nodes()))
print("ran", ray.get(ray.remote(num_cpus=0)(lambda: 6 * 7).remote(), timeout=60))
"""


@pytest.fixture
def gcs(tmp_path: Path) -> Iterator[psutil.Process]:
    harness = LocalRayHarness(tmp_path)
    spec = probe_spec(harness)
    harness.executor().ensure(spec)
    assert Watcher(harness).end(harness.executor(), spec.id).phase is Phase.SUCCEEDED
    (found,) = [one for one in ray_processes() if one.name() == "gcs_server"]
    yield found
    harness.close()


def stranger(gcs: psutil.Process, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Another program, with a home of its own."""
    (port,) = {one.laddr.port for one in gcs.net_connections() if one.status == psutil.CONN_LISTEN}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    home = tmp_path / "stranger"
    home.mkdir(exist_ok=True)
    common = {"HOME": str(home), "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    return subprocess.run(
        [sys.executable, "-c", STRANGER, f"127.0.0.1:{port}"],
        env=kept | common | variables,
        capture_output=True,
        text=True,
        timeout=STRANGER_S,
        check=False,
    )


def test_a_stranger_gets_in_with_the_secret_alone(gcs: psutil.Process, tmp_path: Path) -> None:
    secret = gcs.environ()["RAY_AUTH_TOKEN"]
    for wrong in (
        {"RAY_AUTH_MODE": "disabled"},
        {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)},
    ):
        refused = stranger(gcs, tmp_path, **wrong)
        assert refused.returncode != 0, refused.stdout
        assert "ran" not in refused.stdout
        assert "nodes" not in refused.stdout
        assert "uthenticat" in refused.stderr, refused.stderr[-2000:]
    let_in = stranger(gcs, tmp_path, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secret)
    assert "ran 42" in let_in.stdout, let_in.stderr[-2000:]


def test_its_secret_stands_in_no_command_line(gcs: psutil.Process) -> None:
    secret = gcs.environ()["RAY_AUTH_TOKEN"]
    assert not [one for one in ray_processes() if secret in " ".join(one.cmdline())]
