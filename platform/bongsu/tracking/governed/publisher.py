"""The control plane's way into MLflow where it serves several ministries: past the door, into the workspace of the
run's ministry, with the label of each thing, and sealed.

It needs no server: it writes to MLflow's database itself, from whichever process the reconciler runs in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from bongsu.domain.labels import Label
from bongsu.domain.publication import (
    LabelChanged,
    ModelPage,
    Publication,
    RegisteredVersion,
    RegistrationRequest,
    RunRelabelled,
    VersionRegistered,
)
from bongsu.tracking.governed.artifact_paths import tree_uri
from bongsu.tracking.governed.settings import GovernedSettings, prepared_environment
from bongsu.tracking.governed.viewer import Recorder, acting
from bongsu.tracking.writing import PublicationWriter

if TYPE_CHECKING:
    from mlflow import MlflowClient


@contextmanager
def open_publisher(settings: GovernedSettings) -> Iterator[GovernedPublisher]:
    """A publisher in a process that serves nothing of MLflow: its stores are open and governed until the end of the
    block.

    Raises as :func:`bongsu.tracking.governed.stores.open_stores`.
    """
    with prepared_environment(settings):
        from bongsu.tracking.governed.stores import open_stores

        with open_stores(settings):
            yield GovernedPublisher(settings)


class GovernedPublisher:
    """Delivers publications and registrations; both are idempotent by their keys. MLflow's stores are open while it is
    used, by :func:`bongsu.tracking.governed.mount.mount` or :func:`open_publisher`.

    Args:
        settings: the same as the mount's.
    """

    def __init__(self, settings: GovernedSettings) -> None:
        self._settings = settings
        self._writers: dict[str, PublicationWriter] = {}

    @cached_property
    def _client(self) -> MlflowClient:
        from mlflow import MlflowClient

        uri = self._settings.database_uri
        return MlflowClient(tracking_uri=uri, registry_uri=uri)

    def is_blank(self) -> bool:
        """A server's database is backed up with the control plane's; whether it was lost is not guessed at."""
        return False

    def publish(self, items: Sequence[Publication]) -> list[ModelPage]:
        """Write the items in order; returns pages of their models.

        Raises what MLflow raises; the caller tries again later.
        """
        pages: list[ModelPage] = []
        for item in items:
            if isinstance(item, LabelChanged):
                if item.label is not None:
                    self.relabel_version(item.ministry, item.name, item.version, item.label)
                continue
            if isinstance(item, RunRelabelled):
                self._relabel_run(item)
                continue
            ministry = item.request.ministry if isinstance(item, VersionRegistered) else item.ministry
            with self._writing(ministry) as writer:
                found = writer.write(_with_tree(item) if isinstance(item, VersionRegistered) else item)
            pages += [page.model_copy(update={"path": _in(ministry, page.path)}) for page in found]
        return pages

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        """Register a model version; the same request gives the same version again.

        Raises:
            RegistrationRefused: MLflow says that it never will.
        """
        with self._writing(request.ministry) as writer:
            return writer.register(_placed(request))

    def catch_up(self, item: Publication) -> None:
        """Let what is here already carry the label of an item that is not delivered yet; what is not will come with it.

        Raises what MLflow raises.
        """
        from mlflow.exceptions import MlflowException

        try:
            self.publish([item])
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise

    def _relabel_run(self, item: RunRelabelled) -> None:
        """Runs and data sets only rise; a model carries what its bytes carry, be it less than before."""
        with self._writing(item.ministry) as writer:
            from mlflow.server.handlers import _get_tracking_store

            from bongsu.tracking.governed.labelling import Ledger
            from bongsu.tracking.governed.marks import Kind

            found = writer.labelled(item)
            with _get_tracking_store().engine.begin() as connection:
                ledger = Ledger(connection, Recorder(item.ministry))
                for run, label in found.runs.items():
                    ledger.raise_to(Kind.RUN, run, [label])
                for digest, label in found.datasets.items():
                    for dataset in ledger.datasets(found.experiment, digest):
                        ledger.raise_to(Kind.DATASET, dataset, [label])
                for model, label in found.models.items():
                    ledger.relabel(Kind.LOGGED_MODEL, model, label)

    def relabel_version(self, ministry: str, name: str, version: int, label: Label) -> None:
        """Carry out what approvers decided about the label of a version, a downgrade included.

        Raises:
            mlflow.exceptions.MlflowException: RESOURCE_DOES_NOT_EXIST, if the ministry has no such version.
        """
        with self._writing(ministry):
            from mlflow.server.handlers import _get_tracking_store

            from bongsu.tracking.governed.labelling import Ledger
            from bongsu.tracking.governed.marks import Kind

            with _get_tracking_store().engine.begin() as connection:
                Ledger(connection, Recorder(ministry)).relabel(Kind.VERSION, f"{name}/{version}", label)

    @contextmanager
    def _writing(self, ministry: str) -> Iterator[PublicationWriter]:
        if not ministry:
            raise ValueError("On a server every run is a ministry's")
        client = self._client
        from mlflow.utils.workspace_context import ServerWorkspaceContext

        from bongsu.tracking.governed.stores import ensure_workspaces

        if ministry not in self._writers:
            ensure_workspaces([ministry])
            self._writers[ministry] = PublicationWriter(client, artifact_root=None, registry_views=None)
        with ServerWorkspaceContext(ministry), acting(Recorder(ministry)):
            yield self._writers[ministry]


def _placed(request: RegistrationRequest) -> RegistrationRequest:
    """Its bytes are downloaded through the mount, wherever they lie."""
    uri = tree_uri(request.ministry, request.name, request.model.digest)
    return request.model_copy(update={"source_uri": uri})


def _with_tree(item: VersionRegistered) -> VersionRegistered:
    return item.model_copy(update={"request": _placed(item.request)})


def _in(ministry: str, path: str) -> str:
    """MLflow's pages show one workspace, which their address names."""
    return f"{path}?workspace={ministry}"
