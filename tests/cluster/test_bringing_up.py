"""What is said where a cluster does not come up, and what is left of it then."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from clusters import Clusters
from local_kube import building
from local_kube.building import CannotBuild
from local_kube.cluster import CannotRun, Cluster
from local_kube.components import Level, Program
from local_kube.layout import Layout
from local_kube.processes import NotReady, Processes
from ports import free_port


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path / "processes", tmp_path / "logs")
    yield made
    made.stop(*made.names())


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        yield int(somebody.getsockname()[1])


def test_a_cluster_does_not_take_the_etcd_of_another(tmp_path: Path, listener: int) -> None:
    cluster = Cluster(Layout(tmp_path / "kube", Level.API, api_port=free_port(), etcd_port=listener))
    try:
        with pytest.raises(CannotRun, match=f"127.0.0.1:{listener} already"):
            cluster.up()
        assert not cluster.is_up
    finally:
        cluster.down()


def test_a_port_that_another_process_answers_at_is_not_ones_own(processes: Processes, listener: int) -> None:
    processes.start("sleeper", ["sleep", "60"])
    assert not processes.listens("sleeper", listener)
    port = free_port()
    processes.start("server", ["python3", "-m", "http.server", "--bind", "127.0.0.1", str(port)])
    processes.wait_for("it listens", lambda: processes.listens("server", port), 30, "server")


def test_a_process_is_found_and_ended_after_the_clock_was_set(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.start("sleeper", ["sleep", "60"])
    began = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: began(self) + 3600)
    found = processes.get("sleeper")
    assert found is not None
    processes.stop("sleeper")
    assert not found.is_running()


def test_another_process_of_the_same_number_is_not_taken_for_ours(processes: Processes) -> None:
    processes.folder.mkdir(parents=True)
    (processes.folder / "ours").write_text(f"{os.getpid()} 1")
    assert processes.get("ours") is None


def test_who_waits_in_vain_is_told_of_the_thing_and_of_the_log(processes: Processes) -> None:
    processes.start("worker", ["sh", "-c", "echo no room; exec sleep 60"])
    with pytest.raises(NotReady) as caught:
        processes.wait_for("it is done", lambda: False, 0.5, "worker", lambda: "Admitted=False: quota")
    for words in ("it is done", "Admitted=False: quota", "no room"):
        assert words in str(caught.value)


def test_a_cluster_that_did_not_come_up_is_taken_down_and_not_handed_on(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    downs: list[Path] = []

    def fails(_cluster: Cluster, _fake_nodes: int) -> None:
        raise NotReady("the API server answers: not within 120 s")

    monkeypatch.setattr(Cluster, "up", fails)
    monkeypatch.setattr(Cluster, "down", lambda cluster: downs.append(cluster.layout.folder))
    clusters = Clusters(lambda: tmp_path_factory.mktemp("kube"))
    for _ in range(2):
        with pytest.raises(NotReady):
            clusters.at(Level.API)
    assert len(set(downs)) == 2


def test_a_failed_build_says_what_was_not_built_and_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    absent = Program("absent", "pause", "bongsu.dev/pause/absent", Level.API)
    with pytest.raises(CannotBuild, match=r"(?s)absent was not built.*local_kube build") as caught:
        building.build([absent])
    assert "bongsu.dev/pause/absent" in str(caught.value)
    assert not building.program(absent).exists()


def test_without_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotBuild, match=r"kubelet.*Install Go 1\.26"):
        building.build([Program("kubelet", "kubernetes", "k8s.io/kubernetes/cmd/kubelet", Level.NODE)])


def test_what_kubectl_says_is_told(api_cluster: Cluster) -> None:
    with pytest.raises(subprocess.CalledProcessError, match='namespaces "none" not found'):
        api_cluster.kubectl("get", "namespace", "none")
