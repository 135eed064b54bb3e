"""In whose name MLflow's database is asked. Without a name nothing is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.types import Scope

from bongsu.domain.grades import N2SF, GradeScheme
from bongsu.domain.labels import OPEN, Label


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


@dataclass
class Acting:
    """A viewer at work in one workspace, for one request.

    Attributes:
        unlabelled: what somebody's own words are labelled at least; see ``GovernedSettings.unlabelled``.
        asks_files: what is asked for is a file, or a list of files.
        sight: looked up when it is first needed.
        is_flushing: MLflow's unit of work writes what was checked row by row.
        shown: kind and id of the things that were read so far.
    """

    viewer: Viewer
    workspace: str
    unlabelled: Label | None = None
    asks_files: bool = False
    sight: Sight | None = None
    is_flushing: bool = False
    shown: set[tuple[str, str]] = field(default_factory=set)

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


Note = Callable[[Visit], Awaitable[None]]


@dataclass(frozen=True)
class Denial:
    """An answer in MLflow's form: its clients show ``message``, and try none of these again.

    Attributes:
        status: of HTTP.
        code: one of MLflow's error codes.
        message: what is wrong, and what mends it.
    """

    status: int
    code: str
    message: str


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
