"""MLflow's own client signed in as ``bongsu`` is: each of its requests has a token that holds when it is sent.

A token lasts for minutes and MLFLOW_TRACKING_TOKEN for as long as the process, which is less and more than a training.
With MLFLOW_TRACKING_AUTH=bongsu MLflow's client asks :class:`SignInProvider` instead, which it finds by the entry
point group ``mlflow.request_auth_provider`` (``mlflow.tracking.request_auth``). MLflow is not imported here: it takes
whatever has the two methods.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from bongsu.client.contexts import SECRET_VARIABLE, VARIABLE, contexts_file, load_contexts
from bongsu.client.opening import Tokens
from bongsu.domain.codes import client as codes
from bongsu.domain.problems import BongsuError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

T = TypeVar("T")
NAME = "bongsu"
# Who gives out tokens may be begun anew in the middle of a training: about half a minute.
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_PORTS = {"http": 80, "https": 443}


class SignInProvider:
    """What MLflow asks how to sign requests.

    The context is chosen when the first request is made, and stays: a training goes on in the name in which it began,
    whatever `bongsu context use` says meanwhile.
    """

    def __init__(self) -> None:
        self._chosen: dict[tuple[str, str], SignedRequests] = {}

    def get_name(self) -> str:
        return NAME

    def get_auth(self) -> SignedRequests:
        """How requests of now are signed. Raises ``client.no-server-for-mlflow``, ``client.unknown-context``,
        ``client.bad-contexts``."""
        where = (str(contexts_file(os.environ)), os.environ.get(VARIABLE, ""))
        found = self._chosen.get(where)
        # Two threads may come here at once: one answer is kept, and no lock that a forked process would find taken.
        return found or self._chosen.setdefault(where, signed_requests(os.environ))


class SignedRequests:
    """Signs requests of the library ``requests`` as the person whose context it is (its ``auth`` argument)."""

    def __init__(self, name: str, url: str, tokens: Tokens, sleep: Callable[[float], None] = time.sleep) -> None:
        """Args:
        name, url: of the context; nobody else is given the token.
        tokens: of the person.
        sleep: waits some seconds.
        """
        self._name = name
        self._url = url
        self._tokens = tokens
        self._sleep = sleep

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Raises ``client.other-server``, and as :func:`bongsu.client.opening.access_token`."""
        address = request.url or ""
        if _origin(address) != _origin(self._url):
            raise codes.OTHER_SERVER.error(address=address, name=self._name, url=self._url)
        token = self._patiently(lambda: self._tokens.current(is_refused=False))
        begins_at = _position(request.body)

        def again(response: Response, **how: Any) -> Response:
            """With another token, if the server did not take this one: clocks differ, and requests wait."""
            if response.status_code != 401 or (request.body is not None and begins_at is None):
                return response
            _ = response.content  # read to its end, so that the connection is free
            response.close()
            repeated = response.request.copy()
            newer = self._patiently(lambda: self._tokens.instead_of(token))
            repeated.headers["Authorization"] = f"Bearer {newer}"
            if (rewind := getattr(repeated.body, "seek", None)) is not None:
                rewind(begins_at)
            answer: Response = response.connection.send(repeated, **how)
            answer.history.append(response)
            answer.request = repeated
            return answer

        request.headers["Authorization"] = f"Bearer {token}"
        request.register_hook("response", again)
        return request

    def _patiently(self, fetch: Callable[[], T]) -> T:
        for pause in _PAUSES_S:
            try:
                return fetch()
            except BongsuError as error:
                if any(problem.code is not codes.UNREACHABLE for problem in error.problems):
                    raise
            self._sleep(pause)
        return fetch()


def signed_requests(environment: Mapping[str, str]) -> SignedRequests:
    """In the name of the context that BONGSU_CONTEXT names, else of the one in use. Raises as
    :meth:`SignInProvider.get_auth`."""
    path = contexts_file(environment)
    known = load_contexts(path)
    name = environment.get(VARIABLE) or known.current
    context = known.named(name)
    if context is None:
        raise codes.NO_SERVER_FOR_MLFLOW.error(auth=NAME)
    return SignedRequests(name, context.url, Tokens(path, name, context, environment.get(SECRET_VARIABLE, "")))


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _position(body: Any) -> int | None:
    """Where a body begins that can be sent twice; None for one that cannot, or that is not there."""
    if isinstance(body, (str, bytes)):
        return 0
    try:
        return int(body.tell())
    except (AttributeError, OSError, ValueError):
        return None
