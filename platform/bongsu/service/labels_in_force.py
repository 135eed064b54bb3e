"""Labels that have changed and of which MLflow has not been told yet: whoever asks it finds them changed.

What cannot be put in force closes what it can be about, and nothing else: the workspace of a ministry. An item that
cannot be read is about the run that it stands under, and all of that is looked at instead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
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
_log = logging.getLogger("bongsu.mlflow")


class Relabels(Protocol):
    """Lets what MLflow has carry the labels of an item."""

    def catch_up(self, item: Publication) -> None:
        """Raises what MLflow raises."""


class LabelsInForce:
    """Used by the threads of a process that answers for MLflow.

    Args:
        base: of the control plane itself.
        publisher: writes into MLflow.
        metrics: count items that cannot be read, and tell what is closed.
    """

    def __init__(self, base: Platform, publisher: Relabels, metrics: Metrics) -> None:
        self._database = base.database
        self._publisher = publisher
        self._metrics = metrics
        self._done: set[int] = set()
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
        if self._waiting() or self._closed:
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
        return [one for one in found if one.number not in self._done]

    def _put_in_force(self, waiting: Waiting) -> Iterable[str]:
        """What stays closed for it."""
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
        self._done.add(waiting.number)
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
