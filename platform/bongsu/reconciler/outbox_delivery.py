"""Emptying the outbox: at least once, and in order as long as the tracking server answers.

An item that it does not take is put off and holds up no other, with one exception: nothing is told of a run whose
beginning is not known yet.
"""

from __future__ import annotations

from collections.abc import Callable

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.publication import ModelPage, Publication, PublishedTree, RunOpened, StageFinished
from bongsu.reconciler.publisher import Publisher
from bongsu.reconciler.tracking_line import Answer, Patience, TrackingLine
from bongsu.store import outbox, pages
from bongsu.store.database import Database

BATCH = 20


class OutboxDelivery:
    """Used by one thread.

    Args:
        database: holds the outbox.
        publisher: takes the items.
        artifacts: where trees lie.
        line: to the tracking server.
        patience: how long an item that failed is put off.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        artifacts: ArtifactStore,
        line: TrackingLine,
        patience: Patience,
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._artifacts = artifacts
        self._line = line
        self._patience = patience
        self._monotonic = monotonic
        self._put_off: dict[int, float] = {}
        self._unopened: dict[str, float] = {}

    def deliver(self) -> None:
        """Everything that waits and is not put off, until the line is hung up."""
        while not self._line.is_closed:
            with self._database.read() as connection:
                self._forget_what_is_due()
                found = outbox.waiting(
                    connection, BATCH, skip=sorted(self._put_off), skip_runs=sorted(self._unopened)
                )
            if not found:
                return
            shown: list[ModelPage] = []
            done = [number for number, item in found if self._deliver_one(number, item, shown)]
            if done:
                with self._database.write() as connection:
                    outbox.mark_done(connection, done)
                    pages.put_pages(connection, shown)

    def hurry(self) -> None:
        """Put nothing off any longer."""
        self._put_off, self._unopened = {}, {}

    def count_waiting(self) -> int:
        with self._database.read() as connection:
            return outbox.count_waiting(connection)

    def next_try(self) -> float | None:
        """When (on the monotonic clock) the first item that was put off is due; None if there is none."""
        return min(self._put_off.values(), default=None)

    def _deliver_one(self, number: int, item: Publication, shown: list[ModelPage]) -> bool:
        """True if it was taken; pages of its models are added to ``shown``."""
        if item.run_id in self._unopened:
            return False
        answer = self._line.call(lambda: shown.extend(self._publisher.publish([self._placed(item)])))
        if answer is Answer.NONE:
            due = self._monotonic() + self._patience.again
            if isinstance(item, RunOpened):
                self._unopened = {**self._unopened, item.run_id: due}
            self._put_off = {**self._put_off, number: due}
            with self._database.write() as connection:
                outbox.mark_failed(connection, number, self._line.trouble)
        return answer is Answer.YES

    def _forget_what_is_due(self) -> None:
        now = self._monotonic()
        self._put_off = {number: until for number, until in self._put_off.items() if until > now}
        self._unopened = {run: until for run, until in self._unopened.items() if until > now}

    def _placed(self, item: Publication) -> Publication:
        """With the address of every tree, looked up here so that nobody waits for it."""
        if not isinstance(item, StageFinished):
            return item
        return item.model_copy(
            update={
                "inputs": tuple(self._with_uri(tree) for tree in item.inputs),
                "outputs": tuple(self._with_uri(tree) for tree in item.outputs),
            }
        )

    def _with_uri(self, tree: PublishedTree) -> PublishedTree:
        if tree.uri or not self._artifacts.has(tree.ref.digest):
            return tree
        return tree.model_copy(update={"uri": self._artifacts.reader(tree.ref.digest).uri})
