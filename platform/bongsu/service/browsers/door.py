"""What a request by a browser brings: the cookie of its session, and from whose page it was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bongsu.domain.codes import identity as codes
from bongsu.service.browsers.settings import Browsers, BrowserSettings

_READING = frozenset({"GET", "HEAD"})
_NAME = "bongsu-session"
_MOST_SECRETS = 8


def cookie_name(settings: BrowserSettings) -> str:
    """Of the cookie of a session."""
    return settings.cookie_prefix + _NAME


def cookies_of(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """By name, the first of each; nothing of headers that cannot be read.

    Args:
        headers: as ASGI has them: names in lower case.
    """
    found: dict[str, str] = {}
    for name, value in _pairs(headers):
        found.setdefault(name, value)
    return found


def session_secrets(browsers: Browsers, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, ...]:
    """All that a browser sends along, each once; no more than a browser would have."""
    name = cookie_name(browsers.settings)
    found = dict.fromkeys(value for key, value in _pairs(headers) if key == name and value)
    return tuple(found)[:_MOST_SECRETS]


def session_secret(browsers: Browsers, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The one that a browser sends along; empty if it sends none. Which of two comes first is up to who set them: a
    cookie for a longer path would put somebody else in the place of whoever signed in.

    Raises:
        BongsuError: ``identity.two-sessions``.
    """
    secrets = session_secrets(browsers, headers)
    if len(secrets) > 1:
        raise codes.TWO_SESSIONS.error()
    return "".join(secrets)


def refuse_foreign_page(
    own: str, method: str, headers: Iterable[tuple[bytes, bytes]], *, by_cookie: bool = True
) -> None:
    """The one rule of whose pages may change something. With a cookie, which a browser sends along whoever asks, a
    change counts only where the browser says that a page of this server asked for it: by ``Origin``, which every
    browser sends with a change, and by ``Sec-Fetch-Site``, where it sends that. A program with a token is no page, and
    says neither; what says that it is a page of another site is refused with a token too.

    Args:
        own: scheme, host and port of this server's pages, as browsers send them.
        by_cookie: it is a cookie that says who asks.

    Raises:
        BongsuError: ``identity.foreign-page``.
    """
    if method in _READING:
        return
    said = [(name, value.decode("latin-1")) for name, value in headers]
    origins = [value for name, value in said if name == b"origin"]
    sites = [value for name, value in said if name == b"sec-fetch-site"]
    if origins not in ([own], *([] if by_cookie else [[]])) or sites not in ([], ["same-origin"]):
        raise codes.FOREIGN_PAGE.error()


def _pairs(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, _, said = part.strip().partition("=")
                yield key, said
