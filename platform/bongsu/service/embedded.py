"""The platform of one machine, everything below one directory: the composition root of the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from bongsu.executors.base import Executor
from bongsu.reconciler.lock import FileLock
from bongsu.service.platform import Platform
from bongsu.store.database import open_database

# Layout below the home directory.
DATABASE = "bongsu.db"
ARTIFACTS = "artifacts"
LOGS = "logs"
ENVIRONMENTS = "environments"
LOCK = "driver.lock"


def open_home(home: Path, ray_address: str | None = None, cpus: float | None = None) -> Platform:
    """The platform whose state lies in ``home``; nothing heavy is imported or started before it is needed.

    Args:
        home: made if it does not exist.
        ray_address: of a Ray that runs already; None starts one with the first stage.
        cpus: cores to offer; None for all that this process may use.

    Raises:
        BongsuError: ``run.newer-database``, ``run.database-unusable``.
    """
    from bongsu.artifacts.open import open_store
    from bongsu.tracking.publisher import MlflowPublisher
    from bongsu.tracking.settings import TrackingSettings

    home = home.absolute()
    return Platform(
        database=open_database(f"sqlite:///{home / DATABASE}"),
        artifacts=open_store((home / ARTIFACTS).as_uri()),
        executor=_once(home, ray_address, cpus),
        publisher=MlflowPublisher(TrackingSettings.embedded(home)),
        lock=FileLock(home / LOCK),
    )


def _once(home: Path, ray_address: str | None, cpus: float | None) -> Callable[[], Executor]:
    @cache
    def make() -> Executor:
        from bongsu.executors.local_ray.executor import LocalRayExecutor
        from bongsu.executors.local_ray.session import RaySession

        return LocalRayExecutor(home / LOGS, home / ENVIRONMENTS, RaySession(ray_address, cpus))

    return make
