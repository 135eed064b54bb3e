"""Emptying the outbox: at least once, and in order as long as the tracking server answers.

An item that it does not take, or that cannot be told yet, is put off and holds up no other, with one exception: nothing
is told of a run whose beginning is not known yet. One that this version cannot read stays where it is for another.

A pass comes to an end, whatever the server does: what is put off in it is due in a later one, and a server that takes
nothing for long is left alone for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf

from bongsu.artifacts.base import ArtifactStore, StoreOf
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.publication import (
    ModelPage,
    Publication,
    PublishedTree,
    RunOpened,
    StageFinished,
)
from bongsu.domain.tenants import Tenant
from bongsu.reconciler.outbox_items import as_it_is
from bongsu.reconciler.publisher import Publisher
from bongsu.reconciler.tracking_line import Answer, Patience, TrackingLine
from bongsu.reconciler.words_of_errors import words_of
from bongsu.store import outbox, pages
from bongsu.store.database import Database
from bongsu.store.outbox import Unreadable, Waiting
from bongsu.store.scope import EVERYTHING, Scope

BATCH = 20


class OutboxDelivery:
    """Used by one thread, but for :meth:`hurry`, :meth:`count_waiting` and ``trouble``.

    Args:
        database: holds the outbox.
        publisher: takes the items.
        artifacts: where the trees of each tenant lie.
        line: to the tracking server.
        patience: how long an item that failed is put off.
        monotonic: seconds that only grow.

    Attributes:
        trouble: why an item is put off although the server is not to blame; empty if none is.
    """

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        artifacts: StoreOf,
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
        self._held_by: dict[int, Words] = {}
        # What the server took and the database does not know yet: it is not told again while that is down.
        self._taken: list[int] = []
        self._shown: dict[Tenant, list[ModelPage]] = {}
        self._is_hurried = threading.Event()
        self._has_looked = False
        self._begins_anew = False
        # Since when the server has taken nothing of what it was told, and until when it is left alone for that.
        self._failing_since: float | None = None
        self._rests_until: float | None = None
        self.trouble: Words = ""

    def deliver(self, others: Callable[[], None] = lambda: None) -> None:
        """One pass: everything that waits and is not put off as it begins, until the line is hung up.

        Args:
            others: called from time to time in a pass that takes long, for those who want the server meanwhile.

        Raises what the database does, and what ``others`` does.
        """
        self._begin_anew_if_lost()
        if self._is_resting():
            return
        self._forget_what_is_due(self._monotonic())
        their_turn = self._monotonic() + self._patience.again
        while not self._line.is_closed:
            self._note_taken()
            if self._is_hurried.is_set():
                self._is_hurried.clear()
                self._forget_what_is_due(inf)
            found = self._next_batch()
            if not found:
                self._begins_anew = False
                return
            for one in found:
                if one.item.run_id not in self._unopened and not self._line.is_closed:
                    self._deliver_one(one)
                if not self._begins_anew and self._monotonic() > their_turn:
                    others()
                    their_turn = self._monotonic() + self._patience.again
                if self._is_to_rest():
                    self._rest()
                    return
            self._note_taken()

    @property
    def is_in_step(self) -> bool:
        """True unless the server may have lost what it was told and has not been told it again, once at least."""
        return self._has_looked and not self._begins_anew

    def has_work(self) -> bool:
        """True if there is something to tell. Asks nobody but the database and the files of this machine."""
        return self.count_waiting() > 0 or self._is_lost()

    def has_news(self) -> bool:
        """True if there is something to tell now, and nothing that was put off."""
        return self._rests_until is None and bool(self._next_batch())

    def note_all_told(self) -> None:
        """Nothing waits any more: what was put off here was told by another process."""
        self._put_off, self._unopened, self._rests_until = {}, {}, None
        self._held_by, self.trouble = {}, ""

    def hurry(self) -> None:
        """Put nothing off any longer; whatever thread calls this."""
        self._is_hurried.set()

    def count_waiting(self) -> int:
        with self._database.read(EVERYTHING) as connection:
            return outbox.count_waiting(connection)

    def next_try(self) -> float | None:
        """When (on the monotonic clock) the first item that was put off is due; None if there is none."""
        if self._rests_until is not None:
            return self._rests_until
        return min((until for until in self._put_off.values() if until < inf), default=None)

    def _begin_anew_if_lost(self) -> None:
        """A server that has lost everything is told all of it again, before it is told anything else."""
        if self._is_lost():
            with self._database.write(EVERYTHING) as connection:
                outbox.tell_again(connection)
            self._begins_anew = True
        self._has_looked = True

    def _is_lost(self) -> bool:
        """True if the server knows nothing of what it was told; looked for once, as the process begins."""
        if self._has_looked or not self._publisher.is_blank():
            return False
        with self._database.read(EVERYTHING) as connection:
            return outbox.count_told(connection) > 0

    def _next_batch(self) -> list[Waiting]:
        with self._database.read(EVERYTHING) as connection:
            return outbox.waiting(connection, BATCH, skip=sorted(self._put_off), skip_runs=sorted(self._unopened))

    # -- a server that is down ---------------------------------------------------------------------------------

    def _is_to_rest(self) -> bool:
        """One item that is refused says nothing of the server, and a refusal is quick; silence is not."""
        return (
            self._failing_since is not None
            and not self._begins_anew
            and self._monotonic() > self._failing_since + self._patience.again
        )

    def _rest(self) -> None:
        """Leave the server alone for a while, and begin then with what was not tried now."""
        self._note_taken()
        self._failing_since = None
        self._rests_until = self._next_time()
        after = self._rests_until + self._patience.again
        self._put_off = {number: max(until, after) for number, until in self._put_off.items()}
        self._unopened = {run: max(until, after) for run, until in self._unopened.items()}

    def _is_resting(self) -> bool:
        if self._rests_until is None:
            return False
        if self._monotonic() < self._rests_until and not self._is_hurried.is_set():
            return True
        self._rests_until = None
        return False

    # -- one item ----------------------------------------------------------------------------------------------

    def _deliver_one(self, waiting: Waiting) -> None:
        number, item = waiting.number, waiting.item
        self._hold(number, "")
        if isinstance(item, Unreadable):
            words = N_("a record of {run} cannot be read by this version: {detail}")
            self._hold(number, phrase(words, run=item.run_id, detail=item.why))
            self._put_it_off(number, inf, item.run_id if item.may_open else None, self._held_by[number])
            return
        opens = item.run_id if isinstance(item, RunOpened) else None
        try:
            placed = self._placed(item, waiting.tenant)
        except (OSError, BongsuError) as error:
            words = N_("the artifact store does not answer: {detail}")
            self._hold(number, phrase(words, detail=as_phrase(words_of(error))))
            self._put_it_off(number, self._next_time(), opens, self._held_by[number])
            return
        began = self._monotonic()
        shown = self._shown.setdefault(waiting.tenant, [])
        answer = self._line.call(lambda: shown.extend(self._publisher.publish([placed])))
        if answer is Answer.YES:
            self._failing_since = None
            self._taken.append(number)
        elif answer is Answer.FAULT:
            self._hold(number, self._line.fault)
            self._put_it_off(number, self._next_time(), opens, self._line.fault)
        elif answer is Answer.NONE:
            if self._failing_since is None:
                self._failing_since = began
            self._put_it_off(number, self._next_time(), opens, self._line.trouble)

    def _next_time(self) -> float:
        return self._monotonic() + self._patience.again

    def _hold(self, number: int, why: Words) -> None:
        """The item cannot even be told, or can if ``why`` is empty."""
        self._held_by.pop(number, None)
        if why:
            self._held_by[number] = why
        self.trouble = next(iter(self._held_by.values()), "")

    def _put_it_off(self, number: int, until: float, opens: str | None, why: Words) -> None:
        """Not before ``until``, and nothing of the run either that it opens."""
        self._put_off[number] = until
        if opens is not None:
            self._unopened[opens] = until
        with self._database.write(EVERYTHING) as connection:
            outbox.mark_failed(connection, number, why)

    def _note_taken(self) -> None:
        if not self._taken:
            return
        for tenant, shown in self._shown.items():
            with self._database.write(Scope.of(tenant)) as connection:
                pages.put_pages(connection, shown)
        with self._database.write(EVERYTHING) as connection:
            outbox.mark_done(connection, self._taken)
        self._taken, self._shown = [], {}

    def _forget_what_is_due(self, now: float) -> None:
        self._put_off = {number: until for number, until in self._put_off.items() if until > now}
        self._unopened = {run: until for run, until in self._unopened.items() if until > now}

    def _placed(self, item: Publication, tenant: Tenant) -> Publication:
        """With the address of every tree, looked up here so that nobody waits for it; aliases and labels as they are
        now."""
        with self._database.read(Scope.of(tenant)) as connection:
            item = as_it_is(connection, item)
        if not isinstance(item, StageFinished):
            return item
        artifacts = self._artifacts(tenant)
        return item.model_copy(
            update={
                "inputs": tuple(_with_uri(tree, artifacts) for tree in item.inputs),
                "outputs": tuple(_with_uri(tree, artifacts) for tree in item.outputs),
            }
        )


def _with_uri(tree: PublishedTree, artifacts: ArtifactStore) -> PublishedTree:
    if tree.uri or not artifacts.has(tree.ref.digest):
        return tree
    return tree.model_copy(update={"uri": artifacts.reader(tree.ref.digest).uri})
