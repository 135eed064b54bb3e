"""Clusters for tests. One runs at a time; a module says which level it needs by the fixture that it asks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clusters import Clusters
from local_kube.cluster import Cluster
from local_kube.components import Level


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    made = Clusters(lambda: tmp_path_factory.mktemp("kube"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def api_cluster(clusters: Clusters) -> Cluster:
    return clusters.at(Level.API)


@pytest.fixture(scope="module")
def queue_cluster(clusters: Clusters) -> Cluster:
    return clusters.at(Level.QUEUE)


@pytest.fixture(scope="module")
def node_cluster(clusters: Clusters) -> Cluster:
    return clusters.at(Level.NODE)
