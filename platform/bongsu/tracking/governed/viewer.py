"""In whose name MLflow's database is asked. Without a name nothing is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope

from bongsu.domain.grades import N2SF, GradeScheme
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.people import Actor as Person
from bongsu.domain.problems import Problem


@dataclass(frozen=True)
class SharedModel:
    """A model version of another ministry that an access permit names, and that holds at this moment.

    Attributes:
        has_files: its files are for the viewer as well; they may read files in the ministry that was given the permit.
    """

    ministry: str
    name: str
    version: int
    has_files: bool = True


@dataclass(frozen=True)
class Viewer:
    """Somebody who was verified, as MLflow's rows are measured against them.

    Attributes:
        id: of the actor, e.g. ``mnd/kim``; what they log stands under this name.
        ministries: whose workspaces they may ask for.
        home: the workspace that is meant where they name none; one of ``ministries``.
        clearance: what they may see at most.
        writes: those of ``ministries`` in which they may log and register.
        reads_files: those of ``ministries`` in which what was logged as a file, weights included, is theirs to read,
            and not only what is said of it.
        shared: of other ministries; looked at, never written to.
        closed: workspaces in which labels that have changed are not in force yet: they are there, and nobody is
            answered from them.
        grades: of the site, for the labels that they state.
        actor: whom the control plane verified; None where it is not asked.
    """

    id: str
    ministries: frozenset[str]
    home: str
    clearance: Label = OPEN
    writes: frozenset[str] = frozenset()
    reads_files: frozenset[str] = frozenset()
    shared: frozenset[SharedModel] = frozenset()
    closed: frozenset[str] = frozenset()
    grades: GradeScheme = N2SF
    actor: Person | None = field(default=None, compare=False, repr=False)

    def may_enter(self, workspace: str) -> bool:
        """True if the workspace exists for them."""
        return workspace in self.workspaces

    @property
    def workspaces(self) -> frozenset[str]:
        return self.ministries | {model.ministry for model in self.shared}


@dataclass(frozen=True)
class Sight:
    """What exists for a viewer in a workspace, as the criteria take it.

    Attributes:
        scopes: numbers of the pairs (workspace, label) in which everything exists for them.
        model_scopes: the same for registered models and their versions, which may be shared one by one.
        labels: of all these scopes.
        is_guest: the workspace is another ministry's: of its models, only those in ``names`` and ``versions`` exist.
    """

    scopes: tuple[int, ...] = ()
    model_scopes: tuple[int, ...] = ()
    labels: Mapping[int, Label] = field(default_factory=dict)
    is_guest: bool = False
    names: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changed:
    """What is about to be changed for good, for the log of who changed what.

    Attributes:
        action: e.g. ``mlflow.run.delete``.
        object: as of :class:`Shown`.
        label: of the thing, and of what was written.
        is_continuous: one of many that a training makes; one entry tells of all within a while.
        facts: what else there is to tell.
    """

    action: str
    object: str
    label: Label
    is_continuous: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


Record = Callable[[Viewer, str, tuple[Changed, ...], str], None]
"""Makes the entries of what a viewer changes in a workspace, in a request of this number; called in the thread, and in
the transaction of MLflow's database, that makes the change. Raises if they cannot be made."""


@dataclass
class Touched:
    """A thing in the transaction under way. ``experiment``: of a trace, if it is known; ``keys``: of tags, ``fields``:
    of the thing itself, as far as they are changed."""

    label: Label
    experiment: str = ""
    keys: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Refused:
    """Why something was refused by a rule: one problem or several, about what, and what that is labelled."""

    problems: tuple[Problem, ...]
    object: str = ""
    label: Label = OPEN


@dataclass
class Acting:
    """A viewer at work in one workspace, for one request.

    Attributes:
        unlabelled: what somebody's own words are labelled at least; see ``GovernedSettings.unlabelled``.
        asks_files: what is asked for is a file, or a list of files.
        sight: looked up when it is first needed.
        is_flushing: MLflow's unit of work writes what was checked row by row.
        shown: kind and id of the things that were read so far.
        deed: of the route, as of :class:`bongsu.tracking.governed.routes.Route`.
        record: makes the entries of what is changed; None where nothing is kept.
        request: its number.
        language: of refusals.
        changed: what is changed in the transaction under way; see :mod:`bongsu.tracking.governed.changes`.
        is_unrecorded: something could not be recorded, so it was not changed.
        refused: by which rule, if one refused something.
    """

    viewer: Viewer
    workspace: str
    unlabelled: Label | None = None
    asks_files: bool = False
    sight: Sight | None = None
    is_flushing: bool = False
    shown: set[tuple[str, str]] = field(default_factory=set)
    deed: str = ""
    record: Record | None = None
    request: str = ""
    language: str = "en"
    changed: dict[tuple[str, str], Touched] = field(default_factory=dict)
    is_unrecorded: bool = False
    refused: Refused | None = None

    @property
    def may_write(self) -> bool:
        return self.workspace in self.viewer.writes

    @property
    def shared(self) -> list[SharedModel]:
        """What another ministry shares of this workspace, as far as it is for them what they ask for."""
        here = [one for one in self.viewer.shared if one.ministry == self.workspace]
        return [one for one in here if one.has_files or not self.asks_files]

    @property
    def may_look(self) -> bool:
        """False if they may read no files where they ask for one."""
        is_guest = self.workspace not in self.viewer.ministries
        return not self.asks_files or self.workspace in self.viewer.reads_files or (is_guest and bool(self.shared))

    @property
    def written(self) -> Label:
        """What they write may hold anything that they may see, unless the site says how much it may hold."""
        return self.viewer.clearance if self.unlabelled is None else self.unlabelled


@dataclass(frozen=True)
class Recorder:
    """The control plane itself, which labels what it writes (tag ``bongsu.label``) and seals it against others."""

    workspace: str


@dataclass(frozen=True)
class Housekeeping:
    """MLflow's own beginnings: tables, workspaces, the default experiment. Never while a request is answered."""

    reason: str = field(default="start")


@dataclass(frozen=True)
class Shown:
    """Something that is not for everybody, e.g. ``model:axk1-light/3`` or ``list:mlflow-runs``, and its label."""

    object: str
    label: Label


@dataclass(frozen=True)
class Visit:
    """One request, and what is about to be answered, for the log of who read what.

    Attributes:
        viewer: None for nobody.
        workspace: in which it was asked; empty if the request came to no workspace.
        route: template of MLflow's route, or the path as it was sent if none serves it.
        query: of the address; names the things that were asked for, where the route takes them there.
        status: of the answer; 500 where none was given.
        request: its number, if the server that this is mounted in gave it one.
        shown: what the answer tells of; nothing of what was only written.
        action: what was asked for, as the audit log has it; told where it was refused.
        refused: by which rule, of an answer that says so (403).
    """

    viewer: Viewer | None
    workspace: str
    method: str
    route: str
    path: str
    query: str
    status: int
    request: str = ""
    shown: tuple[Shown, ...] = ()
    action: str = ""
    refused: Refused | None = None


Note = Callable[[Visit], Awaitable[None]]


AGAIN_S = 2
"""After which time a client may try again that is told of no other."""


@dataclass(frozen=True)
class Denial:
    """An answer in MLflow's form: its clients show ``message``, and try none of these again.

    Attributes:
        status: of HTTP.
        code: one of MLflow's error codes.
        message: what is wrong, and what mends it.
        refused: the rule that refuses, if one does.
        retry_s: after which time it may be otherwise; seconds.
    """

    status: int
    code: str
    message: str
    refused: Refused | None = None
    retry_s: int = AGAIN_S


NOT_LABELLED = Denial(
    503, "TEMPORARILY_UNAVAILABLE", "Labels have changed and are not in force here yet; try again."
)

AGAIN = "again"
"""In the state of a scope that is asked once more: who asked, as they were then."""
ViewerOf = Callable[[Scope], Awaitable[Viewer | Denial]]
"""Who asks: from the bearer token of an ASGI scope (or a cookie of the server that mounts this); why nobody does."""

Actor = Acting | Recorder | Housekeeping
_ACTOR: ContextVar[Actor | None] = ContextVar("bongsu_mlflow_actor", default=None)


def current_actor() -> Actor | None:
    """None if nobody asks: then every governed row is refused."""
    return _ACTOR.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Ask in this name; threads that are started with a copy of the context ask in it too."""
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)
