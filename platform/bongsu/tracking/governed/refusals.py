"""Answers that the door gives itself, in MLflow's form."""

from __future__ import annotations

import json

from starlette.types import Send

from bongsu.tracking.governed.viewer import Denial

NOT_FOUND = Denial(404, "ENDPOINT_NOT_FOUND", "There is nothing at this address.")
UNKNOWN = Denial(404, "RESOURCE_DOES_NOT_EXIST", "What you ask for does not exist.")
ONLY_LOOK = Denial(403, "PERMISSION_DENIED", "You may look at these things but not change them.")
NO_FILES = Denial(403, "PERMISSION_DENIED", "You may not read files; ask for a role that may.")
NOT_RECORDED = Denial(503, "TEMPORARILY_UNAVAILABLE", "That you read this cannot be recorded now; try again.")
TOO_LARGE = Denial(413, "INVALID_PARAMETER_VALUE", "This is larger than the server takes.")

NO_ROOM = Denial(507, "INTERNAL_ERROR", "The server's disk is full: nothing of this is kept. Tell its operator.")
LONG_NAME = Denial(
    400,
    "INVALID_PARAMETER_VALUE",
    "A name in the path of a file has at most 255 bytes, and the path at most 1,024.",
)


class Refusal(Exception):
    """Made anew each time: what is raised keeps the frames that it passed, and with them the request and its token."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.message)
        self.denial = denial


async def answer(denial: Denial, send: Send) -> None:
    """Tell why something is not done."""
    body = json.dumps({"error_code": denial.code, "message": denial.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"cache-control", b"no-store"))
    if denial.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if denial.status in (429, 503):
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": denial.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
