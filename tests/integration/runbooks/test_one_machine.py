"""Runbooks of one person's machine, followed word for word: after-a-crash.md, disk-full.md and artifacts-in-s3.md."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from runbook_demonstration import BONGSU
from runbook_steps import Reader
from s3_server import start_server

PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Draft administrative documents}}
  stages:
    - {{name: a, uses: container, with: {{command: [sh, -c, "{command}"]}}}}
"""
START_S = 120.0


def test_what_a_killed_driver_left_is_found_and_gone_on_with(tmp_path: Path) -> None:
    reader = _machine(tmp_path, {})
    waits = f"touch {tmp_path}/began; until [ -e {tmp_path}/may-end ]; do sleep 0.1; done"
    command = f"{waits}; echo a > $BONGSU_OUTPUTS/files/a"
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.format(name="killed", command=command))
    with subprocess.Popen([BONGSU, "run", "pipeline.yaml"], cwd=tmp_path, env=_environment(reader)) as driver:
        deadline = time.monotonic() + START_S
        while not (tmp_path / "began").exists():
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        driver.kill()
    (tmp_path / "may-end").touch()
    assert "interrupted" in reader.follow("after-a-crash.md", "resume")
    (run,) = json.loads(reader.run("bongsu runs --json"))
    assert run["state"] == "succeeded"
    assert ".bongsu/artifacts" in reader.follow("disk-full.md", "look")


def test_a_home_is_begun_with_a_bucket(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(
        PIPELINE.format(name="bucket", command="echo a > $BONGSU_OUTPUTS/files/a")
    )
    with start_server(tmp_path / "s3") as server:
        endpoint, key, secret, region = server.environment.values()
        names = {
            "s3://bucket/prefix": f"s3://{server.bucket}/prefix",
            "https://s3.example.mil": endpoint,
            "ACCESS_KEY": key,
            "SECRET_KEY": secret,
            "REGION": region,
            "pipelines/demo.yaml": "pipeline.yaml",
        }
        reader = _machine(tmp_path, names)
        reader.follow("artifacts-in-s3.md", "begin")
        (run,) = json.loads(reader.run("bongsu runs --json"))
        assert run["state"] == "succeeded"
        written = json.loads((tmp_path / ".bongsu" / "artifacts.json").read_text())
        assert written == json.loads(reader.text("artifacts-in-s3.md", "record"))
        assert not (tmp_path / ".bongsu" / "artifacts").exists()


def _machine(folder: Path, names: dict[str, str]) -> Reader:
    path = os.pathsep.join([str(BONGSU.parent), os.environ["PATH"]])
    settings = {"PATH": path, "BONGSU_LANG": "en", "XDG_CONFIG_HOME": str(folder / "settings")}
    return Reader(folder, names, settings)


def _environment(reader: Reader) -> dict[str, str]:
    return {**os.environ, **reader.environment}
