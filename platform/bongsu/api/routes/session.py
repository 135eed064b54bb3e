"""Signing in with a browser, and out again. What comes of it counts for MLflow's pages, and for nothing below ``/v1``
but these routes."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from bongsu.api.asking import for_anybody
from bongsu.api.issuer_pages import TITLE_REFUSED, TITLE_SIGN_IN, Page, shown
from bongsu.api.openapi import as_page
from bongsu.api.problems import problem_response, status_of
from bongsu.api.query_names import refuse_unheard
from bongsu.api.requests import Rate, key_of_address, language_of
from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.problems import BongsuError
from bongsu.identity.refusals import is_not_signed_in
from bongsu.language.translation import translator
from bongsu.service.browsers.door import (
    cookie_name,
    cookies_of,
    refuse_foreign_page,
    session_secret,
    session_secrets,
)
from bongsu.service.browsers.settings import CALLBACK_PATH, SESSION_PATH, Browsers
from bongsu.service.browsers.signing_in import PAGES, is_sign_in
from bongsu.service.browsers.waiting import actor_in_time, arrive_in_time, depart_in_time, end_in_time

router = APIRouter(tags=["session"])
TITLE_IN = N_("You are signed in")
TITLE_OUT = N_("You are not signed in")
LEAD_IN = N_("MLflow's pages show here what {person} may see.")
LEAD_OUT = N_("MLflow's pages show nothing in this browser until somebody has signed in.")
LEAD_WHERE = N_("Where do you sign in?")
LEAD_ONWARD = N_("You are being sent to where you sign in.")
GO_ON = N_("Go on")
AGAIN = N_("Sign in once more")
TO_PAGES = N_("Open MLflow's pages")
_MOST_UNDER_WAY = 10
# Pages of MLflow are told apart by what follows `#`, which a browser tells no server, and forgets on its way over a
# form.
_WITH_FRAGMENT = (
    "location.replace(location.pathname + location.search + (location.search ? '&' : '?')"
    " + 'fragment=' + encodeURIComponent(location.hash))"
)
# Of all cookies: `__Host-` is for this one alone. What they count for is decided by who looks at them.
_PATH = "/"


def _browsers(request: Request) -> Browsers:
    """Counted by address: whoever comes here has no name yet."""
    rate: Rate = request.app.state.rate
    rate.take(key_of_address(request.scope))
    found: Browsers | None = request.app.state.browsers
    if found is None:
        raise codes.NO_BROWSERS.error()
    return found


Known = Annotated[Browsers, Depends(_browsers)]
_HEARD = [Depends(refuse_unheard)]
To = Annotated[str, Query(max_length=2000, description="Path of the page that the browser comes back to.")]
Fragment = Annotated[
    str | None,
    Query(
        max_length=2000, description="Of that page's address, from its `#`; a page finds it out if it is left out."
    ),
]
Issuer = Annotated[str, Query(max_length=500, description="Identity provider; asked for if there are several.")]


@router.get(SESSION_PATH, dependencies=_HEARD, **as_page(403, 404, 429, 503), **for_anybody())
async def session(request: Request, browsers: Known) -> Response:
    """Whether somebody is signed in with this browser, who, and a way out."""
    try:
        secret = session_secret(browsers, request.headers.raw)
        actor = await actor_in_time(browsers, secret)
    except BongsuError as error:
        if not is_not_signed_in(error):
            return _refused(request, error, PAGES)
        page = Page(TITLE_OUT, LEAD_OUT, links={PAGES: TITLE_SIGN_IN})
    else:
        page = Page(
            TITLE_IN,
            LEAD_IN,
            values={"person": f"{actor.name} ({actor.id})"},
            action=f"{SESSION_PATH}/logout",
            signs_out=True,
            links={PAGES: TO_PAGES},
        )
    return shown(page, language_of(request))


@router.get(f"{SESSION_PATH}/login", dependencies=_HEARD, **as_page(404, 429, 503), **for_anybody())
async def login(
    request: Request, browsers: Known, to: To = PAGES, fragment: Fragment = None, issuer: Issuer = ""
) -> Response:
    """Send the browser to where its person signs in."""
    if fragment is None:
        links = {_login(to): GO_ON}
        return shown(Page(TITLE_SIGN_IN, LEAD_ONWARD, links=links, script=_WITH_FRAGMENT), language_of(request))
    to += fragment
    if not issuer and len(browsers.providers) > 1:
        links = {_login(to, issuer=one): one for one in browsers.providers}
        return shown(Page(TITLE_SIGN_IN, LEAD_WHERE, links=links), language_of(request))
    try:
        leaving = await depart_in_time(browsers, to, issuer)
    except BongsuError as error:
        return _refused(request, error, to)
    answer = _onward(leaving.address)
    settings = browsers.settings
    under_way = [name for name in cookies_of(request.headers.raw) if is_sign_in(settings, name)]
    for name in under_way if len(under_way) >= _MOST_UNDER_WAY else ():
        answer.delete_cookie(name, path=_PATH, secure=settings.is_secure)
    answer.set_cookie(
        leaving.cookie,
        leaving.value,
        max_age=settings.sign_in_life_s,
        path=_PATH,
        secure=settings.is_secure,
        httponly=True,
        # The way back begins on a page of the provider.
        samesite="lax",
    )
    return answer


@router.get(CALLBACK_PATH, **as_page(403, 404, 429, 503), **for_anybody())
async def callback(request: Request, browsers: Known) -> Response:
    """The browser comes back, with a code or with the reason why there is none. What it may say is OpenID Connect's to
    state."""
    query, pairs = dict(request.query_params), request.query_params.multi_items()
    try:
        if len(query) != len(pairs):
            raise codes.SIGN_IN_STALE.error()  # a parameter that stands twice is read by two programs in two ways
        arrived = await arrive_in_time(browsers, query, cookies_of(request.headers.raw))
    except BongsuError as error:
        return _refused(request, error, PAGES)
    # What the browser had until now is nobody's any more: nobody could sign out of it.
    await end_in_time(browsers, session_secrets(browsers, request.headers.raw))
    answer = _onward(f"{browsers.settings.url}{arrived.to}")
    answer.delete_cookie(arrived.cookie, path=_PATH, secure=browsers.settings.is_secure)
    answer.set_cookie(
        cookie_name(browsers.settings),
        arrived.secret,
        path=_PATH,
        secure=browsers.settings.is_secure,
        httponly=True,
        # Not "strict": who follows a link to a page of MLflow from a letter would have to sign in each time.
        samesite="lax",
    )
    return answer


@router.post(f"{SESSION_PATH}/logout", dependencies=_HEARD, **as_page(403, 404, 429, 503), **for_anybody())
async def logout(request: Request, browsers: Known) -> Response:
    """Sign out: the session ends, here and at every replica."""
    try:
        refuse_foreign_page(browsers.settings.url, request.method, request.headers.raw)
    except BongsuError as error:
        return _refused(request, error, PAGES)
    await end_in_time(browsers, session_secrets(browsers, request.headers.raw))
    answer = _onward(SESSION_PATH)
    answer.delete_cookie(cookie_name(browsers.settings), path=_PATH, secure=browsers.settings.is_secure)
    return answer


def _refused(request: Request, error: BongsuError, to: str) -> Response:
    """As a page where a browser asks, with a way to begin anew."""
    if "text/html" not in request.headers.get("accept", ""):
        return problem_response(request, error)
    say = translator(language := language_of(request))
    problem, *_others = error.problems
    page = Page(
        TITLE_REFUSED,
        "{fix}",
        fault="{what}",
        values={"what": problem.what(say), "fix": problem.fix(say)},
        links={_login(to): AGAIN},
        status=status_of(error.problems),
    )
    answer = shown(page, language)
    if answer.status_code == 503:
        answer.headers["Retry-After"] = "2"
    return answer


def _login(to: str, **more: str) -> str:
    return f"{SESSION_PATH}/login?{urlencode({'to': to, 'fragment': '', **more})}"


def _onward(address: str) -> Response:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
