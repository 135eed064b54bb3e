"""MLflow's own server as an ASGI application for several ministries, to be mounted in the server's."""

from __future__ import annotations

import warnings

from starlette.types import ASGIApp

from bongsu.tracking.governed.settings import GovernedSettings, prepare_environment
from bongsu.tracking.governed.viewer import ViewerOf


def mount(settings: GovernedSettings, viewer_of: ViewerOf) -> ASGIApp:
    """MLflow behind its door; mount it at any path, such as ``/mlflow``.

    Everything that MLflow makes once for each process is made here: its tables, stores and caches. It takes some
    seconds and must be done before requests are served, and once in a process.

    Args:
        settings: see there.
        viewer_of: says who asks; called for each request but those for MLflow's own static files.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
        mlflow.exceptions.MlflowException: it holds another version's tables.
    """
    prepare_environment(settings)
    from bongsu.tracking.governed.shell import Shell
    from bongsu.tracking.governed.stores import open_stores

    open_stores(settings)
    with warnings.catch_warnings():
        # MLflow's own server uses Starlette's WSGI middleware, which will go.
        warnings.simplefilter("ignore")
        from mlflow.server import app
        from mlflow.server.fastapi_app import create_fastapi_app

        from bongsu.tracking.governed.file_responses import hand_over_files
        from bongsu.tracking.governed.public_pages import public_pages

    hand_over_files(app)
    return Shell(create_fastapi_app(), public_pages(settings.session_page, settings.language), settings, viewer_of)
