"""The application: routes, what holds for all of them, and nothing that somebody may reach without a permission."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI

from bongsu import __version__
from bongsu.api.asking import unstated
from bongsu.api.ending import Ending
from bongsu.api.followers import Followers
from bongsu.api.observed import InRequest, Observed
from bongsu.api.openapi import DescribedApp
from bongsu.api.problems import handle_problems, problem_response
from bongsu.api.readiness import Readiness
from bongsu.api.requests import MOST_BYTES, MOST_OF_STRANGERS, Bounded, Numbered, Rate
from bongsu.api.routes import (
    about,
    artifacts,
    attempts,
    audit,
    events,
    governance,
    grants,
    labels,
    looking,
    ministries,
    model_bundles,
    models,
    people,
    pipelines,
    runs,
    session,
)
from bongsu.api.uploads import Intake
from bongsu.api.whole_reads import LogReads, WholeReads
from bongsu.domain.server_defaults import LANGUAGE, MLFLOW_PATH, REQUESTS_A_MINUTE
from bongsu.service.browsers.settings import Browsers
from bongsu.service.control_plane import ControlPlane
from bongsu.service.health import is_ready
from bongsu.service.observing.telemetry import Telemetry

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_ROUTERS: tuple[APIRouter, ...] = (
    about.router,
    pipelines.router,
    runs.router,
    events.router,
    attempts.router,
    models.router,
    model_bundles.router,
    artifacts.router,
    governance.router,
    grants.router,
    audit.router,
    ministries.router,
    people.router,
    labels.router,
    looking.router,
    session.router,
)


def create_app(
    plane: ControlPlane,
    background: Callable[[], AbstractContextManager[object]] | None = None,
    routers: Sequence[APIRouter] = (),
    requests_a_minute: int = REQUESTS_A_MINUTE,
    telemetry: Telemetry | None = None,
    browsers: Browsers | None = None,
    language: str = LANGUAGE,
) -> FastAPI:
    """The control plane as an ASGI application.

    Args:
        plane: what it serves.
        background: entered when the server begins and left when it ends.
        routers: more routes.
        requests_a_minute: how many each actor may make.
        telemetry: of the process; counted for nobody if it is not given.
        browsers: in which people sign in; None if they do not.
        language: of what is told to whoever asks for none: ``ko`` or ``en``.

    Raises:
        RuntimeError: a route states no permission. Nothing is served then.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if background is None:
            yield
            return
        with background():
            yield

    app = described_app(lifespan, routers)
    app.state.plane = plane
    app.state.browsers = browsers
    app.state.language = language
    app.state.rate = Rate(requests_a_minute)
    app.state.ending = Ending()
    app.state.followers = Followers()
    app.state.intake = Intake()
    app.state.whole_reads = {kind: kind() for kind in (WholeReads, LogReads)}
    app.state.readiness = Readiness(lambda: is_ready(plane.base), app.state.ending)
    handle_problems(app)
    # Those that are added later see a request earlier.
    app.add_middleware(Bounded, most_of=_most_of, takes_lines=_is_mlflows, refuse=problem_response)
    app.add_middleware(InRequest)
    app.add_middleware(Numbered)
    app.add_middleware(Observed, telemetry=telemetry or Telemetry())
    missing = list(unstated(app))
    if missing:
        raise RuntimeError(f"routes without a permission: {', '.join(missing)}")
    return app


def described_app(lifespan: Lifespan | None = None, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """The routes, without anything behind them: enough for the document that describes them."""
    app = DescribedApp(
        title="Bongsu",
        version=__version__,
        description="The MLOps control plane of several ministries. Errors are `application/problem+json` (RFC 9457).",
        lifespan=lifespan,
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # An address with one slash more is another one. It would lead to whatever host and scheme the request names.
        redirect_slashes=False,
    )
    for router in (*_ROUTERS, *routers):
        app.include_router(router)
    return app


def _is_mlflows(path: str) -> bool:
    """MLflow's filters may have several lines."""
    return path.startswith(f"{MLFLOW_PATH}/")


def _most_of(path: str) -> int | None:
    """Of a body at this path, in bytes. What is mounted has limits of its own, for messages and for files; elsewhere
    than below ``/v1`` nobody is known before their form is read."""
    if _is_mlflows(path):
        return None
    if path.startswith("/v1/ministries/") and path.endswith(("/artifacts", "/model-bundles")):
        return None
    return MOST_BYTES if path.startswith("/v1/") else MOST_OF_STRANGERS
