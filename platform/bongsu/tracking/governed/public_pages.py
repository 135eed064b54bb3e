"""What is served to everybody: MLflow's pages, which are the same in every installation, and that the server lives.

They are served here and not by MLflow, which would ask its database for a workspace first.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlflow.server import app as flask_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bongsu.domain.messages import N_
from bongsu.language.translation import preferred_language, translator

# What stands in rows is shown on these pages: it runs no script, and sends nothing to anybody. MLflow's charts make
# functions of their own. Scripts come from where MLflow's own files are, and from nowhere else of this server: what
# people logged is served by it too.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src {scripts} 'unsafe-eval'",
        "style-src {scripts} 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "frame-src 'self' blob:",
        "worker-src {scripts} blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
# The hosts that can stand in a policy with a path (CSP 3, section 2.3.1): addresses of IPv6 cannot.
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?")


def policy(host: str, mounted_at: str) -> str:
    """Of MLflow's page.

    Args:
        host: under which it was asked for.
        mounted_at: path below which MLflow is, such as ``/mlflow``.
    """
    named = f"{host}{mounted_at}/static-files/"  # of the page's own scheme, as no other is said
    return _POLICY.format(scripts=named if _HOST.fullmatch(host) else "'self'")


_SIGN_OUT = N_("Sign out")
# Below MLflow's own content, in a corner that it leaves empty.
_LINK = (
    '<a href="{page}" style="position:fixed;right:24px;bottom:0;z-index:1000;padding:0 8px;font:11px/16px system-ui,'
    'sans-serif;color:#1f4f8f;background:#fff;border-radius:4px 4px 0 0">Bongsu · {words}</a></body>'
)


def public_pages(session_page: str = "", language: str = "ko") -> Starlette:
    """The routes that ``routes.py`` says are public.

    Args:
        session_page: path at which people sign out, if they do.
        language: of who asks for none.
    """
    folder = Path(str(flask_app.static_folder))
    page = (folder / "index.html").read_text()

    async def index(request: Request) -> Response:
        own = policy(request.headers.get("host", ""), request.scope.get("root_path", ""))
        headers = {"Content-Security-Policy": own, "Cache-Control": "no-store", "X-Frame-Options": "SAMEORIGIN"}
        if not session_page:
            return HTMLResponse(page, headers=headers)
        say = translator(preferred_language(request.headers.get("accept-language"), language))
        link = _LINK.format(page=session_page, words=say(_SIGN_OUT))
        return HTMLResponse(page.replace("</body>", link), headers=headers | {"Vary": "Accept-Language"})

    async def health(_: Request) -> Response:
        return PlainTextResponse("OK")

    static = Mount("/static-files", StaticFiles(directory=folder))
    return Starlette(routes=[Route("/", index), Route("/health", health), static])
