"""MLflow's pages in a browser: who is not signed in is sent to sign in, and comes back to the page that was asked for.

Programs are not: they get what they got, 401 and how a token is sent. Nor is anybody whose session cannot be looked up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.identity.refusals import is_not_signed_in
from bongsu.service.browsers.settings import SESSION_PATH, Browsers
from bongsu.service.browsers.signing_in import PAGES, is_page_here

# What these serve is everybody's.
_OPEN = ("/static-files/", "/health")


class SignInFirst:
    """Args:
    app: what has the pages.
    browsers: in which people sign in.
    identity_of: says who asks.
    """

    def __init__(
        self,
        app: ASGIApp,
        browsers: Browsers,
        identity_of: Callable[[Scope], Awaitable[Actor | BongsuError | None]],
    ) -> None:
        self._app = app
        self._browsers = browsers
        self._identity_of = identity_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_page(scope):
            found = await self._identity_of(scope)
            if found is None or (isinstance(found, BongsuError) and is_not_signed_in(found)):
                await RedirectResponse(self._sign_in(scope), 303, {"Cache-Control": "no-store"})(
                    scope, receive, send
                )
                return
        await self._app(scope, receive, send)

    def _sign_in(self, scope: Scope) -> str:
        """At the address that its cookies are for, whichever it was asked at."""
        query = scope["query_string"].decode("latin-1")
        to = quote(scope["path"], safe="/~") + (f"?{query}" if query else "")
        asked = urlencode({"to": to if is_page_here(to) else PAGES})
        return f"{self._browsers.settings.url}{SESSION_PATH}/login?{asked}"


def _is_page(scope: Scope) -> bool:
    """Whether somebody opens an address with a browser: those say that they take pages, and scripts of pages do not."""
    headers = Headers(scope=scope)
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return (
        scope["method"] == "GET"
        and "text/html" in headers.get("accept", "")
        and headers.get("sec-fetch-mode", "navigate") == "navigate"
        and "authorization" not in headers
        and not path.startswith(_OPEN)
    )
