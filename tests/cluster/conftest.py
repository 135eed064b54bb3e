"""Clusters for tests. One runs at a time; a module says which level it needs by the fixture that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from local_kube.building import CannotBuild
from local_kube.cluster import FAKE_NODES, CannotRun, Cluster
from local_kube.components import Level
from local_kube.layout import Layout
from needs import lacks

ClusterAt = Callable[[Level], Cluster]


@pytest.fixture(scope="session")
def cluster_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterAt]:
    """The cluster of a level: the one that runs, if it is of that level, else another one in its place."""
    running: list[Cluster] = []

    def at(level: Level) -> Cluster:
        if running and running[0].layout.level is level:
            return running[0]
        while running:
            running.pop().down()
        made = Cluster(Layout(tmp_path_factory.mktemp("kube"), level))
        running.append(made)
        try:
            made.up(FAKE_NODES if level is Level.QUEUE else 0)
        except (CannotRun, CannotBuild) as error:
            running.clear()
            lacks(str(error))
        return made

    yield at
    for cluster in running:
        cluster.down()


@pytest.fixture(scope="module")
def api_cluster(cluster_at: ClusterAt) -> Cluster:
    return cluster_at(Level.API)


@pytest.fixture(scope="module")
def queue_cluster(cluster_at: ClusterAt) -> Cluster:
    return cluster_at(Level.QUEUE)


@pytest.fixture(scope="module")
def node_cluster(cluster_at: ClusterAt) -> Cluster:
    return cluster_at(Level.NODE)
