"""The control plane as the worker of one attempt asks it, over HTTP. No proxy stands between the two."""

from __future__ import annotations

import json
from typing import IO, TypeVar

import pydantic

from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.worker_leave import ReadLeave, WorkerToken, attempt_path

T = TypeVar("T", bound=pydantic.BaseModel)
TIMEOUT_S = 10.0
MOST_BYTES = 1_000_000
_TOO_MANY = 429


class RefusedError(Exception):
    """It answered, and does not take the question; asking again is no use. ``detail`` has nothing of the token."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SilentError(Exception):
    """There was no answer, or none that is one; there may be one later, in ``wait_s`` seconds at the earliest."""

    def __init__(self, detail: str, wait_s: float = 0.0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.wait_s = wait_s


class ControlPlane:
    """Args:
        url: of the API.
        attempt: whose worker asks.
        token: of that worker.

    Attributes:
        token: the one that holds now; somebody else replaces it.
    """

    def __init__(self, url: str, attempt: AttemptId, token: str) -> None:
        self.url = url
        self.token = token
        self._path = attempt_path(attempt.key)

    def leave(self, digest: Digest) -> ReadLeave:
        """Whether the attempt may read the tree. Raises RefusedError, SilentError."""
        return self._asked("GET", f"inputs/{digest}", ReadLeave)

    def renew(self) -> WorkerToken:
        """Another token. Raises RefusedError, SilentError."""
        return self._asked("POST", "token", WorkerToken)

    def _asked(self, method: str, what: str, kind: type[T]) -> T:
        status, wait, body = self._exchange(method, f"{self.url}{self._path}/{what}")
        if status == _TOO_MANY or status >= 500:
            raise SilentError(_detail(status, body), float(wait) if wait.isdecimal() else 0.0)
        if status != 200:
            raise RefusedError(_detail(status, body))
        try:
            return kind.model_validate_json(body)
        except pydantic.ValidationError:
            raise SilentError("what answers there is no Bongsu of this version") from None

    def _exchange(self, method: str, url: str) -> tuple[int, str, bytes]:
        """Status, ``Retry-After`` and body of the answer."""
        # Needed by workers of a server alone.
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

        class _Stays(HTTPRedirectHandler):
            """The token goes to nobody but the server."""

            def redirect_request(self, *_about: object) -> None:
                return None

        request = Request(url, method=method, headers={"Accept": "application/json"})
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with build_opener(ProxyHandler({}), _Stays()).open(request, timeout=TIMEOUT_S) as response:
                return response.status, "", response.read(MOST_BYTES)
        except HTTPError as error:
            with error:
                return error.code, error.headers.get("Retry-After", ""), _rest(error)
        except ValueError as error:  # whose text may be a header
            raise SilentError(type(error).__name__) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise SilentError(str(reason) or type(error).__name__) from None


def _rest(error: IO[bytes]) -> bytes:
    try:
        return error.read(MOST_BYTES)
    except (OSError, ValueError):
        return b""


def _detail(status: int, body: bytes) -> str:
    """The status, and the title of the problem if one was told."""
    try:
        title = str(json.loads(body)["title"])[:500]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}"
    return f"HTTP {status}, {title.rstrip('.')}"
