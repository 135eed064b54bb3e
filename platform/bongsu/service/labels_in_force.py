"""Labels that have changed and of which MLflow has not been told yet: whoever asks it finds them changed.

What cannot be put in force closes what it can be about, and nothing else: the workspace of a ministry. An item that
cannot be read is about the run that it stands under, and all of that is looked at instead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from bongsu.domain.publication import LabelChanged, Publication, RunRelabelled
from bongsu.reconciler.outbox_items import as_it_is
from bongsu.service.observing.metrics import Metrics
from bongsu.service.platform import Platform
from bongsu.store.label_telling import all_of
from bongsu.store.outbox import Unreadable, Waiting, waiting_labels
from bongsu.store.scope import EVERYTHING, Scope

EVERYWHERE = "*"
"""No name of a ministry: an item of which nobody knows whose it is."""
AGAIN_S = 5.0
"""After what time something that MLflow did not take is tried again. Until then it stays closed without being tried:
each request would wait for each try that was begun before it."""
_log = logging.getLogger("bongsu.mlflow")


class Relabels(Protocol):
    """Lets what MLflow has carry the labels of an item."""

    def catch_up(self, item: Publication) -> None:
        """Raises what MLflow raises."""


@dataclass(frozen=True)
class _Failed:
    """An item that was not put in force.

    Attributes:
        closes: whose things it can be about.
        again_at: when to try again, on a clock that only grows.
    """

    closes: frozenset[str]
    again_at: float


class LabelsInForce:
    """Used by the threads of a process that answers for MLflow.

    Args:
        base: of the control plane itself.
        publisher: writes into MLflow.
        metrics: count items that cannot be read, and tell what is closed.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        base: Platform,
        publisher: Relabels,
        metrics: Metrics,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = base.database
        self._publisher = publisher
        self._metrics = metrics
        self._monotonic = monotonic
        self._done: set[int] = set()
        self._failed: dict[int, _Failed] = {}
        self._told: dict[int, set[str]] = {}
        self._closed: frozenset[str] = frozenset()
        self._alone = threading.Lock()

    def catch_up(self) -> frozenset[str]:
        """Put in force what has changed.

        Returns:
            Ministries of whose things nobody may be answered, as some of them may carry too low a label there;
            :data:`EVERYWHERE` among them if it may be anybody's.

        Raises what the control plane's database does; then nobody may be answered.
        """
        waiting = self._waiting()
        known = [self._failed.get(one.number) for one in waiting]
        if waiting and all(known) and self._alone.locked():
            # Somebody tries them, and all that they can be about is closed: there is nothing to wait for.
            return self._closed.union(*(one.closes for one in known if one))
        if waiting or self._closed:
            with self._alone:  # whoever comes meanwhile waits for it
                left = self._waiting(forget=True)
                self._close(frozenset(one for waiting in left for one in self._put_in_force(waiting)))
        return self._closed

    def _waiting(self, *, forget: bool = False) -> list[Waiting]:
        """What is not in force yet; ``forget``, alone, what was noted of items that wait no more."""
        with self._database.read(EVERYTHING) as connection:
            found = waiting_labels(connection)
        if forget:
            numbers = {one.number for one in found}
            self._done &= numbers
            self._told = {number: told for number, told in self._told.items() if number in numbers}
            self._failed = {number: failed for number, failed in self._failed.items() if number in numbers}
        return [one for one in found if one.number not in self._done]

    def _put_in_force(self, waiting: Waiting) -> Iterable[str]:
        """What stays closed for it."""
        failed = self._failed.get(waiting.number)
        if failed is None or failed.again_at <= self._monotonic():
            closes = frozenset(self._tried(waiting))
            if not closes:
                self._failed.pop(waiting.number, None)
                self._done.add(waiting.number)
                return closes
            failed = self._failed[waiting.number] = _Failed(closes, self._monotonic() + AGAIN_S)
        return failed.closes

    def _tried(self, waiting: Waiting) -> Iterable[str]:
        """What stays closed for it; nothing if it is in force now."""
        items = self._items(waiting)
        if not items:
            self._tell(waiting, "It cannot be read, and there is no run of this name: MLflow is closed.")
            return [EVERYWHERE]
        try:
            for item in items:
                with self._database.read(Scope.of(waiting.tenant)) as connection:
                    now = as_it_is(connection, item)
                self._publisher.catch_up(now)
        except Exception as error:  # whatever MLflow comes up with: what may carry too low a label is closed
            self._tell(
                waiting, f"MLflow does not take it ({type(error).__name__}): their part of MLflow is closed."
            )
            return {item.ministry for item in items}
        return ()

    def _items(self, waiting: Waiting) -> list[RunRelabelled | LabelChanged]:
        item = waiting.item
        if isinstance(item, RunRelabelled | LabelChanged):
            return [item]
        with self._database.read(Scope.of(waiting.tenant)) as connection:
            found = all_of(connection, item.run_id)
        if found and isinstance(item, Unreadable):
            self._tell(waiting, "It cannot be read: all labels of its run are looked at.")
        return found

    def _tell(self, waiting: Waiting, what: str) -> None:
        """Once of each item, however often somebody asks meanwhile."""
        told = self._told.setdefault(waiting.number, set())
        if what in told:
            return
        if isinstance(waiting.item, Unreadable) and not told:
            self._metrics.labels_unreadable.inc()
        told.add(what)
        facts = {"item": waiting.number, "run": waiting.item.run_id, "ministry": waiting.tenant}
        _log.error(
            "A label that changed is not in force in MLflow as it was told. %s", what, extra={"facts": facts}
        )

    def _close(self, closed: frozenset[str]) -> None:
        self._closed = closed
        self._metrics.mlflow_closed.clear()
        for ministry in sorted(closed):
            self._metrics.mlflow_closed.labels(ministry).set(1)
