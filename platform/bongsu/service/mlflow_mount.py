"""MLflow's own pages and APIs as part of a server: whoever asks finds what they may see there, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp
from starlette.types import Scope as Asked

from bongsu.domain.codes import api as api_codes
from bongsu.domain.codes import identity as identity_codes
from bongsu.domain.codes.database import without_address
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.identity.bearer import bearer_token
from bongsu.identity.refusals import is_not_signed_in
from bongsu.policy.access import AccessPermit, Permission, permissions_in
from bongsu.service.browsers.door import refuse_foreign_page, session_secret
from bongsu.service.browsers.settings import SESSION_PATH, Browsers
from bongsu.service.browsers.waiting import actor_in_time
from bongsu.service.control_plane import ControlPlane
from bongsu.service.labels_in_force import EVERYWHERE, LabelsInForce
from bongsu.service.mlflow_record import record_changes, record_visit
from bongsu.service.observing.metrics import Metrics
from bongsu.service.platform import Platform
from bongsu.service.recording import stop_flood
from bongsu.store.grades import grades_of_site
from bongsu.store.permits import permits_for
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.viewer import AGAIN, AGAIN_S, NOT_LABELLED, Denial, SharedModel, Viewer, Visit

if TYPE_CHECKING:
    from bongsu.tracking.governed.apart import PublisherApart

T = TypeVar("T")
_log = logging.getLogger(__name__)
DATABASE = "mlflow-shared.db"
FILES = "mlflow-files"
NO_TOKEN = Denial(
    401,
    "UNAUTHENTICATED",
    "Send a token that holds: set MLFLOW_TRACKING_AUTH or MLFLOW_TRACKING_TOKEN as `bongsu mlflow` says.",
)
NO_ROLE = Denial(
    403,
    "PERMISSION_DENIED",
    "You have no role that looks at runs in any ministry: see `bongsu whoami`, and ask an operator for one.",
)


def settings_of(home: Platform, database_url: str | None, public_url: str = "") -> GovernedSettings:
    """Where MLflow keeps its own: a database that is not the control plane's, and files that people log; and under
    which address people open its pages."""
    return GovernedSettings(
        database_uri=database_url or f"sqlite:///{home.home / DATABASE}",
        files_uri=(home.home / FILES).as_uri(),
        trees=home.stores,
        session_page=SESSION_PATH if public_url else "",
    )


def publisher_of(settings: GovernedSettings) -> PublisherApart:
    """Writes what the control plane records into the workspaces of the ministries, from a process of its own; whoever
    asks for it closes it."""
    from bongsu.tracking.governed.apart import PublisherApart

    return PublisherApart(settings)


@contextmanager
def mounted(
    plane: ControlPlane,
    settings: GovernedSettings,
    metrics: Metrics | None = None,
    browsers: Browsers | None = None,
) -> Iterator[ASGIApp]:
    """MLflow behind its door, until the end of the block; it takes some seconds, and a process has one at a time.
    ``metrics`` count what of it is closed; with ``browsers`` their sessions count here."""
    from bongsu.tracking.governed.mount import mount
    from bongsu.tracking.governed.publisher import GovernedPublisher

    # Whoever asks waits for it, in this process: a label is in force before anything is answered.
    labels = LabelsInForce(plane.base, GovernedPublisher(settings), metrics or Metrics())

    async def viewer_of(asked: Asked) -> Viewer | Denial:
        found = await identity_of(plane, asked, browsers)
        if found is None:
            return NO_TOKEN
        if isinstance(found, BongsuError):
            return denial_of(found)
        try:
            own = browsers.settings.url if browsers is not None else _address(asked)
            refuse_foreign_page(own, asked["method"], asked["headers"], by_cookie=False)
        except BongsuError as error:
            return denial_of(error)
        try:
            closed = await run_in_threadpool(labels.catch_up)
        except Exception:  # whatever it is: nobody is answered by labels that may be too low
            _log.exception("It cannot be found out which labels have changed: MLflow is closed.")
            return NOT_LABELLED
        if EVERYWHERE in closed:
            return NOT_LABELLED
        try:
            viewer = await run_in_threadpool(_viewer, plane, found, str(asked["state"].get("number", "")))
        except BongsuError as error:
            return denial_of(error)
        return replace(viewer, closed=closed) if viewer else NO_ROLE

    async def note(visit: Visit) -> None:
        if settings.note is not None:
            await settings.note(visit)
        if visit.shown or visit.refused is not None:
            await run_in_threadpool(record_visit, plane.base, visit)

    record = partial(record_changes, plane.base)
    with mount(replace(settings, note=note, record=record, readers=plane.base.readers), viewer_of) as app:
        yield app


async def identity_of(
    plane: ControlPlane, asked: Asked, browsers: Browsers | None = None
) -> Actor | BongsuError | None:
    """Who asks, found out once for a request; why that is not known, if a token or a session does not hold or it cannot
    be found out now; None without any. A request that says anything of a token has no session."""
    state = asked.setdefault("state", {})
    if AGAIN in state:
        state["identity"] = await run_in_threadpool(_identified, plane.as_now, state.pop(AGAIN))
    if "identity" not in state:
        state["identity"] = await _identity(plane, asked, browsers)
    found: Actor | BongsuError | None = state["identity"]
    return found


async def _identity(plane: ControlPlane, asked: Asked, browsers: Browsers | None) -> Actor | BongsuError | None:
    headers = asked["headers"]
    token = bearer_token(headers)
    if token:
        return await run_in_threadpool(_identified, plane.identify, token)
    if browsers is None or any(name == b"authorization" for name, _value in headers):
        return None
    try:
        secret = session_secret(browsers, headers)
        if not secret:
            return None
        refuse_foreign_page(browsers.settings.url, asked["method"], headers)
        return await actor_in_time(browsers, secret)
    except BongsuError as error:
        return error.with_traceback(None)  # see below


def _identified(identify: Callable[[T], Actor], known: T) -> Actor | BongsuError:
    try:
        return identify(known)
    except BongsuError as error:
        return error.with_traceback(None)  # it is kept with the request, and the frames hold the token


def denial_of(error: BongsuError) -> Denial:
    """Why it is not known who asks. What is nobody's refusal passes, such as a store that is busy: clients of MLflow
    try that again. Our code stands in brackets: MLflow's form has no other place for it."""
    problem = without_address(error.problems[0])
    if problem.code in (identity_codes.FOREIGN_PAGE, identity_codes.TWO_SESSIONS):
        status, code = 403, "PERMISSION_DENIED"
    elif is_not_signed_in(error):
        status, code = 401, "UNAUTHENTICATED"
    elif problem.code is api_codes.TOO_MANY_REFUSED:
        status, code = 429, "REQUEST_LIMIT_EXCEEDED"
    else:
        status, code = 503, "TEMPORARILY_UNAVAILABLE"
    told = f"{problem.what()} {problem.fix()} ({problem.code.name})"
    return Denial(status, code, told, retry_s=int(problem.args.get("seconds", AGAIN_S)))


def _address(asked: Asked) -> str:
    """Of this server, as whoever asks has it."""
    host = next((value for name, value in asked["headers"] if name == b"host"), b"").decode("latin-1")
    return f"{asked.get('scheme', 'http')}://{host}"


def viewer(actor: Actor, permits: Iterable[AccessPermit]) -> Viewer | None:
    """What exists for the actor in MLflow; None if they are nothing in any ministry where they may look."""
    ministries = {one for one in actor.ministries if Permission.RUN_READ in permissions_in(actor, one)}
    if not ministries:
        return None
    reads_files = {one for one in ministries if Permission.ARTIFACT_READ in permissions_in(actor, one)}
    return Viewer(
        id=actor.id,
        ministries=frozenset(ministries),
        home=_home(actor, ministries),
        clearance=actor.clearance,
        writes=frozenset(one for one in ministries if Permission.RUN_SUBMIT in permissions_in(actor, one)),
        reads_files=frozenset(reads_files),
        shared=frozenset(_shared(permits, ministries, reads_files)),
        actor=actor,
    )


def _viewer(plane: ControlPlane, actor: Actor, request_id: str) -> Viewer | None:
    """Raises ``api.too-many-refused``."""
    stop_flood(plane.base, actor, request_id)
    now = plane.base.clock()
    with plane.base.read() as connection:
        permits = permits_for(connection, sorted(map(Tenant, actor.ministries)), now)
        grades = grades_of_site(connection)
    found = viewer(actor, permits)
    return replace(found, grades=grades) if found else None


def _home(actor: Actor, ministries: set[str]) -> str:
    """Their own ministry, which their id begins with, if they are something there."""
    own = actor.id.partition("/")[0]
    return own if own in ministries else min(ministries)


def _shared(permits: Iterable[AccessPermit], ministries: set[str], reads_files: set[str]) -> Iterable[SharedModel]:
    """Each version once: with its files, if they read files in a ministry that it is shared with."""
    with_files: dict[tuple[str, str, int], bool] = {}
    for permit in permits:
        kind, _, rest = permit.object.partition(":")
        name, _, version = rest.rpartition("/")
        if kind == "model" and permit.ministry in ministries and version.isdigit():
            shared = (permit.giver, name, int(version))
            with_files[shared] = with_files.get(shared, False) or permit.ministry in reads_files
    return [SharedModel(*shared, has_files) for shared, has_files in with_files.items()]
