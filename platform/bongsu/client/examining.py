"""What a context depends on: whether its server answers, of which version it is, and whether the sign-in is good."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from bongsu import __version__
from bongsu.client.contexts import Context, load_contexts
from bongsu.client.opening import open_server
from bongsu.client.unreached import why
from bongsu.domain.codes import client as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import as_phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.machine.certificates import trusted_certificates
from bongsu.service.doctor.finding import Finding

TIMEOUT_S = 5.0
MOST_SKEW_S = 30.0
"""What identity providers and servers put up with between their clocks is about as much."""
_SERVER = N_("Server")
_SIGNED_IN = N_("Signed in as")


@dataclass(frozen=True)
class _Answer:
    """What a server says of itself, and how far its clock is ahead of ours in seconds; None if it does not tell."""

    about: Mapping[str, Any]
    skew: float | None


def examine_context(
    path: Path, name: str, context: Context, language: str, clock: Callable[[], float] = time.time
) -> list[Finding]:
    """Look whether commands that speak to this context can.

    Args:
        path: of the contexts; a token that is renewed on the way is kept there.
        name: of the context.
        context: as it stands there.
        language: ``ko`` or ``en``.
        clock: seconds since the epoch.
    """
    try:
        answer = _asked(context.url, clock)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        fact = phrase("{context} ({url}): {detail}", context=name, url=context.url, detail=as_phrase(why(error)))
        return [Finding("problem", _SERVER, fact, codes.UNREACHABLE.fix)]
    return [
        Finding("ok", _SERVER, f"{name}: {context.url} ({answer.about.get('site', '–')})"),
        _version(str(answer.about.get("version", "–"))),
        _clock(answer.skew),
        *_sign_in(path, name, context, language),
    ]


def _asked(url: str, clock: Callable[[], float]) -> _Answer:
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, verify=trusted_certificates()) as client:
        began = clock()
        response = client.get(f"{url}/v1/server")
        middle = (began + clock()) / 2
    response.raise_for_status()
    about = response.json()
    if not isinstance(about, dict):
        raise ValueError("it says nothing of itself")
    date = response.headers.get("date")
    return _Answer(about, parsedate_to_datetime(date).timestamp() - middle if date else None)


def _version(there: str) -> Finding:
    subject = N_("Version of the server")
    if there == __version__:
        return Finding("ok", subject, there)
    fix = N_("Install the server's version here: what one of them writes the other may not understand.")
    return Finding("warning", subject, phrase(N_("{there}, and here {here}"), there=there, here=__version__), fix)


def _clock(skew: float | None) -> Finding:
    subject = N_("Clock of the server")
    if skew is None:
        return Finding("ok", subject, "–")
    fact = f"{skew:+.0f} s"
    if abs(skew) <= MOST_SKEW_S:
        return Finding("ok", subject, fact)
    fix = N_("Set the clock of this machine: with a wrong one a sign-in is taken for over, or for not begun.")
    return Finding("warning", subject, fact, fix)


def _sign_in(path: Path, name: str, context: Context, language: str) -> list[Finding]:
    try:
        with open_server(path, name, context, language) as server:
            me = server.json("GET", "/v1/me")
    except BongsuError as error:
        problem = error.problems[0]
        return [Finding("problem", _SIGNED_IN, problem.code.name, problem.fix())]
    roles = "; ".join(f"{ministry}: {', '.join(held['roles'])}" for ministry, held in me["ministries"].items())
    return [Finding("ok", _SIGNED_IN, f"{me['id']} ({roles or '–'})"), _end(path, name)]


def _end(path: Path, name: str) -> Finding:
    """Of the token as it stands now: it may have been renewed for the question."""
    subject = N_("End of the sign-in")
    known = load_contexts(path).known.get(name)
    held = known.sign_in if known else None
    if held is None or not held.expires_at:
        return Finding("ok", subject, "–")
    at = datetime.fromtimestamp(held.expires_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if held.refresh_token:
        return Finding("ok", subject, phrase(N_("{at}; it is renewed by itself"), at=at))
    return Finding("ok", subject, at)
