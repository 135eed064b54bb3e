"""The server itself, and the asker as the server knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from bongsu import __version__
from bongsu.api.answers import Fields, answer
from bongsu.api.asking import Asking, for_anybody, for_signed_in
from bongsu.api.openapi import as_well, only_as
from bongsu.api.query_names import refuse_unheard
from bongsu.api.requests import language_of
from bongsu.domain.documents import plain
from bongsu.domain.messages import N_
from bongsu.language.translation import translator
from bongsu.service.control_plane import ControlPlane, SignInPlace
from bongsu.service.people_documents import MeDocument, me_document
from bongsu.service.whoami import who_asks

router = APIRouter(tags=["about"])
_WELCOME = N_(
    "Bongsu {version}: the MLOps control plane of several ministries.\n\n"
    "  bongsu login URL    sign in at this address; then every command works here\n"
    "  bongsu mlflow       how to use MLflow here, with plain clients and in a browser\n"
    "  /v1                 the API, described by {schema}\n"
    "  /mlflow             MLflow's pages, if you open them with a browser and sign in; and its own API, with\n"
    "                      MLFLOW_TRACKING_AUTH=bongsu\n"
)


@router.get("/", **only_as("text/plain"), **for_anybody())
def welcome(request: Request) -> Response:
    """What is where, for whoever opens the address of the server."""
    language = language_of(request)
    told = translator(language)(_WELCOME).format(version=__version__, schema=request.app.openapi_url)
    return PlainTextResponse(told, headers={"Content-Language": language, "Vary": "Accept-Language"})


@dataclass(frozen=True)
class Alive:
    """The process answers."""

    status: Literal["alive"] = "alive"


@dataclass(frozen=True)
class Ready:
    """Whether it can serve."""

    status: Literal["ready", "not ready"]


@dataclass(frozen=True)
class ServerDocument:
    """What a client has to know; None for what this server does not say."""

    site: str
    version: str
    sign_in: SignInPlace | None
    service_issuer: str | None
    pages: str | None


@router.get("/healthz", **for_anybody(gives=Alive))
async def alive() -> Response:
    """The process answers. Nothing else is asked, and no thread is needed: who does not answer this is ended."""
    return JSONResponse(plain(Alive()))


@router.get("/readyz", **as_well("application/json", status=503), **for_anybody(gives=Ready))
async def ready(request: Request) -> Response:
    """It can serve: its database answers and has the schema of this version, and it is not going down."""
    is_there = await request.app.state.readiness()
    return JSONResponse(plain(Ready("ready" if is_there else "not ready")), 200 if is_there else 503)


@router.get("/v1/server", dependencies=[Depends(refuse_unheard)], **for_anybody(gives=ServerDocument))
def server(request: Request, fields: Fields = "") -> Response:
    """What a client has to know before anybody is signed in."""
    plane: ControlPlane = request.app.state.plane
    about = ServerDocument(
        plane.site, __version__, plane.sign_in, plane.service_issuer or None, plane.pages or None
    )
    return answer(request, about, fields)


@router.get("/v1/me", **for_signed_in(gives=MeDocument))
def me(request: Request, asker: Asking, fields: Fields = "") -> Response:
    """Who the asker is here: roles and permissions by ministry, and clearance."""
    return answer(request, me_document(who_asks(asker.actor, asker.plane.site)), fields)
