"""The built-in issuer over HTTP: OAuth's endpoints for programs, and pages on which people sign in.

Included where the issuer's address says (``app.include_router(issuer_router(issuer), prefix=issuer.settings.path)``),
and only where it is switched on. None of its routes asks for a permission: whoever comes here is not signed in yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from bongsu.api import issuer_pages as pages
from bongsu.api.issuer_pages import Page, shown
from bongsu.api.issuer_requests import (
    credentials_of,
    form_key,
    form_of,
    hidden_key,
    is_from_here,
    is_own_form,
    query_of,
    set_form_key,
)
from bongsu.api.requests import language_of
from bongsu.identity.oauth import GrantType, OAuthError, OAuthFault, OAuthForm
from bongsu.service.issuing.browsers import (
    FIELDS,
    BrowserRequest,
    ReturnedError,
    UnknownReturnError,
    code_tokens,
    read_request,
    signed_in_address,
)
from bongsu.service.issuing.clients import Credentials
from bongsu.service.issuing.devices import UnknownDeviceError, answer_device, device_tokens, start_device
from bongsu.service.issuing.discovery import DISCOVERY_PATH, discovery, key_set
from bongsu.service.issuing.issuer import Issuer
from bongsu.service.issuing.signing_in import SignInRefusedError, TooManyTriesError
from bongsu.service.issuing.tokens import TokenAnswer, refreshed, revoke, service_tokens

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_GIVEN: dict[str, Callable[[Issuer, Credentials, OAuthForm], TokenAnswer]] = {
    GrantType.CODE.value: code_tokens,
    GrantType.DEVICE.value: device_tokens,
    GrantType.REFRESH.value: refreshed,
    GrantType.CLIENT.value: service_tokens,
}


def issuer_router(issuer: Issuer) -> APIRouter:
    """Its routes. Pages for people are there only if the issuer signs people in."""
    programs, people = _Programs(issuer), _People(issuer)
    routes: list[tuple[str, str, Callable[[Request], Any]]] = [
        ("GET", DISCOVERY_PATH, programs.discovery),
        ("GET", "/jwks.json", programs.keys),
        ("POST", "/token", programs.token),
    ]
    if issuer.accounts is not None:
        routes += [
            ("POST", "/device_authorization", programs.device),
            ("POST", "/revoke", programs.revoke),
            ("GET", "/authorize", people.ask_browser),
            ("POST", "/authorize", people.answer_browser),
            ("GET", "/device", people.ask_device),
            ("POST", "/device", people.answer_device),
        ]
    router = APIRouter(include_in_schema=False)
    for method, path, endpoint in routes:
        router.add_api_route(path, _guarded(issuer, endpoint), methods=[method], response_model=None)
    return router


def _guarded(issuer: Issuer, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def answered(request: Request) -> Response:
        if not is_from_here(request, issuer.settings):
            return PlainTextResponse("not served under this name or to this address\n", 421)
        try:
            response: Response = await endpoint(request)
        except OAuthError as error:
            return _refusal(request, error)
        return response

    return answered


def _refusal(request: Request, error: OAuthError) -> JSONResponse:
    document = {"error": error.fault.value}
    document |= {"error_description": error.description} if error.description else {}
    headers = dict(_NO_STORE)
    if error.fault is OAuthFault.INVALID_CLIENT and "authorization" in request.headers:
        headers["WWW-Authenticate"] = 'Basic realm="bongsu"'
    return JSONResponse(document, error.status, headers)


@dataclass(frozen=True)
class _Trouble:
    """Why a form is shown once more, and with which status."""

    fault: str = ""
    status: int = 200
    values: Mapping[str, str] = field(default_factory=dict)
    wait_s: int = 0


_NO_TROUBLE = _Trouble()


class _Programs:
    """What programs ask for."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    async def discovery(self, _request: Request) -> Response:
        return JSONResponse(discovery(self._issuer), headers={"Cache-Control": "max-age=300"})

    async def keys(self, _request: Request) -> Response:
        found = await run_in_threadpool(key_set, self._issuer)
        return JSONResponse(found, headers={"Cache-Control": "max-age=300"})

    async def token(self, request: Request) -> Response:
        form = await form_of(request)
        credentials = credentials_of(request, form)
        give = _GIVEN.get(form.need("grant_type"))
        if give is None:
            raise OAuthError(OAuthFault.UNSUPPORTED_GRANT_TYPE)
        answer = await run_in_threadpool(give, self._issuer, credentials, form)
        return JSONResponse(answer.document(), headers=_NO_STORE)

    async def device(self, request: Request) -> Response:
        form = await form_of(request)
        answer = await run_in_threadpool(start_device, self._issuer, credentials_of(request, form), form)
        return JSONResponse(answer.document(), headers=_NO_STORE)

    async def revoke(self, request: Request) -> Response:
        form = await form_of(request)
        await run_in_threadpool(revoke, self._issuer, credentials_of(request, form), form)
        return Response(headers=_NO_STORE)


class _People:
    """Pages on which somebody signs in."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    async def ask_browser(self, request: Request) -> Response:
        return self._browser(request, query_of(request))

    async def answer_browser(self, request: Request) -> Response:
        form = await form_of(request)
        if not is_own_form(request, form):
            return self._browser(request, form, _Trouble(pages.WRONG_FORM, 403))

        def signed_in(asked: BrowserRequest) -> str:
            return signed_in_address(self._issuer, asked, form.get("login"), form.get("password"))

        try:
            return _sent_to(await run_in_threadpool(signed_in, read_request(self._issuer, form)))
        except (UnknownReturnError, ReturnedError):
            return self._browser(request, form)
        except (SignInRefusedError, TooManyTriesError) as error:
            return self._browser(request, form, _trouble(error))

    async def ask_device(self, request: Request) -> Response:
        return self._device(request, query_of(request))

    async def answer_device(self, request: Request) -> Response:
        form = await form_of(request)
        if not is_own_form(request, form):
            return self._device(request, form, _Trouble(pages.WRONG_FORM, 403))
        allow = form.get("answer") == "allow"

        def answered() -> None:
            answer_device(self._issuer, form.get("user_code"), form.get("login"), form.get("password"), allow)

        try:
            await run_in_threadpool(answered)
        except (SignInRefusedError, TooManyTriesError, UnknownDeviceError) as error:
            return self._device(request, form, _trouble(error))
        lead = pages.LEAD_ALLOWED if allow else pages.LEAD_DENIED
        return shown(Page(pages.TITLE_DONE, lead), _language(request, form))

    def _browser(self, request: Request, form: OAuthForm, trouble: _Trouble = _NO_TROUBLE) -> Response:
        try:
            asked = read_request(self._issuer, form)
        except UnknownReturnError:
            refused = Page(pages.TITLE_REFUSED, pages.LEAD_UNKNOWN_RETURN, status=400)
            return shown(refused, _language(request, form))
        except ReturnedError as error:
            return _sent_to(error.address)
        page = Page(
            pages.TITLE_SIGN_IN,
            pages.LEAD_BROWSER,
            values={"client": asked.client.title},
            action=f"{self._issuer.settings.path}/authorize",
            hidden={name: form.get(name) for name in FIELDS},
            returns_to=asked.redirect_uri,
        )
        return self._form(request, form, page, trouble)

    def _device(self, request: Request, form: OAuthForm, trouble: _Trouble = _NO_TROUBLE) -> Response:
        page = Page(
            pages.TITLE_DEVICE,
            pages.LEAD_DEVICE,
            action=f"{self._issuer.settings.path}/device",
            asks_code=True,
            user_code=form.get("user_code")[:20],
        )
        return self._form(request, form, page, trouble)

    def _form(self, request: Request, form: OAuthForm, page: Page, trouble: _Trouble) -> Response:
        key = form_key(request)
        whole = replace(
            page,
            fault=trouble.fault,
            values={**page.values, **trouble.values},
            hidden={**page.hidden, **hidden_key(key), "ui_locales": form.get("ui_locales")},
            login=form.get("login")[:200],
            status=trouble.status,
        )
        response = shown(whole, _language(request, form))
        set_form_key(response, self._issuer.settings, key)
        if trouble.wait_s:
            response.headers["Retry-After"] = str(trouble.wait_s)
        return response


def _trouble(error: SignInRefusedError | TooManyTriesError | UnknownDeviceError) -> _Trouble:
    if isinstance(error, TooManyTriesError):
        return _Trouble(pages.TOO_MANY_TRIES, 429, {"seconds": str(error.wait_s)}, error.wait_s)
    if isinstance(error, UnknownDeviceError):
        return _Trouble(pages.WRONG_CODE, 404)
    return _Trouble(pages.WRONG_SIGN_IN, 403)


def _sent_to(address: str) -> Response:
    return RedirectResponse(address, 303, {**_NO_STORE, "Referrer-Policy": "no-referrer"})


def _language(request: Request, form: OAuthForm) -> str:
    return language_of(request, form.get("ui_locales") or "", "en")
