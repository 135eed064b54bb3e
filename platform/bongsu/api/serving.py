"""Serving a control plane with uvicorn, until the process is asked to end."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable
from functools import partial

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from bongsu.api.app import create_app
from bongsu.api.asking import for_anybody
from bongsu.api.ending import Ending
from bongsu.api.issuer import issuer_router
from bongsu.api.problems import problem_response
from bongsu.api.requests import Limited
from bongsu.api.sign_in_first import SignInFirst
from bongsu.domain.codes import api as codes
from bongsu.domain.server_defaults import MLFLOW_PATH
from bongsu.service.mlflow_mount import identity_of
from bongsu.service.serving import Served

# How long requests that are being answered are waited for, when the process is to end.
GRACE_S = 10
# How long a connection is kept on which nothing is asked.
KEEP_ALIVE_S = 30


def application(served: Served) -> FastAPI:
    """The API, and the identity provider of this process if it has one."""
    app = create_app(
        served.plane,
        served.at_work,
        requests_a_minute=served.settings.requests_a_minute,
        telemetry=served.telemetry,
        browsers=served.browsers,
        language=served.settings.language,
    )
    if served.issuer is not None:
        app.include_router(issuer_router(served.issuer), prefix=served.issuer.settings.path)
    if served.mlflow is not None:
        # It has a door of its own: who asks is looked at there, and each of its routes is on a list or closed.
        who = partial(identity_of, served.plane, browsers=served.browsers)
        pages = SignInFirst(served.mlflow, served.browsers, who) if served.browsers is not None else served.mlflow
        app.add_api_route(MLFLOW_PATH, _to_its_pages, include_in_schema=False, **for_anybody())
        app.mount(MLFLOW_PATH, Limited(pages, app.state.rate, who, problem_response))
    return app


def _to_its_pages() -> RedirectResponse:
    """A path alone: host and scheme are as whoever asks has them, behind a proxy too."""
    return RedirectResponse(f"{MLFLOW_PATH}/", status_code=307)


def listen(host: str, port: int) -> socket.socket:
    """The socket of a server, taken before anything is started. Until the server is ready it refuses connections: a
    proxy goes to another replica then, and would wait for this one otherwise. Raises ``api.port-taken``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind((host, port))
        return taken
    except OSError as error:
        taken.close()
        raise codes.PORT_TAKEN.error(address=f"{host}:{port}", detail=error.strerror or str(error)) from error


def serve(served: Served, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Answer requests until SIGTERM or Ctrl-C. From then on this server is not ready; after the time that is set for
    others to notice it takes no connection any more, and answers what is under way."""
    import uvicorn

    from bongsu.api.connections import BoundedProtocol

    app = application(served)
    ending: Ending = app.state.ending

    class _Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            # What was loaded stays until the end: looking through it for garbage holds up every request meanwhile,
            # and the end of the process by seconds.
            gc.freeze()
            on_ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            ending.begin()
            loop = asyncio.get_running_loop()
            until = loop.time() + served.settings.drain_s
            while loop.time() < until and not self.force_exit:
                await asyncio.sleep(0.05)
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    _Server(config).run([listening])
