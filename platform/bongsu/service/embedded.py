"""The platform of one machine, everything below one directory: the composition root of the command line."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.domain.codes import run as codes
from bongsu.domain.unseen import first_unseen
from bongsu.executors.base import Executor
from bongsu.reconciler.lock import FileLock, WaitingLock
from bongsu.service.platform import Platform
from bongsu.store.database import open_database

if TYPE_CHECKING:
    from bongsu.executors.local_ray.executor import LocalRayExecutor

# Layout below the home directory.
DATABASE = "bongsu.db"
ARTIFACTS = "artifacts"
LOGS = "logs"
ENVIRONMENTS = "environments"
LOCK = "driver.lock"
MASKING_KEY = "masking.key"
PUBLISHER_LOCK = "delivery.lock"
DELIVERY_LOG = "delivery.log"


def open_home(home: Path, ray_address: str | None = None, cpus: float | None = None) -> Platform:
    """The platform whose state lies in ``home``; nothing heavy is imported or started before it is needed.

    Args:
        home: made if it does not exist.
        ray_address: of a Ray that runs already; None starts one with the first stage.
        cpus: cores to offer; None for all that this process may use.

    Raises:
        BongsuError: ``run.newer-database``, ``run.database-unusable``, ``run.home-name``.
    """
    from bongsu.artifacts.open import open_store
    from bongsu.tracking.publisher import MlflowPublisher
    from bongsu.tracking.settings import TrackingSettings

    home = home.absolute()
    # The home stands in the addresses of databases and stores, in which these mean something else.
    strange = sorted(set(str(home)) & set("?#%")) or first_unseen(str(home))
    if strange:
        raise codes.HOME_NAME.error(home=str(home), character=strange[0] if isinstance(strange, list) else strange)
    local = _LocalExecutor(home, ray_address, cpus)
    return Platform(
        home=home,
        database=open_database(f"sqlite:///{home / DATABASE}"),
        artifacts=open_store((home / ARTIFACTS).as_uri()),
        executor=local.get,
        publisher=MlflowPublisher(TrackingSettings.embedded(home)),
        lock=FileLock(home / LOCK),
        on_warm_up=local.warm_up,
        on_close=local.close,
        publisher_lock=WaitingLock(home / PUBLISHER_LOCK),
        on_leftover=lambda: _deliver_behind(home),
    )


def _deliver_behind(home: Path) -> None:
    """Start a process that outlives this one and ends when MLflow has heard of everything."""
    with (home / DELIVERY_LOG).open("a") as log:
        subprocess.Popen(
            [sys.executable, "-m", "bongsu.service.delivering", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            start_new_session=True,
        )


class _LocalExecutor:
    """The one executor of this process, made when it is first asked for."""

    def __init__(self, home: Path, ray_address: str | None, cpus: float | None) -> None:
        self._home = home
        self._address = ray_address
        self._cpus = cpus
        self._made: LocalRayExecutor | None = None

    def get(self) -> Executor:
        return self._make()

    def warm_up(self) -> None:
        self._make().start()

    def close(self) -> None:
        if self._made is not None:
            self._made.close()

    def _make(self) -> LocalRayExecutor:
        if self._made is None:
            from bongsu.executors.local_ray.executor import LocalRayExecutor
            from bongsu.executors.local_ray.session import RaySession

            # Workers inherit it. One key for a home: the same text, curated again, gives the same bytes.
            os.environ.setdefault("BONGSU_MASKING_KEY", lasting_key(self._home / MASKING_KEY))
            session = RaySession(self._address, self._cpus)
            self._made = LocalRayExecutor(self._home / LOGS, self._home / ENVIRONMENTS, session)
        return self._made


def lasting_key(path: Path) -> str:
    """The secret in a file that only its owner may read; drawn the first time, the same for all who come at once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:  # readable by its owner only
            file.write(secrets.token_hex(32))
            file.flush()
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()
