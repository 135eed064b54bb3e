"""The whole way with artifacts in a bucket: real stages, a real S3 server, kill -9, and a plain MLflow client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from s3_server import S3Server, start_server
from test_command_line import Shell, states, wait_until_gone, workers_of

BASE = Path(__file__).parents[2] / "pipelines" / "assets" / "axk1-nano"
PIPELINE = f"""apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: in-a-bucket, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Try artifacts in a bucket}}
  inputs:
    base: {{model: "file:{BASE}"}}
    law: {{dataset: "package:konlpy/konlpy/data/corpus/kolaw"}}
  stages:
    - {{name: curate, uses: data.curate, inputs: {{documents: inputs.law}}}}
    - name: tokenize
      uses: data.tokenize
      inputs: {{documents: curate.documents, tokenizer: inputs.base}}
      with: {{sequenceLength: 64}}
    - name: adapt
      uses: train.continue
      inputs: {{model: inputs.base, tokens: tokenize.tokens}}
      with: {{steps: 24, microBatch: 8, learningRate: 1.0e-3, checkpointEvery: 4, names: [law]}}
    - name: quantize
      uses: compress.quantize
      inputs: {{model: adapt.model, calibration: tokenize.tokens}}
      with: {{scheme: W4A16, method: rounding, groupSize: 32}}
    - name: perplexity
      uses: evaluate.perplexity
      inputs: {{models: [adapt.model, quantize.model], tokens: tokenize.tokens}}
      with: {{names: [law]}}
    - name: verify
      uses: verify.reload
      inputs: {{models: quantize.model, tokens: tokenize.tokens}}
    - name: environment
      uses: container
      inputs: {{files: curate.documents}}
      with: {{command: [sh, -c, 'env > "$BONGSU_OUTPUTS/files/seen"']}}
    - name: register
      uses: registry.register
      inputs:
        models: quantize.model
        baseline: adapt.model
        evaluations: perplexity.evaluation
        verifications: verify.verification
      with: {{name: law-in-a-bucket, within: {{perplexity.law: 1.2}}}}
"""
LOAD = """
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
generate = mlflow.transformers.load_model("models:/law-in-a-bucket@candidate")
print(generate("대한민국은", max_new_tokens=4)[0]["generated_text"])
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    with start_server(tmp_path / "s3") as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, server: S3Server) -> Shell:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    shell = Shell(tmp_path)
    shell.environment |= {**server.environment, "BONGSU_ARTIFACTS": f"s3://{server.bucket}/mnd/light/"}
    return shell


def objects(server: S3Server) -> dict[str, int]:
    """Size of every object by its key."""
    endpoint, key, secret, region = server.environment.values()
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name=region
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=server.bucket)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}


def wait_for_a_checkpoint(server: S3Server) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if any(key.endswith("/complete.json") for key in objects(server)):
            return
        time.sleep(0.2)
    raise AssertionError("no checkpoint was written")


def without_setting(shell: Shell) -> None:
    """What is left when a person opens another shell: credentials, and nothing that says where the store is."""
    del shell.environment["BONGSU_ARTIFACTS"], shell.environment["AWS_ENDPOINT_URL_S3"]


def test_a_pipeline_in_a_bucket_survives_kill_9_and_ends_in_a_model_that_mlflow_loads(
    shell: Shell, server: S3Server
) -> None:
    with shell.start("run", "pipeline.yaml") as process:
        wait_for_a_checkpoint(server)
        workers = workers_of(shell)
        process.kill()
    wait_until_gone(workers)
    without_setting(shell)
    ran = shell.json("resume", "latest")
    assert ran["run"]["state"] == "succeeded"
    rows = {row["id"]: row for row in shell.json("show", "latest")["stages"]}
    assert [attempt["state"] for attempt in rows["adapt"]["attempts"]] == ["lost", "succeeded"]
    assert len(rows["tokenize"]["attempts"]) == 1
    events = [
        json.loads(line)
        for path in shell.folder.glob("home/logs/*/adapt/2/events.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert any(str(event.get("text", "")).startswith("Resumed after step") for event in events)

    keys = objects(server)
    prefix = "mnd/light"
    assert {key.split("/")[2] for key in keys if key.startswith(f"{prefix}/") and keys[key]} >= {
        "trees",
        "data",
        "records",
    }
    assert all(key.startswith(prefix) or keys[key] == 0 for key in keys)
    assert not (shell.folder / "home" / "artifacts").exists(), "nothing was kept in the home instead"

    again = shell.json("run", "pipeline.yaml")
    assert set(states(again["stages"]).values()) == {"cached"}
    assert "law-in-a-bucket" in shell("lineage", "law-in-a-bucket@1").stdout
    shell("report", "latest", "--output", str(shell.folder / "page.html"))
    assert "law-in-a-bucket" in (shell.folder / "page.html").read_text()
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, f"sqlite:///{shell.folder}/home/mlflow.db"],
        # MLflow leaves the addresses that this process used in the environment, for its children.
        env={name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        | {**server.environment, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert loaded.stdout.startswith("대한민국은"), loaded.stderr[-2000:]

    seen = next(key for key in keys if key.endswith("/seen"))
    text = (shell.folder / "s3" / "data" / server.bucket / seen).read_text()
    assert "BONGSU_OUTPUTS=" in text
    assert not [line for line in text.splitlines() if line.startswith("AWS_") or "test-secret" in line]


def test_a_gang_trains_with_its_checkpoints_in_the_bucket(shell: Shell, server: S3Server) -> None:
    head = PIPELINE[: PIPELINE.index("    - name: quantize")]
    gang = head.replace("steps: 24", "steps: 6").rstrip() + "\n      resources: {workers: 2, cpusPerWorker: 1}\n"
    (shell.folder / "pipeline.yaml").write_text(gang)
    seen: set[str] = set()
    with shell.start("run", "pipeline.yaml") as process:
        while process.poll() is None:
            seen |= {key for key in objects(server) if "/workers-2/step-" in key and key.endswith("complete.json")}
            time.sleep(0.2)
    assert process.returncode == 0
    assert seen, "a checkpoint of the gang lay in the bucket"
    assert shell.json("runs")[0]["state"] == "succeeded"


def test_a_home_keeps_to_its_store(shell: Shell, server: S3Server, tmp_path: Path) -> None:
    shell("runs")
    assert "run.other-store" in shell("runs", status=2, BONGSU_ARTIFACTS=f"s3://{server.bucket}/other").stderr
    moved = shell("runs", status=2, AWS_ENDPOINT_URL_S3="http://127.0.0.1:9").stderr
    assert "run.other-store" in moved
    without_setting(shell)
    shell("runs")
    shell.environment["BONGSU_HOME"] = str(tmp_path / "local")
    shell("runs")
    late = shell("runs", status=2, BONGSU_ARTIFACTS=f"s3://{server.bucket}/mnd", **server.environment)
    assert "run.other-store" in late.stderr


def test_a_store_that_cannot_be_reached_is_not_written_down(shell: Shell, server: S3Server) -> None:
    for change, code in (
        ({"BONGSU_ARTIFACTS": "s3://no-such-bucket/mnd"}, "artifact.no-bucket"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "artifact.credentials"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}, "artifact.remote-unreachable"),
    ):
        assert code in shell("runs", status=7, **change).stderr
        findings = json.loads(shell("doctor", "--json", status=7, **change).stdout)
        (found,) = [finding for finding in findings if finding["subject"] == "Artifact store"]
        assert (found["level"], found["fact"].split(":")[0], bool(found["fix"])) == ("problem", code, True)
    assert "artifact.not-a-bucket" in shell("runs", status=2, BONGSU_ARTIFACTS="s3://Bad Bucket").stderr
    assert not (shell.folder / "home" / "artifacts.json").exists()
    shell("runs")
    assert json.loads((shell.folder / "home" / "artifacts.json").read_text())["artifacts"].endswith("/mnd/light")
    sound = [found for found in shell.json("doctor") if "rtifact store" in found["subject"]]
    assert [found["level"] for found in sound] == ["ok", "ok"]
    assert not [key for key in objects(server) if "probe" in key and objects(server)[key]]
