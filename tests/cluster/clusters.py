"""Clusters of a run of tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from local_kube.building import CannotBuild
from local_kube.cluster import FAKE_NODES, CannotRun, Cluster
from local_kube.components import Level
from local_kube.layout import Layout
from needs import lacks


class Clusters:
    """One at a time, each of the level that is asked for.

    Args:
        folder: gives another one, for each cluster.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._running: Cluster | None = None

    def at(self, level: Level) -> Cluster:
        """The one that runs, if it is of that level, else another one in its place.

        Raises:
            NotReady: it did not come up. What there was of it is down, so who asks next gets a whole one.
        """
        if self._running is not None and self._running.layout.level is level:
            return self._running
        self.end()
        made = Cluster(Layout(self._folder(), level))
        try:
            made.up(FAKE_NODES if level is Level.QUEUE else 0)
        except (CannotRun, CannotBuild) as error:
            lacks(str(error))
        except BaseException:
            made.down()
            raise
        self._running = made
        return made

    def end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.down()
