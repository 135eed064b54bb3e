"""MLflow's stores of this process, governed from their opening to their end.

MLflow keeps what it works with once for each process, and so do its libraries: its settings in the environment
(``settings.prepared_environment``), its stores and its Flask application in its own modules, its artifact repositories
in a registry; and SQLAlchemy has its hooks at classes. None of that can be had in another way. Each is changed for the
time of a block alone, which takes it back, also if it fails, and nothing of ours is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from mlflow import MlflowClient
from mlflow.entities import Workspace
from mlflow.exceptions import MlflowException
from mlflow.server import handlers, workspace_helpers
from sqlalchemy import create_engine, func, make_url, select
from sqlalchemy.pool import NullPool

from bongsu.tracking.governed import marks, mounted_files
from bongsu.tracking.governed.row_filter import RowFilter
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.showing import shown_to
from bongsu.tracking.governed.viewer import Acting, Housekeeping, Shown, acting

# Number of the lock in MLflow's database; nothing else locks there.
_OPENING = 1


@contextmanager
def open_stores(settings: GovernedSettings) -> Iterator[RowFilter]:
    """Make what MLflow keeps once for each process, and govern it until the end of the block. Whoever asks MLflow
    something has been answered before that.

    Raises:
        RuntimeError: the stores of this process are open already.
        sqlalchemy.exc.SQLAlchemyError, mlflow.exceptions.MlflowException: they cannot be opened; nothing of it is left,
            and the next call tries again.
    """
    if handlers._tracking_store is not None:
        raise RuntimeError("MLflow's stores are open in this process already")
    uri = settings.database_uri
    row_filter = RowFilter(frozenset({make_url(uri)}))
    with ExitStack() as undo:
        undo.enter_context(mounted_files.registered(settings))
        row_filter.attach()
        undo.callback(row_filter.detach)
        undo.callback(_forget_stores)
        with _alone(uri), acting(Housekeeping()):
            handlers.initialize_backend_stores(uri, uri, default_artifact_root=None)
            # MLflow asks itself through its own client; its stores are others than those of the server.
            client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            client._tracking_client.store  # noqa: B018
            client._get_registry_client().store  # noqa: B018
            marks.create_tables(handlers._get_tracking_store().engine)
        yield row_filter


def _forget_stores() -> None:
    """MLflow asks none of them any more, and their connections end."""
    for store in (handlers._tracking_store, handlers._model_registry_store):
        if store is not None:
            store.engine.dispose()
    handlers._tracking_store = None
    handlers._model_registry_store = None
    handlers._artifact_repo = None
    workspace_helpers._workspace_store = None


def shown_so_far(actor: Acting) -> tuple[Shown, ...]:
    """See :func:`bongsu.tracking.governed.showing.shown_to`; called in the actor's name."""
    with handlers._get_tracking_store().engine.connect() as connection:
        return shown_to(actor, connection)


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """No other replica makes or changes MLflow's tables meanwhile: MLflow itself lets two of them try at once, of which
    one fails."""
    url = make_url(uri)
    if url.get_backend_name() != "postgresql":
        yield
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as session:  # the lock ends with it
        session.execute(select(func.pg_advisory_lock(_OPENING)))
        yield


def ensure_workspaces(ministries: Iterable[str]) -> None:
    """A workspace for each ministry; those that are there stay as they are."""
    store = workspace_helpers._get_workspace_store()
    with acting(Housekeeping()):
        for ministry in sorted(ministries):
            try:
                store.create_workspace(Workspace(name=ministry))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
