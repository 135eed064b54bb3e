"""Signing in at a server with a code that is confirmed in a browser (device authorization grant, RFC 8628)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from bongsu.client.contexts import SignIn
from bongsu.client.unreached import why
from bongsu.domain.codes import client as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import Code
from bongsu.machine.certificates import trusted_certificates

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_TIMEOUT_S = 30.0
_WHY = {
    "access_denied": N_("somebody refused it on the page"),
    "expired_token": N_("the code ran out before it was confirmed"),
}


@dataclass(frozen=True)
class Provider:
    """Where people of a server sign in: endpoints of its identity provider, and what this program is called there."""

    token_endpoint: str
    device_endpoint: str
    client_id: str
    scope: str


@dataclass(frozen=True)
class DeviceCode:
    """What a person has to do: open the page and confirm the code. Times in seconds."""

    page: str
    whole_page: str
    user_code: str
    device_code: str
    interval: float
    expires_in: float


def checked_url(url: str) -> str:
    """A server's address without a path. Tokens go over TLS, or do not leave the machine.

    Raises:
        BongsuError: ``client.bad-server-url``.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        _ = parts.port  # is looked at when it is asked for
    except ValueError as error:
        raise codes.BAD_SERVER_URL.error(url=url, detail=str(error)) from None
    is_here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise codes.BAD_SERVER_URL.error(url=url, detail=phrase(N_("it has no host")))
    if parts.scheme == "http" and not is_here:
        raise codes.BAD_SERVER_URL.error(url=url, detail=phrase(N_("without TLS a token could be read on the way")))
    return f"{parts.scheme}://{parts.netloc}"


def provider_of(url: str, issuer: str | None = None) -> Provider:
    """What a server says of its sign-in.

    Args:
        url: of the server.
        issuer: where the person signs in; the first of the server's providers if None.

    Raises:
        BongsuError: ``client.nobody-there`` and ``client.unreachable`` of the server and of the issuer,
            ``client.not-understood``, ``client.bad-server-url`` of the issuer.
    """
    place = _said_of_itself(url).get("signIn") or {}
    try:
        found = _asked(url, "GET", _discovery(issuer or place["issuer"]))
        return Provider(
            found["token_endpoint"], found["device_authorization_endpoint"], place["clientId"], place["scope"]
        )
    except KeyError as error:
        raise codes.NOT_UNDERSTOOD.error(url=url, detail=_lacks(str(error.args[0]))) from error


def pages_of(url: str) -> str:
    """Where MLflow's pages of a server are opened with a browser; empty if nobody signs in to them there. Raises as
    :func:`provider_of`."""
    return str(_asked(url, "GET", f"{url}/v1/server").get("pages") or "")


def begin(provider: Provider) -> DeviceCode:
    """Ask for a code."""
    told = _asked(
        provider.device_endpoint,
        "POST",
        provider.device_endpoint,
        client_id=provider.client_id,
        scope=provider.scope,
    )
    page = told["verification_uri"]
    return DeviceCode(
        page,
        told.get("verification_uri_complete") or page,
        told["user_code"],
        told["device_code"],
        float(told.get("interval", 5)),
        float(told["expires_in"]),
    )


def wait(provider: Provider, code: DeviceCode, sleep: Callable[[float], None] = time.sleep) -> SignIn:
    """Until somebody has confirmed the code. Raises ``client.login-refused``."""
    interval, waited = code.interval, 0.0
    while waited <= code.expires_in:
        sleep(interval)
        waited += interval
        form = {"grant_type": _DEVICE_GRANT, "device_code": code.device_code, "client_id": provider.client_id}
        response = _sent(provider.token_endpoint, "POST", provider.token_endpoint, form)
        if response.is_success:
            return _signed_in(
                _document(provider.token_endpoint, response), provider.token_endpoint, provider.client_id
            )
        match _document(provider.token_endpoint, response).get("error"):
            case "authorization_pending":
                continue
            case "slow_down":
                interval += 5
            case other:
                raise codes.LOGIN_REFUSED.error(detail=_WHY.get(str(other), str(other)))
    raise codes.LOGIN_REFUSED.error(detail=_WHY["expired_token"])


def service_endpoint(url: str, issuer: str | None = None) -> str:
    """Where service accounts of a server get their tokens: at ``issuer``, if it is named, else there itself, else where
    its people sign in. Raises as :func:`provider_of`."""
    about = _said_of_itself(url)
    place = issuer or about.get("serviceIssuer") or (about.get("signIn") or {}).get("issuer") or ""
    found = _asked(url, "GET", _discovery(place)) if place else {}
    if not found.get("token_endpoint"):
        raise codes.NOT_UNDERSTOOD.error(url=url, detail=_lacks("token_endpoint"))
    return str(found["token_endpoint"])


def with_secret(token_endpoint: str, account: str, secret: str) -> SignIn:
    """As a service account (client credentials, RFC 6749, section 4.4). Raises ``client.no-secret``,
    ``client.secret-refused``."""
    if not secret:
        raise codes.NO_SECRET.error(account=account)
    form = {"grant_type": "client_credentials", "client_id": account, "client_secret": secret}
    response = _sent(token_endpoint, "POST", token_endpoint, form)
    _refuse_absence(token_endpoint, response)
    document = _document(token_endpoint, response)
    if not response.is_success:
        detail = str(document.get("error") or f"HTTP {response.status_code}")
        raise codes.SECRET_REFUSED.error(account=account, detail=detail)
    # Where there is a refresh token it outlives no secret that was withdrawn.
    return _signed_in(document, token_endpoint, account).model_copy(
        update={"is_service": True, "refresh_token": ""}
    )


def renewed(held: SignIn, url: str, secret: str = "") -> SignIn:
    """A new token for an old sign-in.

    Args:
        held: which.
        url: of the server.
        secret: of a service account; empty for people.

    Raises:
        BongsuError: ``client.sign-in-again``, ``client.secret-refused``.
    """
    if held.is_service and secret and held.token_endpoint:
        return with_secret(held.token_endpoint, held.client_id, secret)
    if not held.refresh_token or not held.token_endpoint:
        raise codes.SIGN_IN_AGAIN.error(url=url)
    form = {"grant_type": "refresh_token", "refresh_token": held.refresh_token, "client_id": held.client_id}
    response = _sent(url, "POST", held.token_endpoint, form)
    _refuse_absence(url, response)
    if not response.is_success:
        raise codes.SIGN_IN_AGAIN.error(url=url)
    return _signed_in(_document(url, response), held.token_endpoint, held.client_id, held.refresh_token)


def _refuse_absence(url: str, response: httpx.Response) -> None:
    """Raises ``client.unreachable`` for a provider that is away for the moment: it has said nothing of the sign-in."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        raise codes.UNREACHABLE.error(url=url, detail=f"HTTP {response.status_code}")


def _signed_in(document: dict[str, Any], endpoint: str, client_id: str, refresh_token: str = "") -> SignIn:
    return SignIn(
        access_token=document["access_token"],
        refresh_token=document.get("refresh_token") or refresh_token,
        expires_at=time.time() + float(document.get("expires_in") or 0),
        token_endpoint=endpoint,
        client_id=client_id,
    )


def _said_of_itself(url: str) -> dict[str, Any]:
    """What a server says to who is not signed in yet. Raises ``client.nobody-there``, ``client.not-understood``."""
    return _asked(url, "GET", f"{url}/v1/server", codes.NOBODY_THERE)


def _lacks(name: str) -> Words:
    return phrase(N_("it does not say {name}"), name=name)


def _discovery(issuer: str) -> str:
    """Raises ``client.bad-server-url``: what a person types in there must not be read on the way."""
    checked_url(issuer)
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _asked(url: str, method: str, address: str, silent: Code = codes.UNREACHABLE, **form: str) -> dict[str, Any]:
    response = _sent(url, method, address, form or None, silent)
    if not response.is_success:
        raise codes.NOT_UNDERSTOOD.error(url=address, detail=f"HTTP {response.status_code}")
    return _document(url, response)


def _sent(
    url: str, method: str, address: str, form: dict[str, str] | None, silent: Code = codes.UNREACHABLE
) -> httpx.Response:
    """``silent`` says that nobody answers."""
    try:
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False, verify=trusted_certificates()) as client:
            return client.request(method, address, data=form)
    except httpx.HTTPError as error:
        raise silent.error(url=url, detail=why(error)) from error


def _document(url: str, response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError as error:
        raise codes.NOT_UNDERSTOOD.error(url=url, detail=str(error)) from error
    return found if isinstance(found, dict) else {}
