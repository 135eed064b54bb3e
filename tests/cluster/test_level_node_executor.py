"""The executor with real pods: what it asked for runs, is followed, is stopped, and outlives who asked for it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import ray
from installed_code import code_of
from kube_things import machine_pod, machine_site, queue, told
from local_kube.api_server import await_api_server
from local_kube.cluster import Cluster
from rendered_attempts import attempt

from bongsu.artifacts.local import LocalStore
from bongsu.domain.attempt import AttemptSpec, FailureReason, Observation, Phase
from bongsu.domain.capacity import Capacity
from bongsu.domain.events import Message
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.executors.kuberay.api import Api
from bongsu.executors.kuberay.executor import KubeRayExecutor
from bongsu.executors.kuberay.rendering import Place
from bongsu.executors.kuberay.site import Site

NAMESPACE = "bongsu-army"
OVER_S = 240.0
HANG_S = 600.0
_numbers = itertools.count(1)


@dataclass
class Ministry:
    cluster: Cluster
    site: Site
    store: LocalStore

    def executor(self) -> KubeRayExecutor:
        return KubeRayExecutor(
            Api.of_file(self.cluster.layout.kubeconfig),
            self.site,
            ministries=lambda: ["army"],
            place=lambda _attempt: Place(queue="army"),
            passes=lambda _attempt: None,
            ray=ray.__version__,
            capacity=lambda: Capacity(cpus=2, gpus=0, memory=2**33, runs_images=True),
        )

    def probe(self, **params: Any) -> AttemptSpec:
        named = AttemptId(run_id=RunId(f"r-army{next(_numbers):08d}"), stage_id=StageId("a"), number=1)
        changes = {"id": named, "ministry": "army", "params": params, "code": code_of("probe")}
        return attempt("a", **changes, artifact_store=self.store.uri)

    def until(
        self, executor: KubeRayExecutor, spec: AttemptSpec, true: Callable[[Observation], bool]
    ) -> Observation:
        """As a driver waits."""
        deadline = time.monotonic() + OVER_S
        while not true(seen := executor.observe([spec.id])[spec.id]):
            assert time.monotonic() < deadline, f"{seen}\n{told(self.cluster, NAMESPACE)}"
            executor.wait(1.0)
        return seen

    def end(self, executor: KubeRayExecutor, spec: AttemptSpec) -> Observation:
        return self.until(executor, spec, lambda seen: seen.phase.is_final)


@pytest.fixture(scope="module")
def ministry(node_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    folder = tmp_path_factory.mktemp("store")
    store = LocalStore(folder)
    site = machine_site(machine_pod(folder), memory=2**30)
    for path in (folder, *folder.rglob("*")):  # pods run as another account
        os.chown(path, site.user, site.user)
    for path in folder.parents:  # and come to it
        if path.stat().st_uid == os.getuid() and path.is_relative_to(tmp_path_factory.getbasetemp()):
            path.chmod(0o755)
    kubectl = node_cluster.kubectl
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    kubectl.apply(*queue("army", NAMESPACE, cpu="2", memory="8Gi"))
    yield Ministry(node_cluster, site, store)
    kubectl("delete", "namespace", NAMESPACE, "--timeout=120s")


@pytest.fixture
def executor(ministry: Ministry) -> Iterator[KubeRayExecutor]:
    made = ministry.executor()
    yield made
    made.close()


@contextmanager
def without_api_server(cluster: Cluster) -> Iterator[None]:
    process = cluster.processes.get("kube-apiserver")
    assert process is not None
    command = process.cmdline()
    cluster.processes.kill("kube-apiserver")
    try:
        yield
    finally:
        cluster.processes.start("kube-apiserver", command)
        await_api_server(cluster.processes, cluster.kubectl)


def messages(executor: KubeRayExecutor, spec: AttemptSpec) -> list[str]:
    return [event.text for event in executor.events(spec.id).events if isinstance(event, Message)]


def test_a_stage_runs_and_is_followed_while_it_does(ministry: Ministry, executor: KubeRayExecutor) -> None:
    spec = ministry.probe(lines=4, seconds=8.0, text="끝")
    executor.ensure(spec)
    lines, phases = [], []
    for line in executor.logs(spec.id, follow=True):
        lines.append(line)
        phases.append(executor.observe([spec.id])[spec.id].phase)
    assert [line for line in lines if "줄" in line or line.startswith(("line", "probe"))] == [
        "봉수 0번째 줄",
        "line 1",
        "봉수 2번째 줄",
        "line 3",
        "probe: 끝",
    ]
    assert phases[0] is Phase.RUNNING, "lines are read before its end"
    seen = ministry.end(executor, spec)
    assert (seen.phase, seen.started_at is not None, seen.finished_at is not None) == (Phase.SUCCEEDED, True, True)
    assert messages(executor, spec)


def test_a_stage_that_fails_says_why(ministry: Ministry, executor: KubeRayExecutor) -> None:
    spec = ministry.probe(fail=True)
    executor.ensure(spec)
    seen = ministry.end(executor, spec)
    assert seen.phase is Phase.FAILED
    assert seen.failure is not None
    assert seen.failure.reason is FailureReason.STAGE_ERROR


def test_what_is_stopped_is_over_once_its_pod_is(ministry: Ministry, executor: KubeRayExecutor) -> None:
    spec = ministry.probe(seconds=HANG_S)
    executor.ensure(spec)
    ministry.until(executor, spec, lambda seen: seen.phase is Phase.RUNNING)
    executor.cancel(spec.id)
    assert ministry.end(executor, spec).phase is Phase.CANCELLED
    pods = ministry.cluster.kubectl.get("-n", NAMESPACE, "pods", "-l", f"bongsu.dev/run={spec.id.run_id}")
    assert pods["items"] == []
    executor.ensure(spec)
    assert executor.observe([spec.id])[spec.id].phase is Phase.CANCELLED


def test_who_waits_for_room_is_told_so_and_begins_when_there_is(
    ministry: Ministry, executor: KubeRayExecutor
) -> None:
    hanging = [ministry.probe(seconds=HANG_S) for _ in range(2)]
    for spec in hanging:
        executor.ensure(spec)
        ministry.until(executor, spec, lambda seen: seen.started_at is not None)
    waiting = ministry.probe(text="last")
    executor.ensure(waiting)
    seen = ministry.until(executor, waiting, lambda seen: "quota" in str(seen.waiting_for))
    assert seen.phase is Phase.QUEUED
    executor.cancel(hanging[0].id)
    assert ministry.end(executor, waiting).phase is Phase.SUCCEEDED
    executor.cancel(hanging[1].id)
    assert ministry.end(executor, hanging[1]).phase is Phase.CANCELLED


def test_it_outlives_who_asked_for_it_and_an_api_server_that_is_away(ministry: Ministry) -> None:
    first = ministry.executor()
    spec = ministry.probe(seconds=20.0, text="done")
    first.ensure(spec)
    ministry.until(first, spec, lambda seen: seen.phase is Phase.RUNNING)
    first.close()
    second = ministry.executor()
    try:
        assert second.observe([spec.id])[spec.id].phase is Phase.RUNNING
        with without_api_server(ministry.cluster), pytest.raises(OSError, match="answer"):
            second.ensure(ministry.probe())
        assert ministry.end(second, spec).phase is Phase.SUCCEEDED
        assert messages(second, spec).count(messages(second, spec)[0]) == 1, "it was not started again"
    finally:
        second.close()
