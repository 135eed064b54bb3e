"""The control plane's way into MLflow. MLflow is imported on first use: most commands never need it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.publication import (
    AliasChanged,
    ModelPage,
    Publication,
    PublishedTree,
    RegisteredVersion,
    RegistrationRequest,
    RunClosed,
    RunOpened,
    VersionRegistered,
)
from bongsu.tracking.birth import ensure_database, is_whole
from bongsu.tracking.lineage import LineageWriter
from bongsu.tracking.registry import RegistryWriter
from bongsu.tracking.settings import TrackingSettings, quieten

if TYPE_CHECKING:
    from mlflow import MlflowClient


class MlflowPublisher:
    """Delivers publications and registrations to MLflow. Both are idempotent by their keys."""

    def __init__(self, settings: TrackingSettings) -> None:
        self._settings = settings

    @cached_property
    def client(self) -> MlflowClient:
        quieten()
        from mlflow import MlflowClient

        uri = self._settings.tracking_uri
        ensure_database(uri, _make_database)
        return MlflowClient(tracking_uri=uri, registry_uri=uri)

    @cached_property
    def _lineage(self) -> LineageWriter:
        return LineageWriter(self.client, self._settings.artifact_root)

    @cached_property
    def _registry(self) -> RegistryWriter:
        return RegistryWriter(self.client, self._settings.registry_views)

    def is_blank(self) -> bool:
        try:
            return not is_whole(self._settings.tracking_uri)
        except (OSError, sqlite3.Error):  # damaged is not blank; whoever writes to it will hear what it is
            return False

    def publish(self, items: Sequence[Publication]) -> list[ModelPage]:
        """Write the items in order; returns pages of their models.

        Raises what MLflow raises; the caller tries again later.
        """
        pages = []
        for item in items:
            if isinstance(item, RunOpened):
                self._lineage.open_run(item)
            elif isinstance(item, RunClosed):
                self._lineage.close_run(item)
            elif isinstance(item, VersionRegistered):
                self._register(item.request, item.version)
            elif isinstance(item, AliasChanged):
                self._registry.move_alias(item)
            else:
                self._lineage.finish_stage(item)
                for tree in item.outputs:
                    if tree.ref.type is ArtifactType.MODEL and tree.uri:
                        self._registry.renew_views(tree.ref.digest, tree.uri)
                pages += self._lineage.pages(item)
        return pages

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        """Register a model version; the same request gives the same version again.

        Raises:
            RegistrationRefused: MLflow says that it never will.
        """
        return self._register(request, None)

    def _register(self, request: RegistrationRequest, version: int | None) -> RegisteredVersion:
        experiment = self._lineage.experiment(request.pipeline)
        tree = PublishedTree(port="model", title=request.title or request.name, ref=request.model)
        model_id = self._lineage.model_id(experiment, tree)
        run = self._lineage.run_of(request.pipeline, request.run_id)
        return self._registry.register(request, run, model_id, version)


def _make_database(uri: str) -> None:
    """All tables of MLflow's tracking store and registry, by its own hand."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(uri, "mlruns")
    store.engine.dispose()
