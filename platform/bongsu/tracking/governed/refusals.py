"""Answers that the door gives itself, in MLflow's form: its code, and in the message what is wrong, what mends it, and
our code in brackets, for which MLflow has no other place."""

from __future__ import annotations

import json

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from starlette.types import Send

from bongsu.domain.codes import mlflow as codes
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.problems import Code, Problem
from bongsu.language.translation import translator
from bongsu.policy.access import Permission
from bongsu.policy.access_rules import roles_with
from bongsu.tracking.governed.viewer import Acting, Denial, Refused, current_actor

NOT_FOUND = Denial(404, "ENDPOINT_NOT_FOUND", "There is nothing at this address.")
UNKNOWN = Denial(404, "RESOURCE_DOES_NOT_EXIST", "What you ask for does not exist.")
NOT_RECORDED = Denial(503, "TEMPORARILY_UNAVAILABLE", "That you read this cannot be recorded now; try again.")
CHANGE_NOT_RECORDED = Denial(
    503, "TEMPORARILY_UNAVAILABLE", "That you change this cannot be recorded now, so it is not changed; try again."
)
TOO_LARGE = Denial(413, "INVALID_PARAMETER_VALUE", "This is larger than the server takes.")

NO_ROOM = Denial(507, "INTERNAL_ERROR", "The server's disk is full: nothing of this is kept. Tell its operator.")
LONG_NAME = Denial(
    400,
    "INVALID_PARAMETER_VALUE",
    "A name in the path of a file has at most 255 bytes, and the path at most 1,024.",
)


def told(problems: tuple[Problem, ...], language: str = "en") -> str:
    """In one message."""
    translate = translator(language)
    return " ".join(f"{one.what(translate)} {one.fix(translate)} ({one.code.name})" for one in problems)


def denial_by_rule(refused: Refused, language: str, status: int = 403, code: str = "PERMISSION_DENIED") -> Denial:
    """What a rule refuses before MLflow hears of it."""
    return Denial(status, code, told(refused.problems, language), refused)


def denied(*problems: Problem, object_: str = "", label: Label = OPEN) -> MlflowException:
    """What a rule refuses while MLflow works; noted for the record."""
    actor = current_actor()
    language = "en"
    if isinstance(actor, Acting):
        actor.refused = Refused(problems, object_, label)
        language = actor.language
    return MlflowException(told(problems, language), PERMISSION_DENIED)


def only_looks(actor: str, ministry: str) -> Problem:
    """Why somebody changes nothing in a ministry."""
    return _lacks(codes.ONLY_LOOK, actor, ministry, Permission.RUN_SUBMIT)


def reads_no_files(actor: str, ministry: str) -> Problem:
    return _lacks(codes.NO_FILES, actor, ministry, Permission.ARTIFACT_READ)


def _lacks(code: Code, actor: str, ministry: str, permission: Permission) -> Problem:
    return code.at(actor=actor, ministry=ministry, permission=permission.value, having=roles_with(permission))


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
        headers.append((b"retry-after", str(denial.retry_s).encode()))
    await send({"type": "http.response.start", "status": denial.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
