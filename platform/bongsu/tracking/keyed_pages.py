"""MLflow's own application behind a key: everybody of a machine reaches its loopback, and a home is one account's.

The key is drawn anew for each server. A browser shows it once, in the address that was printed, and has
it as a cookie from then on; MLflow's clients send it as a token (``MLFLOW_TRACKING_TOKEN``) or as a password. Run as
``python -m bongsu.tracking.keyed_pages HOST PORT``, with the key in :data:`KEY_VARIABLE`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import sys

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bongsu.domain.messages import N_
from bongsu.language.translation import preferred_language, translator
from bongsu.tracking.page_key import KEY_VARIABLE, PARAMETER

_CLOSED = N_(
    "This server shows the runs of one account of this machine. Open the address that `bongsu mlflow` printed; programs"
    " send its key as MLFLOW_TRACKING_TOKEN."
)


class Keyed:
    """An application for who has shown the key.

    Args:
        app: what is behind it.
        key: that is to be shown.
        port: at which it listens. Browsers do not tell the ports of a host apart in cookies; names do.
    """

    def __init__(self, app: ASGIApp, key: str, port: int) -> None:
        self._app = app
        self._key = key.encode()
        self._cookie = f"bongsu-mlflow-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":  # MLflow has no other
            await send({"type": "websocket.close"})
        else:
            request = Request(scope)
            answer = self._led_in(request) or (None if self._is_known(request) else _closed(request.headers))
            await (answer or self._app)(scope, receive, send)

    def _led_in(self, request: Request) -> Response | None:
        """To the first page, for a browser that brings the key in the address: it stays in no address after this."""
        if request.method != "GET" or not self._is_key(request.query_params.get(PARAMETER, "")):
            return None
        answer = RedirectResponse("/", 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        answer.set_cookie(self._cookie, self._key.decode(), path="/", httponly=True, samesite="strict")
        return answer

    def _is_known(self, request: Request) -> bool:
        return self._is_key(request.cookies.get(self._cookie, "")) or self._is_key(_sent(request.headers))

    def _is_key(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(errors="replace"), self._key)


def _sent(headers: Headers) -> str:
    """The token of a program, or its password: whatever the name beside it is."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return rest.strip() if scheme.lower() == "bearer" else ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _closed(headers: Headers) -> Response:
    language = preferred_language(headers.get("accept-language"))
    told = translator(language)(_CLOSED) + "\n"
    given = {"WWW-Authenticate": 'Basic realm="bongsu mlflow"', "Cache-Control": "no-store"}
    return PlainTextResponse(told, 401, given | {"Content-Language": language})


def main(host: str, port: int) -> None:
    """Serve until the process is asked to end."""
    import uvicorn
    from mlflow.server import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR, REGISTRY_STORE_URI_ENV_VAR
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    key = os.environ.pop(KEY_VARIABLE)
    told = (BACKEND_STORE_URI_ENV_VAR, REGISTRY_STORE_URI_ENV_VAR, ARTIFACT_ROOT_ENV_VAR)
    initialize_backend_stores(*(os.environ[name] for name in told))
    # The log of requests would have the key.
    uvicorn.run(Keyed(app, key, port), host=host, port=port, access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
