"""The platform of one machine, everything below one directory: the composition root of the command line."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.artifacts.durable import create_once
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import AttemptId
from bongsu.domain.phrases import Words
from bongsu.domain.unseen import first_unseen
from bongsu.domain.worker_leave import WorkerPass
from bongsu.executors.base import Executor
from bongsu.machine.python import python_command
from bongsu.reconciler.lock import FileLock, FileTurn
from bongsu.service.artifact_place import ArtifactPlace, keep, place_of, reached, s3_variables
from bongsu.service.home import (
    DATABASE,
    DELIVERY_LOG,
    ENVIRONMENTS,
    LOCK,
    LOGS,
    MASKING_KEY,
    PRIVATE_UMASK,
    PUBLISHER_LOCK,
    RAY_LOG,
    holds_work,
    local_home,
    prepare_home,
    refuse_closed,
)
from bongsu.service.local_actor import local_actor, local_author
from bongsu.service.platform import Platform
from bongsu.store.database import Database, open_database

if TYPE_CHECKING:
    from bongsu.executors.local_ray.executor import LocalRayExecutor

Passes = Callable[[AttemptId], WorkerPass | None]
MASKING_VARIABLE = "BONGSU_MASKING_KEY"


def open_home(
    home: Path,
    environment: Mapping[str, str],
    ray_address: str | None = None,
    database_url: str | None = None,
    worker_url: str | None = None,
) -> Platform:
    """The platform whose state lies in ``home``; nothing heavy is imported or started before it is needed.

    Until it is closed, files that this process and those it starts make are their owner's alone.

    Args:
        home: made if it does not exist; one that may only be read can be looked at. Its artifacts lie where
            :func:`bongsu.service.artifact_place.place_of` says.
        environment: of the operator: what it says of artifacts, of S3 and of keys is what holds, and stages, workers
            and other processes that are started get theirs from it.
        ray_address: of a Ray that runs already; None starts one with the first stage.
        database_url: of the store, where that is a server of its own; None for the file in the home.
        worker_url: of the API, where workers ask for leave to read; None where there is no server to ask.

    Raises:
        BongsuError: ``run.home-not-local``, ``run.home-closed``, ``run.home-name``, and what
            :func:`bongsu.store.database.open_database`, :func:`bongsu.service.artifact_place.place_of` and
            :func:`bongsu.service.artifact_place.keep` raise; ``client.bad-server-url``.
    """
    home = local_home(home)
    refuse_closed(home)
    if home.exists() and not home.is_dir():
        raise codes.HOME_IS_A_FILE.error(home=str(home))
    # The home stands in the addresses of databases and stores, in which these mean something else.
    strange = sorted(set(str(home)) & set("?#%")) or first_unseen(str(home))
    if strange:
        raise codes.HOME_NAME.error(home=str(home), character=strange[0] if isinstance(strange, list) else strange)
    place = place_of(home, environment)
    prepare_home(home)
    with contextlib.ExitStack() as undo:
        platform = _opened(home, place, environment, Reached(ray_address, database_url, worker_url), undo)
        return replace(platform, on_close=undo.pop_all().close)


@dataclass(frozen=True)
class Reached:
    """Addresses, as of :func:`open_home`."""

    ray: str | None
    database: str | None
    workers_ask: str | None


def _opened(
    home: Path, place: ArtifactPlace, environment: Mapping[str, str], at: Reached, undo: contextlib.ExitStack
) -> Platform:
    """The platform of a home that is there; what it opens, and what it changes in this process, ``undo`` takes back."""
    from bongsu.artifacts.open import open_store
    from bongsu.tracking.health import trouble_of
    from bongsu.tracking.moving import follow_home
    from bongsu.tracking.pages import address
    from bongsu.tracking.publisher import MlflowPublisher
    from bongsu.tracking.settings import TrackingSettings

    undo.enter_context(reached(place, environment))
    if place.is_new:
        keep(home, place)
    if at.database is not None:
        database = open_database(at.database)
    else:
        database = open_database(f"sqlite:///{home / DATABASE}", may_be_new=lambda: not holds_work(home))
    undo.callback(database.close)
    # Workers, virtual environments, the tracking server's files: whatever is made in the name of this platform.
    undo.callback(os.umask, os.umask(PRIVATE_UMASK))
    local = _LocalExecutor(home, place, environment, at.ray, _passes(home, database, at.workers_ask))
    undo.callback(local.close)
    tracking = TrackingSettings.embedded(home)
    follow_home(tracking)
    store = open_store(place.uri, place.cache)
    return Platform(
        home=home,
        database=database,
        stores=lambda _tenant: store,
        executor=local.get,
        publisher=MlflowPublisher(tracking),
        lock=FileLock(home / LOCK),
        pages=address(),
        on_warm_up=local.warm_up,
        publisher_turn=FileTurn(home / PUBLISHER_LOCK),
        on_leftover=lambda: _deliver_behind(home, environment),
        executor_trouble=local.trouble,
        tracking_trouble=lambda: trouble_of(tracking.tracking_uri),
        environment=environment,
        author=local_author(),
        actor=local_actor(),
    )


def _passes(home: Path, database: Database, url: str | None) -> Passes:
    """What each worker asks the API at ``url`` with."""
    if url is None:
        return lambda _attempt: None
    from bongsu.service.signing_keys import KeyUse, signing_keys
    from bongsu.service.worker_access import passes_of

    return passes_of(database, signing_keys(home, KeyUse.ATTEMPTS, time.time), time.time, url)


def _deliver_behind(home: Path, environment: Mapping[str, str]) -> None:
    """Start a process that outlives this one and ends when MLflow has heard of everything."""
    with (home / DELIVERY_LOG).open("a") as log:
        subprocess.Popen(
            python_command("bongsu.service.delivering", str(home)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            env=environment,
            start_new_session=True,
        )


class _LocalExecutor:
    """The one executor of this process, made when it is first asked for."""

    def __init__(
        self,
        home: Path,
        place: ArtifactPlace,
        environment: Mapping[str, str],
        ray_address: str | None,
        passes: Passes,
    ) -> None:
        self._home = home
        self._place = place
        self._environment = environment
        self._address = ray_address
        self._passes = passes
        # Whoever drives, looks, or counts may be first, each in a thread of its own.
        self._making = threading.Lock()
        self._made: LocalRayExecutor | None = None

    def get(self) -> Executor:
        return self._make()

    def warm_up(self) -> None:
        self._make().start()

    def trouble(self) -> Words:
        """Nothing is made to look at a Ray of this process's own: it starts with the first stage."""
        if self._address is None and self._made is None:
            return ""
        return self._make().trouble()

    def close(self) -> None:
        with self._making:
            made = self._made
        if made is not None:
            made.close()

    def _make(self) -> LocalRayExecutor:
        with self._making:
            if self._made is None:
                self._made = self._new()
            return self._made

    def _new(self) -> LocalRayExecutor:
        from bongsu.executors.local_ray.executor import LocalRayExecutor
        from bongsu.executors.local_ray.session import RaySettings
        from bongsu.executors.local_ray.surroundings import LocalSurroundings

        # One key for a home: the same text, curated again, gives the same bytes. A home that may not be written can
        # be looked at, and no worker starts there.
        variables = {}
        if os.access(self._home, os.W_OK):
            variables[MASKING_VARIABLE] = masking_key(self._environment) or lasting_key(self._home / MASKING_KEY)
        of_s3 = s3_variables(self._place, self._environment)
        if self._address:
            # What a Ray that ran before has not inherited.
            variables |= of_s3
        surroundings = LocalSurroundings(
            logs=self._home / LOGS,
            environments=self._home / ENVIRONMENTS,
            ray_log=self._home / RAY_LOG,
            environment={**self._environment, **of_s3},
            clock=time.time,
            monotonic=time.monotonic,
            variables=variables,
            cache=self._place.cache,
            passes=self._passes,
        )
        return LocalRayExecutor(surroundings, RaySettings(self._address))


def masking_key(environment: Mapping[str, str]) -> str:
    """The operator's own; empty if there is none. Raises ``run.undecodable-variable``."""
    key = environment.get(MASKING_VARIABLE, "")
    if any("\ud800" <= character <= "\udfff" for character in key):
        raise codes.UNDECODABLE_VARIABLE.error(name=MASKING_VARIABLE)
    return key


def lasting_key(path: Path) -> str:
    """The secret in a file that only its owner may read; drawn the first time, the same for all who come at once."""
    create_once(path, secrets.token_hex(32).encode())
    return path.read_text()
