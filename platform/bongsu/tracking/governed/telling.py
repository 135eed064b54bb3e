"""The process that tells MLflow, on its side: ``python -m bongsu.tracking.governed.telling``, see
:mod:`bongsu.tracking.governed.apart`.

One JSON document a line: where MLflow is, then what it is to be told; an answer to each of these.
"""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Annotated, Literal, NoReturn

from pydantic import BaseModel, Field, TypeAdapter

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.mistakes import is_own
from bongsu.domain.publication import (
    ModelPage,
    Publication,
    RegisteredVersion,
    RegistrationRefused,
    RegistrationRequest,
)
from bongsu.domain.tenants import Tenant
from bongsu.tracking.governed.publisher import GovernedPublisher, open_publisher
from bongsu.tracking.governed.settings import GovernedSettings

NICENESS = 10
"""Answers of the server, whose database is asked by both, come first."""
IDLE_S = 600.0
"""A process that is told nothing for so long ends, because MLflow takes much memory."""


class Place(BaseModel):
    """As of :class:`bongsu.tracking.governed.settings.GovernedSettings`."""

    database_uri: str
    files_uri: str


class Publish(BaseModel):
    """As of :meth:`GovernedPublisher.publish`."""

    kind: Literal["publish"] = "publish"
    items: tuple[Publication, ...]


class Register(BaseModel):
    """As of :meth:`GovernedPublisher.publish_registration`."""

    kind: Literal["register"] = "register"
    request: RegistrationRequest


class Answered(BaseModel):
    """Attributes:
    pages: of what was published.
    version: what was registered.
    refused: what MLflow will say whenever it is asked; empty if it does not refuse.
    error: name of the exception, if one was raised; ``text`` is what it says.
    trace: where it was raised, if that is a mistake of ours.
    """

    pages: tuple[ModelPage, ...] = ()
    version: RegisteredVersion | None = None
    refused: str = ""
    error: str = ""
    text: str = ""
    trace: str = ""


Asked: TypeAdapter[Publish | Register] = TypeAdapter(Annotated[Publish | Register, Field(discriminator="kind")])


def main() -> None:
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    answers = _answers_alone()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, lines), daemon=True).start()
    place = Place.model_validate_json(lines.get())
    settings = GovernedSettings(place.database_uri, place.files_uri, _no_trees)
    with contextlib.ExitStack() as undo:
        # Opened by the first item, whose answer says why if that is not possible; the next one tries again.
        publisher_of = functools.cache(lambda: undo.enter_context(open_publisher(settings)))
        with contextlib.suppress(queue.Empty):
            while True:
                line = lines.get(timeout=IDLE_S)
                answers.write(answer(publisher_of, line).model_dump_json().encode() + b"\n")
                answers.flush()
    os._exit(0)  # the other thread may not be asked to end while it reads


def answer(publisher_of: Callable[[], GovernedPublisher], line: bytes) -> Answered:
    try:
        asked = Asked.validate_json(line)
        publisher = publisher_of()
        if isinstance(asked, Publish):
            return Answered(pages=tuple(publisher.publish(asked.items)))
        return Answered(version=publisher.publish_registration(asked.request))
    except RegistrationRefused as error:
        return Answered(refused=str(error))
    except Exception as error:  # whatever MLflow or its database comes up with: the other side tries again
        own = getattr(error, "orig", None)
        told = own if isinstance(own, Exception) else error
        trace = "".join(traceback.format_exception(error)) if is_own(error) else ""
        return Answered(error=type(told).__name__, text=str(told), trace=trace)


def _answers_alone() -> IO[bytes]:
    """Where answers go; what others print goes to the log."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _listen(source: IO[bytes], lines: queue.SimpleQueue[bytes]) -> NoReturn:
    """Whoever asked has ended, be it killed, when nothing can come any more: another server may tell MLflow the same at
    any moment, so nothing more is written from here."""
    for line in source:
        lines.put(line)
    os._exit(0)


def _no_trees(tenant: Tenant) -> ArtifactStore:
    """MLflow is told where trees lie, and looks into none."""
    raise LookupError(f"The trees of {tenant} are not looked at by who tells MLflow")


if __name__ == "__main__":
    main()
