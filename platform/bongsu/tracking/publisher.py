"""The control plane's way into MLflow. MLflow is imported on first use: most commands never need it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from bongsu.domain.publication import ModelPage, Publication, RegisteredVersion, RegistrationRequest
from bongsu.tracking.birth import ensure_database, is_whole
from bongsu.tracking.settings import TrackingSettings, quieten
from bongsu.tracking.writing import PublicationWriter

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
    def _writer(self) -> PublicationWriter:
        return PublicationWriter(self.client, self._settings.artifact_root, self._settings.registry_views)

    def is_blank(self) -> bool:
        try:
            return not is_whole(self._settings.tracking_uri)
        except (OSError, sqlite3.Error):  # damaged is not blank; whoever writes to it will hear what it is
            return False

    def publish(self, items: Sequence[Publication]) -> list[ModelPage]:
        """Write the items in order; returns pages of their models.

        Raises what MLflow raises; the caller tries again later.
        """
        return [page for item in items for page in self._writer.write(item)]

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        """Register a model version; the same request gives the same version again.

        Raises:
            RegistrationRefused: MLflow says that it never will.
        """
        return self._writer.register(request)


def _make_database(uri: str) -> None:
    """All tables of MLflow's tracking store and registry, by its own hand."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(uri, "mlruns")
    store.engine.dispose()
