"""MLflow's stores of this process, opened and governed before anybody asks them anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.entities import Workspace
from mlflow.exceptions import MlflowException
from mlflow.server import handlers
from mlflow.server.workspace_helpers import _get_workspace_store
from sqlalchemy import create_engine, func, make_url, select
from sqlalchemy.pool import NullPool

from bongsu.tracking.governed import marks, mounted_files
from bongsu.tracking.governed.row_filter import RowFilter
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.showing import shown_to
from bongsu.tracking.governed.viewer import Acting, Housekeeping, Shown, acting

_open: dict[str, RowFilter] = {}
# Number of the lock in MLflow's database; nothing else locks there.
_OPENING = 1


def open_stores(settings: GovernedSettings) -> RowFilter:
    """Make what MLflow keeps once for each process, and govern it; a second call finds it made.

    Raises:
        RuntimeError: this process governs another database.
    """
    uri = settings.database_uri
    if uri in _open:
        return _open[uri]
    if _open:
        raise RuntimeError(f"This process governs {make_url(next(iter(_open))).render_as_string()}")
    row_filter = RowFilter(frozenset({make_url(uri)}))
    mounted_files.register(settings)
    with _alone(uri), acting(Housekeeping()):
        row_filter.attach()
        handlers.initialize_backend_stores(uri, uri, default_artifact_root=None)
        # MLflow asks itself through its own client; its stores are others than those of the server.
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client._tracking_client.store  # noqa: B018
        client._get_registry_client().store  # noqa: B018
        marks.create_tables(handlers._get_tracking_store().engine)
    _open[uri] = row_filter
    return row_filter


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
    store = _get_workspace_store()
    with acting(Housekeeping()):
        for ministry in sorted(ministries):
            try:
                store.create_workspace(Workspace(name=ministry))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
