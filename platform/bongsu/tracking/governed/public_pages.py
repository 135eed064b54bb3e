"""What is served to everybody: MLflow's pages, which are the same in every installation, and that the server lives.

They are served here and not by MLflow, which would ask its database for a workspace first.
"""

from __future__ import annotations

from pathlib import Path

from mlflow.server import app as flask_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


def public_pages() -> Starlette:
    """The routes that ``routes.py`` says are public."""
    folder = Path(str(flask_app.static_folder))

    async def index(_: Request) -> Response:
        return FileResponse(folder / "index.html")

    async def health(_: Request) -> Response:
        return PlainTextResponse("OK")

    static = Mount("/static-files", StaticFiles(directory=folder))
    return Starlette(routes=[Route("/", index), Route("/health", health), static])
