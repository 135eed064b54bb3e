"""MLflow's own server as an ASGI application for several ministries, to be mounted in the server's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from starlette.types import ASGIApp

from bongsu.tracking.governed.settings import GovernedSettings, prepared_environment
from bongsu.tracking.governed.viewer import ViewerOf


@contextmanager
def mount(settings: GovernedSettings, viewer_of: ViewerOf) -> Iterator[ASGIApp]:
    """MLflow behind its door, until the end of the block; mount it at any path, such as ``/mlflow``.

    Everything that MLflow makes once for each process is made here: its tables, stores and caches. It takes some
    seconds and must be done before requests are served.

    Args:
        settings: see there.
        viewer_of: says who asks; called for each request but those for MLflow's own static files.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
        mlflow.exceptions.MlflowException: it holds another version's tables.
        RuntimeError: it is mounted in this process already.
    """
    with prepared_environment(settings), ExitStack() as undo:
        from bongsu.tracking.governed.shell import Shell
        from bongsu.tracking.governed.stores import open_stores

        undo.enter_context(open_stores(settings))
        with warnings.catch_warnings():
            # MLflow's own server uses Starlette's WSGI middleware, which will go.
            warnings.simplefilter("ignore")
            from mlflow.server import app
            from mlflow.server.fastapi_app import create_fastapi_app

            from bongsu.tracking.governed.file_responses import handing_over_files
            from bongsu.tracking.governed.public_pages import public_pages

        undo.enter_context(handing_over_files(app))
        pages = public_pages(settings.session_page, settings.language)
        yield Shell(create_fastapi_app(), pages, settings, viewer_of)
