"""Publications and registrations, each written to the part of MLflow that knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.publication import (
    AliasChanged,
    LabelChanged,
    ModelPage,
    Publication,
    PublishedTree,
    RegisteredVersion,
    RegistrationRequest,
    RunClosed,
    RunOpened,
    RunRelabelled,
    SuspensionChanged,
    VersionRegistered,
)
from bongsu.tracking.lineage import Labelled, LineageWriter
from bongsu.tracking.registry import RegistryWriter

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow import MlflowClient


class PublicationWriter:
    """Writes to one tracking server, or to one workspace of it; everything is idempotent by its key.

    Args:
        client: of that server.
        artifact_root: see :class:`bongsu.tracking.lineage.LineageWriter`.
        registry_views: see :class:`bongsu.tracking.settings.TrackingSettings`.
    """

    def __init__(self, client: MlflowClient, artifact_root: str | None, registry_views: Path | None) -> None:
        self._lineage = LineageWriter(client, artifact_root)
        self._registry = RegistryWriter(client, registry_views)

    def write(self, item: Publication) -> list[ModelPage]:
        """Returns pages of the models that the item speaks of. Raises what MLflow raises."""
        if isinstance(item, RunOpened):
            self._lineage.open_run(item)
        elif isinstance(item, RunClosed):
            self._lineage.close_run(item)
        elif isinstance(item, VersionRegistered):
            self.register(item.request, item.version)
        elif isinstance(item, AliasChanged):
            self._registry.move_alias(item)
        elif isinstance(item, LabelChanged):
            self._registry.relabel(item)
        elif isinstance(item, SuspensionChanged):
            self._registry.mark_suspended(item)
        elif isinstance(item, RunRelabelled):
            self._lineage.relabel(item)
        else:
            self._lineage.finish_stage(item)
            for tree in item.outputs:
                if tree.ref.type is ArtifactType.MODEL and tree.uri:
                    self._registry.renew_views(tree.ref.digest, tree.uri)
            return self._lineage.pages(item)
        return []

    def labelled(self, item: RunRelabelled) -> Labelled:
        """What MLflow has of the things whose labels changed. Raises what MLflow raises."""
        return self._lineage.labelled(item)

    def register(self, request: RegistrationRequest, version: int | None = None) -> RegisteredVersion:
        """Register a model version; the same request gives the same version again.

        Args:
            version: which it was before the registry lost it; None for a new one.

        Raises:
            RegistrationRefused: MLflow says that it never will.
        """
        experiment = self._lineage.experiment(request.pipeline)
        tree = PublishedTree(port="model", title=request.title or request.name, ref=request.model)
        model_id = self._lineage.model_id(experiment, tree)
        run = self._lineage.run_of(request.pipeline, request.run_id)
        return self._registry.register(request, run, model_id, version)
