"""The way of a browser to an identity provider and back (OpenID Connect Core section 3.1, RFC 7636, RFC 9700).

Until somebody has signed in, the server keeps nothing: strangers fill no table. What only this browser may come back
with, it keeps itself, in a cookie: one secret, from which state, nonce and the proof of PKCE are derived.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.server_defaults import MLFLOW_PATH
from bongsu.identity.codes import challenge_of, new_secret
from bongsu.identity.oauth import GrantType
from bongsu.identity.refusals import TokenRefusedError
from bongsu.identity.relying_party import (
    UNNAMED,
    Endpoints,
    GrantRefusedError,
    IssuedTokens,
    Provider,
    ProviderSilentError,
    fault_word,
)
from bongsu.identity.sealing import derived
from bongsu.service.browsers.sessions import begin_session, make_room
from bongsu.service.browsers.settings import Browsers, BrowserSettings
from bongsu.store.people import home_of

PAGES = f"{MLFLOW_PATH}/"
"""Where a browser goes that named no page."""
SCOPE = "openid profile offline_access"
_COOKIE = "bongsu-sign-in-"
_NAMED = 10
_LONGEST = 2000
# No quotes, blanks, backslashes: browsers take those for something else than they are.
_ADDRESS = re.compile(r"[A-Za-z0-9/?#%&=+,;:@!$'()*._~\[\]-]*")
_log = logging.getLogger("bongsu.identity")
_DOTS = re.compile(r"(?i)(?:\.|%2e){1,2}")


@dataclass(frozen=True)
class Departure:
    """A browser on its way to a provider.

    Attributes:
        address: to which it goes.
        cookie, value: that it has to bring back.
    """

    address: str
    cookie: str
    value: str


@dataclass(frozen=True)
class Arrival:
    """A browser in which somebody has signed in.

    Attributes:
        secret: of its session.
        to: path that it wanted to see.
        cookie: that it needs no longer.
    """

    secret: str
    to: str
    cookie: str


def is_page_here(address: str) -> bool:
    """Whether it is the path of a page of MLflow, maybe with a query and a fragment, and can lead nowhere else."""
    path, _, _rest = address.partition("#")[0].partition("?")
    if len(address) > _LONGEST or _ADDRESS.fullmatch(address) is None:
        return False
    inside = path == PAGES.rstrip("/") or path.startswith(PAGES)
    # Some programs take what follows ";" for no part of a name.
    parts = (part.partition(";")[0] for part in path.strip("/").split("/"))
    return inside and not any(_DOTS.fullmatch(part) or not part for part in parts)


def chosen_provider(browsers: Browsers, issuer: str = "") -> str:
    """The issuer, if its provider is one of the server's; the first one's if it is empty. Raises
    ``identity.no-such-provider``."""
    chosen = issuer or next(iter(browsers.providers))
    if chosen not in browsers.providers:
        raise codes.NO_SUCH_PROVIDER.error(known=", ".join(browsers.providers))
    return chosen


def depart(browsers: Browsers, to: str, issuer: str = "") -> Departure:
    """Send a browser to sign in.

    Args:
        browsers: see there.
        to: the page that it comes back to; MLflow's first one if that is none of ours.
        issuer: where its person signs in; the first provider of the server if empty.

    Raises:
        BongsuError: ``identity.no-such-provider``, ``identity.provider-silent``.
    """
    issuer = chosen_provider(browsers, issuer)
    endpoints = _endpoints(browsers, issuer)
    secret, kept = new_secret(), written(to if is_page_here(to) else PAGES, issuer, browsers.clock())
    state = derived(secret, "state", kept)
    asked = {
        "client_id": browsers.settings.client_id,
        "redirect_uri": browsers.settings.redirect_uri,
        "response_type": "code",
        "scope": SCOPE,
        "state": state,
        "nonce": derived(secret, "nonce", kept),
        "code_challenge": challenge_of(derived(secret, "verifier", kept)),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(endpoints.authorize).query else "?"
    cookie = cookie_of(browsers.settings, state)
    return Departure(f"{endpoints.authorize}{joint}{urlencode(asked)}", cookie, f"{secret}.{kept}")


def cookie_of(settings: BrowserSettings, state: str) -> str:
    """Name of the cookie of a sign-in: one each, so that pages that were opened at once do not take another's."""
    return settings.cookie_prefix + _COOKIE + re.sub("[^A-Za-z0-9_-]", "", state)[:_NAMED]


def is_sign_in(settings: BrowserSettings, cookie: str) -> bool:
    """Whether :func:`cookie_of` makes this name; anybody may send others that begin like it."""
    start = settings.cookie_prefix + _COOKIE
    return cookie.startswith(start) and cookie == cookie_of(settings, cookie.removeprefix(start))


@dataclass(frozen=True)
class Begun:
    """A sign-in that this browser was sent away with.

    Attributes:
        cookie: name of the one that kept it.
        secret, kept: the cookie's value.
        to: the page that it comes back to.
        issuer: where its person signs in, one of the server's.
    """

    cookie: str
    secret: str
    kept: str
    to: str
    issuer: str


def begun_sign_in(browsers: Browsers, query: Mapping[str, str], cookies: Mapping[str, str]) -> Begun:
    """What a browser comes back from, before any provider is asked. Raises ``identity.sign-in-stale``,
    ``identity.no-such-provider``."""
    state = query.get("state", "")
    cookie = cookie_of(browsers.settings, state)
    secret, _, kept = cookies.get(cookie, "").partition(".")
    expected = derived(secret, "state", kept)
    if not secret or not hmac.compare_digest(expected.encode(), state.encode("utf-8", "surrogatepass")):
        raise codes.SIGN_IN_STALE.error()
    to, issuer, begun_at = _read(kept)
    if abs(browsers.clock() - begun_at) > browsers.settings.sign_in_life_s:
        raise codes.SIGN_IN_STALE.error()
    return Begun(cookie, secret, kept, to, chosen_provider(browsers, issuer))


def arrive(browsers: Browsers, query: Mapping[str, str], cookies: Mapping[str, str]) -> Arrival:
    """A browser comes back from a provider.

    Args:
        browsers: see there.
        query: that it comes with.
        cookies: that it has.

    Raises:
        BongsuError: ``identity.sign-in-stale`` if it was not this browser that was sent there;
            ``identity.sign-in-failed`` if the provider has signed nobody in, or says so of somebody else;
            ``identity.not-known-here``, ``identity.provider-silent``.
    """
    begun = begun_sign_in(browsers, query, cookies)
    secret, kept, to, issuer = begun.secret, begun.kept, begun.to, begun.issuer
    endpoints = _endpoints(browsers, issuer)
    # RFC 9207: an answer of one provider is not taken for another one's.
    if query.get("iss", "" if endpoints.names_itself else issuer) != issuer:
        raise _of_ours(issuer, Reason.PROVIDER)
    if not query.get("code"):
        raise _of_theirs(issuer, fault_word(query.get("error")))
    form = {
        "grant_type": GrantType.CODE.value,
        "code": query["code"],
        "redirect_uri": browsers.settings.redirect_uri,
        "code_verifier": derived(secret, "verifier", kept),
    }
    # A code is good once: a store that takes nothing now is met before it is spent.
    make_room(browsers)
    tokens = given(browsers, browsers.providers[issuer], issuer, form)
    actor = _signed_in(browsers, issuer, tokens, derived(secret, "nonce", kept))
    session = begin_session(browsers, actor, issuer, tokens)
    return Arrival(session, to if is_page_here(to) and to != PAGES else _first_page(actor), begun.cookie)


def given(browsers: Browsers, provider: Provider, issuer: str, form: Mapping[str, str]) -> IssuedTokens:
    """Tokens of a provider. Raises ``identity.sign-in-failed``, ``identity.provider-silent``."""
    try:
        return provider.tokens(browsers.settings.as_client(form))
    except GrantRefusedError as error:
        raise _of_theirs(issuer, error.fault) from error
    except ProviderSilentError as error:
        raise codes.PROVIDER_SILENT.error(issuer=issuer) from error


def _first_page(actor: Actor) -> str:
    """What there is of their own ministry; MLflow shows nothing before it is told of which."""
    own = home_of(actor.id)
    return f"{PAGES}#/experiments?workspace={own}" if own in actor.ministries else PAGES


def _signed_in(browsers: Browsers, issuer: str, tokens: IssuedTokens, nonce: str) -> Actor:
    """Who it was, by both tokens alike."""
    now = browsers.clock()
    try:
        subject = browsers.verifier.signed_in(tokens.identity, issuer, browsers.settings.client_id, nonce, now)
        verified = browsers.verifier.verify(tokens.access, now)
    except TokenRefusedError as error:
        raise _of_ours(issuer, Reason.TOKEN, error.cause) from error
    if (verified.issuer, verified.subject) != (issuer, subject):
        raise _of_ours(issuer, Reason.SUBJECT)
    try:
        actor = browsers.identify(tokens.access)
    except TokenRefusedError as error:
        _log.warning("Whoever signed in at %s may not come in: %s", issuer, error.cause)
        raise codes.NOT_KNOWN_HERE.error(issuer=issuer) from error
    if actor.kind is not ActorKind.PERSON:
        raise codes.NOT_KNOWN_HERE.error(issuer=issuer)
    return actor


def _endpoints(browsers: Browsers, issuer: str) -> Endpoints:
    try:
        return browsers.providers[issuer].endpoints()
    except ProviderSilentError as error:
        raise codes.PROVIDER_SILENT.error(issuer=issuer) from error


class Reason(StrEnum):
    """Why this server takes no answer of a provider; the provider has words of its own."""

    PROVIDER = "another-provider"
    TOKEN = "token"
    SUBJECT = "two-people"


def _of_ours(issuer: str, reason: Reason, cause: str = "") -> BongsuError:
    """``cause`` is for the operator alone: told to whoever tries tokens, it would say how far a forged one came."""
    _log.warning("A sign-in at %s has come to nothing: %s", issuer, ": ".join(filter(None, (reason, cause))))
    return codes.SIGN_IN_FAILED.error(issuer=issuer, detail=_OURS[reason])


def _of_theirs(issuer: str, fault: str) -> BongsuError:
    """``fault``: a word of the provider, or of whoever sent the browser back in its name."""
    _log.warning("A sign-in at %s has come to nothing: it says %s", issuer, fault)
    return codes.SIGN_IN_FAILED.error(issuer=issuer, detail=_THEIRS.get(fault, fault))


_OURS = {
    Reason.PROVIDER: phrase(N_("another provider than the one that was asked sent the browser back")),
    Reason.TOKEN: phrase(N_("its tokens do not hold, or are not of this sign-in")),
    Reason.SUBJECT: phrase(N_("its tokens are of two people")),
}
_THEIRS = {
    "access_denied": phrase(N_("it was turned away there")),
    "invalid_grant": phrase(N_("the code that the browser brought is over, was used, or is not this server's")),
    UNNAMED: phrase(N_("it does not say why")),
}


def written(to: str, issuer: str, now: float) -> str:
    """What a cookie keeps of a sign-in beside its secret. How long a browser keeps a cookie is its own affair, so when
    the sign-in was begun is in it."""
    return base64.urlsafe_b64encode(json.dumps([to, issuer, int(now)]).encode()).rstrip(b"=").decode()


def _read(kept: str) -> tuple[str, str, int]:
    """Raises ``identity.sign-in-stale`` for what this server did not write."""
    try:
        to, issuer, begun_at = json.loads(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise codes.SIGN_IN_STALE.error() from None
    if not isinstance(to, str) or not isinstance(issuer, str) or not isinstance(begun_at, int):
        raise codes.SIGN_IN_STALE.error()
    return to, issuer, begun_at
