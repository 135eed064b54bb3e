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

# What stands in rows is shown on these pages: it runs no script, and sends nothing to anybody. MLflow's charts make
# functions of their own.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "frame-src 'self' blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)


def public_pages() -> Starlette:
    """The routes that ``routes.py`` says are public."""
    folder = Path(str(flask_app.static_folder))

    async def index(_: Request) -> Response:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "X-Frame-Options": "SAMEORIGIN"}
        return FileResponse(folder / "index.html", headers=headers)

    async def health(_: Request) -> Response:
        return PlainTextResponse("OK")

    static = Mount("/static-files", StaticFiles(directory=folder))
    return Starlette(routes=[Route("/", index), Route("/health", health), static])
