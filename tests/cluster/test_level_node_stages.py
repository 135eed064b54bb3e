"""What a cluster is asked for an attempt runs there, and leaves its records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
import tiny_training as tiny
from installed_code import code_of
from kube_things import machine_pod, machine_site, queue, told
from local_kube.cluster import Cluster
from local_kube.layout import ADDRESS
from rendered_attempts import attempt
from s3_server import S3Server, start_server

from bongsu.artifacts.local import LocalStore
from bongsu.artifacts.open import open_store
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import AttemptResult, AttemptSpec, FailureReason, Observation, Phase, result_key
from bongsu.domain.resources import Resources
from bongsu.executors.kuberay.facts import job_facts, pod_facts, workload_facts
from bongsu.executors.kuberay.rendering import NUMBER, RUN, STAGE, Place, asked_for
from bongsu.executors.kuberay.seeing import Found, seen
from bongsu.executors.kuberay.site import Site

OVER_S = 400.0
PLACE = Place(queue="stages")
NAMESPACE = "bongsu-mnd"


@dataclass
class Stages:
    """A ministry's namespace in which attempts run, and where they leave their records."""

    cluster: Cluster
    site: Site
    store: LocalStore

    def open_store(self) -> None:
        """What this account wrote is read, and written beside, by that of pods."""
        for path in self.store.root.rglob("*"):
            os.chown(path, self.site.user, self.site.user)

    def ask(self, spec: AttemptSpec) -> None:
        asked = asked_for(spec, None, PLACE, self.site, ray.__version__)
        self.cluster.kubectl.apply(asked.secret, asked.job)

    def see(self, spec: AttemptSpec) -> Observation:
        kubectl, kind = self.cluster.kubectl, "rayjob" if spec.distributed else "job"
        job = kubectl.get("-n", NAMESPACE, kind, spec.id.job_name)
        owned = [
            one
            for one in kubectl.get("-n", NAMESPACE, "workloads")["items"]
            if one["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
        ]
        named = {RUN: spec.id.run_id, STAGE: spec.id.stage_id, NUMBER: str(spec.id.number)}
        selector = ",".join(f"{label}={value}" for label, value in named.items())
        pods = kubectl.get("-n", NAMESPACE, "pods", "-l", selector)["items"]
        found = Found(job=job_facts(job), pods=[pod_facts(pod) for pod in pods])
        if owned:
            found = replace(found, workload=workload_facts(owned[0]))
        return seen(found, datetime.now(UTC))

    def end(self, spec: AttemptSpec) -> Observation:
        """As it is seen once it is over."""
        last: list[Observation] = []

        def is_over() -> bool:
            last[:] = [self.see(spec)]
            return last[0].phase.is_final

        why = partial(told, self.cluster, NAMESPACE)
        self.cluster.processes.wait_for(f"{spec.id} is over", is_over, OVER_S, "kubelet", why)
        return last[0]


@pytest.fixture(scope="module")
def stages(node_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    folder = tmp_path_factory.mktemp("store")
    folder.chmod(0o777)  # pods run as another account
    store = LocalStore(folder)
    site = machine_site(machine_pod(store=folder))
    kubectl = node_cluster.kubectl
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    kubectl.apply(*queue("stages", NAMESPACE, cpu="4", memory="12Gi"))
    yield Stages(node_cluster, site, store)
    kubectl("delete", "namespace", NAMESPACE, "--timeout=120s")


def probe(stages: Stages, stage: str, **params: Any) -> AttemptSpec:
    """At the path at which pods have the store."""
    return attempt(stage, params=params, code=code_of("probe"), artifact_store="file:///store")


def test_a_stage_of_one_process_leaves_its_record(stages: Stages) -> None:
    spec = probe(stages, "good", text="봉수", metric=2.5)
    stages.ask(spec)
    observation = stages.end(spec)
    assert observation.phase is Phase.SUCCEEDED, observation
    record = stages.store.get_record(result_key(spec.id))
    assert record is not None
    result = AttemptResult.model_validate_json(record)
    assert result.metrics == {"value": 2.5}
    assert stages.store.reader(result.outputs["files"].digest).open("probe.txt").read().decode() == "봉수"


@pytest.fixture
def s3(stages: Stages, tmp_path: Path) -> Iterator[S3Server]:
    """A server that pods reach, with its keys in the ministry's namespace."""
    with start_server(tmp_path / "s3", ADDRESS) as server:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "store", "namespace": NAMESPACE},
            "stringData": server.environment,
        }
        stages.cluster.kubectl.apply(secret)
        yield server


def test_a_stage_leaves_its_record_in_a_bucket(
    stages: Stages, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"s3://{s3.bucket}/mnd"
    spec = attempt("bucket", params={"text": "봉수"}, code=code_of("probe"), artifact_store=uri)
    with_keys = replace(stages, site=stages.site.model_copy(update={"store_secret": "store"}))
    with_keys.ask(spec)
    observation = with_keys.end(spec)
    assert observation.phase is Phase.SUCCEEDED, observation
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    store = open_store(uri, tmp_path / "cache")
    record = store.get_record(result_key(spec.id))
    assert record is not None
    files = AttemptResult.model_validate_json(record).outputs["files"]
    assert store.reader(files.digest).open("probe.txt").read().decode() == "봉수"


def test_a_stage_that_wants_more_memory_than_it_asked_for_is_told_so(stages: Stages) -> None:
    spec = probe(stages, "large", memory=3000)
    stages.ask(spec)
    observation = stages.end(spec)
    assert observation.failure is not None
    assert observation.failure.reason is FailureReason.OUT_OF_MEMORY, observation


def test_a_stage_that_is_killed_is_lost(stages: Stages) -> None:
    spec = probe(stages, "killed", crash="kill")
    stages.ask(spec)
    observation = stages.end(spec)
    assert observation.phase is Phase.LOST, observation


def test_a_gang_trains_and_leaves_its_model(stages: Stages, tmp_path: Path) -> None:
    tiny.write_tokenizer(tmp_path / "tokenizer")
    tiny.write_model(tmp_path / "model", tmp_path / "tokenizer")
    tiny.write_tokens(tmp_path / "tokens", tmp_path / "tokenizer")
    inputs = {
        name: (ArtifactRef(digest=tiny.commit(stages.store, name, tmp_path / name), type=kind),)
        for name, kind in (("model", ArtifactType.MODEL), ("tokens", ArtifactType.TOKENS))
    }
    stages.open_store()
    spec = attempt(
        "train",
        uses="train.continue",
        code=code_of("train.continue"),
        params={"steps": 2, "microBatch": 4, "learningRate": 1e-3, "evaluateSequences": 0},
        inputs=inputs,
        input_titles={name: (name,) for name in inputs},
        outputs={"model": ArtifactType.MODEL},
        resources=Resources(workers=2, cpus_per_worker=0.6),
        artifact_store="file:///store",
        distributed=True,
    )
    stages.ask(spec)
    observation = stages.end(spec)
    assert observation.phase is Phase.SUCCEEDED, observation
    record = stages.store.get_record(result_key(spec.id))
    assert record is not None
    model = AttemptResult.model_validate_json(record).outputs["model"]
    assert "config.json" in {file.path for file in stages.store.reader(model.digest).manifest.files}
