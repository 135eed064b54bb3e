"""The thread that talks to the tracking server, so that nothing else waits for it.

It empties the outbox, makes registrations, and lets go of checkpoints that are not needed any more. What it does not
get done before the process ends, the next one does.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from bongsu.artifacts.base import ArtifactStore
from bongsu.reconciler.outbox_delivery import OutboxDelivery
from bongsu.reconciler.publisher import Publisher
from bongsu.reconciler.registrar import Registrar
from bongsu.reconciler.tracking_line import Patience, TrackingLine
from bongsu.store.database import Database


class Delivery:
    """See the module's docstring.

    Args:
        database: holds the outbox.
        publisher: called from this thread only.
        artifacts: where trees lie.
        patience: how long to wait for what.
        exclusive: held while the server is talked to, where several processes may do so.
        monotonic: seconds that only grow.

    Attributes:
        registrar: registrations are asked for there.
    """

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        artifacts: ArtifactStore,
        patience: Patience | None = None,
        exclusive: AbstractContextManager[object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._artifacts = artifacts
        self._patience = patience or Patience()
        self._exclusive = exclusive or nullcontext()
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._line = TrackingLine(self._patience)
        self._outbox = OutboxDelivery(database, publisher, artifacts, self._line, self._patience, monotonic)
        self.registrar = Registrar(publisher, artifacts, self._line, self._patience, monotonic, self._changed)
        self._checkpoints: list[str] = []
        # When the outbox is due; an earlier process may have left something in it.
        self._due: float | None = monotonic() + self._patience.quiet
        self._is_draining = False
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

    def clear_checkpoints(self, key: str) -> None:
        """Delete the checkpoints below ``key`` when there is time."""
        with self._changed:
            self._checkpoints.append(key)

    @property
    def trouble(self) -> str:
        """Why the tracking server's last answer did not come, and what that holds up; empty while it answers."""
        if not self._line.trouble:
            return ""
        minutes = f"{self._patience.give_up / 60:g} minutes"
        held = f"a registration waits for it, {minutes} at most" if self.registrar.is_busy else "runs go on"
        return f"MLflow does not answer ({held}): {self._line.trouble}"

    def drain(self, timeout_s: float) -> int:
        """Deliver everything now; returns how many items are left after ``timeout_s`` seconds at most."""
        with self._changed:
            self._is_draining = True
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
        """Stop at the next item; waits a little for the one under way."""
        self._line.hang_up()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(timeout=10)
        self._clear()

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._await_work():
            try:
                with self._exclusive:
                    self._outbox.deliver()
                    self.registrar.work()
                self._clear()
            except Exception as error:  # the database or the disk, for now
                self._line.note(error)
                self._line.pause(self._patience.retry)
                with self._changed:
                    self._due = self._monotonic()
            finally:
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()

    def _await_work(self) -> bool:
        """Wait until something is due; False when the thread is to end."""
        with self._changed:
            while not self._line.is_closed:
                due = self._next()
                now = self._monotonic()
                if due is not None and due <= now:
                    self._is_busy, self._due = True, None
                    return True
                self._changed.wait(None if due is None else due - now)
            return False

    def _next(self) -> float | None:
        dues = (self._due, self.registrar.next_try(), self._outbox.next_try())
        return min((due for due in dues if due is not None), default=None)

    def _clear(self) -> None:
        with self._changed:
            keys, self._checkpoints = self._checkpoints, []
        for key in keys:
            with contextlib.suppress(OSError):
                self._artifacts.clear_checkpoints(key)
