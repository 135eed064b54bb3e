"""The thread that talks to the tracking server, so that nothing else waits for it.

It empties the outbox, makes registrations, and lets go of checkpoints that are not needed any more. What it does not
get done before the process ends, the next one does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

from bongsu.artifacts.base import StoreOf
from bongsu.domain.codes import artifact as codes
from bongsu.domain.messages import N_
from bongsu.domain.mistakes import OTHERS
from bongsu.domain.phrases import Phrase, Words, as_phrase, joined, phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.reconciler.lock import Turn
from bongsu.reconciler.observing import Observer
from bongsu.reconciler.outbox_delivery import OutboxDelivery
from bongsu.reconciler.own_faults import OwnFaults
from bongsu.reconciler.publisher import Publisher
from bongsu.reconciler.registrar import Registrar
from bongsu.reconciler.tracking_line import Patience, TrackingLine
from bongsu.reconciler.words_of_errors import words_of
from bongsu.store.database import Database

# How often it is looked whether another process is done with the server.
TURN_S = 0.1


class Delivery:
    """See the module's docstring.

    Args:
        database: holds the outbox.
        publisher: called from this thread only.
        artifacts: where the trees of each tenant lie.
        patience: how long to wait for what.
        turn: held while the server is talked to, where several processes may do so.
        monotonic: seconds that only grow.
        observer: counts faults of Bongsu.

    Attributes:
        registrar: registrations are asked for there.
    """

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        artifacts: StoreOf,
        patience: Patience | None = None,
        turn: Turn | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        observer: Observer | None = None,
    ) -> None:
        self._artifacts = artifacts
        self._patience = patience or Patience()
        self._turn = turn
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._own_faults = own_faults = OwnFaults(observer)
        self._line = TrackingLine(self._patience, own_faults)
        self._outbox = OutboxDelivery(database, publisher, artifacts, self._line, self._patience, monotonic)
        self.registrar = Registrar(
            publisher, artifacts, self._line, self._patience, monotonic, self._changed, own_faults
        )
        self._checkpoints: list[tuple[Tenant, str]] = []
        # When the outbox is due; an earlier process may have left something in it.
        self._due: float | None = monotonic() + self._patience.quiet
        self._looked = monotonic()
        self._is_look = False
        self._fault: Words = ""
        self._is_busy = False
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    # -- called by the driver ------------------------------------------------------------------------------------

    def note_written(self) -> None:
        """Something may have been put into the outbox: it is delivered once nothing more follows."""
        with self._changed:
            self._due = self._monotonic() + self._patience.quiet
            self._changed.notify_all()

    def hold_off(self) -> None:
        """Something else needs the processor at the moment."""
        with self._changed:
            if self._due is not None:
                self._due = max(self._due, self._monotonic() + self._patience.quiet)

    def clear_checkpoints(self, tenant: Tenant, key: str) -> None:
        """Delete the tenant's checkpoints below ``key`` when there is time."""
        with self._changed:
            self._checkpoints.append((tenant, key))

    @property
    def trouble(self) -> Words:
        """Why something is not delivered, and what that holds up; empty while nothing is in the way."""
        unread, kept = self.registrar.trouble, self._outbox.trouble
        found: list[Words] = []
        if self._line.trouble:
            words = N_("MLflow does not answer ({held}): {detail}")
            found.append(phrase(words, held=self._held(), detail=as_phrase(self._line.trouble)))
        if unread or kept:
            held = as_phrase(N_("a registration waits for it") if unread else N_("runs go on"))
            words = N_("MLflow is not told everything ({held}): {detail}")
            found.append(phrase(words, held=held, detail=as_phrase(unread or kept)))
        if self._fault:
            words = N_("what MLflow is to be told cannot be read or noted: {detail}")
            found.append(phrase(words, detail=as_phrase(self._fault)))
        return joined(found) if found else ""

    def _held(self) -> Phrase:
        """What waits while the server does not answer."""
        if not self.registrar.is_busy:
            return as_phrase(N_("runs go on"))
        words = N_("a registration waits for it, {minutes:g} minutes at most")
        return phrase(words, minutes=self._patience.give_up / 60)

    def drain(self, timeout_s: float) -> int:
        """Deliver everything now; returns how many items are left after ``timeout_s`` seconds at most."""
        with self._changed:
            self._outbox.hurry()
            self._due = self._monotonic()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._due is None and not self._is_busy, max(0.0, timeout_s))
        return self._outbox.count_waiting()

    def leave(self) -> bool:
        """End it without delivering anything, for another process to do that; False if it has begun to."""
        if not self._line.hang_up_if_unused():
            return False
        self.close()
        return True

    def close(self) -> None:
        """Stop at the next item; waits a little for the one under way. Raises nothing for what others do."""
        self._line.hang_up()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(timeout=10)
        self._clear()

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._await_work():
            faults: list[Words] = []
            with self._collecting(faults):
                if self._is_look:
                    has_work = self._outbox.has_news()
                elif not (has_work := self._has_work()):
                    self._outbox.note_all_told()
                if has_work and self._take_turn():
                    self._work(faults)
            self._clear()
            self._fault = next(iter(faults), "")
            if faults:
                self._line.pause(self._patience.retry)
            with self._changed:
                if faults:
                    self._due = self._monotonic()
                self._is_busy = False
                self._changed.notify_all()

    def _has_work(self) -> bool:
        """True if the server is to be told or asked something. Who has nothing to say takes nobody's turn."""
        registration = self.registrar.next_try()
        return (registration is not None and registration <= self._monotonic()) or self._outbox.has_work()

    def _take_turn(self) -> bool:
        """Wait until no other process talks to the server; False if the line is hung up before."""
        while not self._line.is_closed:
            if self._turn is None or self._turn.take():
                return True
            self._line.pause(TURN_S)
        return False

    def _work(self, faults: list[Words]) -> None:
        """Tell and ask, and let others have their turn. What is in the way of one thing keeps from no other."""
        try:
            with self._collecting(faults):
                self._outbox.deliver(self.registrar.work)
            # A version that is made before those that were lost would take the number of one of them.
            if self._outbox.is_in_step:
                with self._collecting(faults):
                    self.registrar.work()
        finally:
            if self._turn is not None:
                self._turn.give_back()

    def _await_work(self) -> bool:
        """Wait until something is due; False when the thread is to end."""
        with self._changed:
            while not self._line.is_closed:
                due, look, now = self._next(), self._next_look(), self._monotonic()
                if min(due, look) <= now:
                    self._is_look = due > now
                    self._looked = now
                    if not self._is_look:
                        self._due = None
                    self._is_busy = True
                    return True
                self._changed.wait(min(due, look) - now)
            return False

    def _next(self) -> float:
        dues = (self._due, self.registrar.next_try(), self._outbox.next_try())
        return min((due for due in dues if due is not None), default=inf)

    def _next_look(self) -> float:
        """When it is looked for what nobody here has noted; not while what was noted waits for its time."""
        return self._looked + self._patience.look if self._due is None else inf

    def _clear(self) -> None:
        """Delete what can be deleted; the rest is left for the next time."""
        with self._changed:
            keys, self._checkpoints = self._checkpoints, []
        left, is_reached = [], True
        for tenant, key in keys:
            if is_reached:
                try:
                    self._artifacts(tenant).clear_checkpoints(key)
                    continue
                except OTHERS as error:
                    is_reached = not _is_out_of_reach(error)
                except Exception as error:  # all that is lost is space
                    self._own_faults.note("clearing checkpoints", error)
            left.append((tenant, key))  # while nobody answers, each would wait as long as the first did
        with self._changed:
            self._checkpoints += left

    @contextmanager
    def _collecting(self, faults: list[Words]) -> Iterator[None]:
        """What is in the way is told, and tried again."""
        try:
            yield
        except OTHERS as error:
            faults.append(words_of(error))
        except Exception as error:  # without this thread everybody would wait for ever
            faults.append(self._own_faults.note("the thread that tells MLflow", error))


def _is_out_of_reach(error: Exception) -> bool:
    return isinstance(error, BongsuError) and error.problems[0].code == codes.REMOTE_UNREACHABLE
