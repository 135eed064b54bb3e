"""What the executor and the process that holds the Ray client tell each other: one JSON line a message."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bongsu.domain.attempt import AttemptSpec, Failure
from bongsu.domain.ids import AttemptId
from bongsu.domain.worker_leave import WorkerPass


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> bytes:
        return self.model_dump_json().encode() + b"\n"


class Begin(_Message):
    """The first word: which Ray, where virtual environments are made, and variables that stages get."""

    kind: Literal["begin"] = "begin"
    address: str | None = None
    cpus: float | None = None
    environments: str
    variables: dict[str, str] = {}


class Submit(_Message):
    """``given`` is for the worker alone, and goes there by memory alone."""

    kind: Literal["submit"] = "submit"
    spec: AttemptSpec
    given: WorkerPass | None = None


class Stop(_Message):
    """End the worker that is at the attempt, if any is."""

    kind: Literal["stop"] = "stop"
    attempt: AttemptId


class Ready(_Message):
    """Ray runs; ``resources`` as it states them."""

    kind: Literal["ready"] = "ready"
    resources: dict[str, float]


class Unusable(_Message):
    """Ray could not be started, or reached, although nothing ended it."""

    kind: Literal["unusable"] = "unusable"
    message: str


class Died(_Message):
    """Ray does not work any more; the last word."""

    kind: Literal["died"] = "died"
    message: str


class Returned(_Message):
    """The worker came to the attempt's end; ``failure`` as the attempt's record has it, None if it succeeded.

    Where it ran in a process of its own that left no record, ``status`` says how that ended, as ``os.wait`` does.
    """

    kind: Literal["returned"] = "returned"
    attempt: AttemptId
    failure: Failure | None = None
    status: int | None = None


class Broke(_Message):
    """The worker did not come to the attempt's end, and Ray says ``failure``."""

    kind: Literal["broke"] = "broke"
    attempt: AttemptId
    failure: Failure


Command = Begin | Submit | Stop
Answer = Ready | Unusable | Died | Returned | Broke

_COMMAND: TypeAdapter[Any] = TypeAdapter(Annotated[Command, Field(discriminator="kind")])
_ANSWER: TypeAdapter[Any] = TypeAdapter(Annotated[Answer, Field(discriminator="kind")])


def parse_command(line: bytes) -> Command:
    command: Command = _COMMAND.validate_json(line)
    return command


def parse_answer(line: bytes) -> Answer:
    answer: Answer = _ANSWER.validate_json(line)
    return answer
