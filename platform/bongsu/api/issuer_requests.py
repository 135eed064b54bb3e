"""What comes to the built-in issuer: from where, as what form, with whose secret, and from which page."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from bongsu.identity.oauth import OAuthError, OAuthFault, OAuthForm
from bongsu.identity.settings import is_loopback
from bongsu.service.issuing.clients import Credentials
from bongsu.service.issuing.issuer import IssuerSettings

MAX_FORM_BYTES = 16 * 1024
_MAX_FIELDS = 50
_FORM = "application/x-www-form-urlencoded"
_COOKIE, _FIELD = "bongsu-sign-in", "form_key"


def is_from_here(request: Request, settings: IssuerSettings) -> bool:
    """Whether the issuer answers to this request at all. Without ``network`` it comes from this machine and names it:
    a page elsewhere whose name was made to lead here (DNS rebinding) names another host."""
    host = request.headers.get("host", "")
    if settings.network:
        return host == settings.authority
    name = _host_name(host)
    return (
        name is not None and is_loopback(name) and request.client is not None and is_loopback(request.client.host)
    )


def _host_name(authority: str) -> str | None:
    """Without the port; None for what can be no authority."""
    try:
        return urlsplit(f"//{authority}").hostname
    except ValueError:
        return None


async def form_of(request: Request) -> OAuthForm:
    """The form in the body. Raises OAuthError, ``invalid_request``, for another kind, a long one, or a name that
    stands twice."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise OAuthError(OAuthFault.INVALID_REQUEST, f"the body has to be {_FORM}")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM_BYTES:
            raise OAuthError(OAuthFault.INVALID_REQUEST, "the body is too long")
    return _form(body.decode("ascii", "replace"))


def query_of(request: Request) -> OAuthForm:
    """The form in the address. Raises as :func:`form_of`."""
    return _form(request.url.query)


def _form(text: str) -> OAuthForm:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise OAuthError(OAuthFault.INVALID_REQUEST, "there are too many parameters") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise OAuthError(OAuthFault.INVALID_REQUEST, "a parameter stands twice")
    return OAuthForm(values)


def credentials_of(request: Request, form: OAuthForm) -> Credentials:
    """Which client asks (RFC 6749, section 2.3.1). Raises OAuthError, ``invalid_request``, ``invalid_client``."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return Credentials(form.need("client_id"), form.get("client_secret"))
    try:
        user, colon, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise OAuthError(OAuthFault.INVALID_CLIENT) from None
    if scheme.lower() != "basic" or not colon:
        raise OAuthError(OAuthFault.INVALID_CLIENT)
    found = Credentials(unquote_plus(user), unquote_plus(secret))
    if form.get("client_secret") or form.get("client_id") not in ("", found.client):
        raise OAuthError(OAuthFault.INVALID_REQUEST, "the client names itself twice")
    return found


def form_key(request: Request) -> str:
    """What a form of ours sends along and a cookie says, too: a page elsewhere can send neither (double submit)."""
    known = request.cookies.get(_COOKIE, "")
    return known if len(known) == len(secrets.token_urlsafe(32)) and known.isascii() else secrets.token_urlsafe(32)


def hidden_key(key: str) -> dict[str, str]:
    return {_FIELD: key}


def set_form_key(response: Response, settings: IssuerSettings, key: str) -> None:
    secure = settings.issuer.startswith("https:")
    response.set_cookie(_COOKIE, key, path=settings.path or "/", secure=secure, httponly=True, samesite="strict")


def is_own_form(request: Request, form: OAuthForm) -> bool:
    """Whether a page of ours sent the form, as far as the browser tells, and with its key."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    host = request.headers.get("host")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return False
    if site not in (None, "same-origin"):
        return False
    key, sent = request.cookies.get(_COOKIE, ""), form.get(_FIELD)
    return bool(key) and hmac.compare_digest(key.encode(), sent.encode("utf-8", "surrogatepass"))
