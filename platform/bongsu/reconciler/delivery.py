"""The thread that talks to the tracking server, so that nothing else waits for it.

It empties the outbox (at least once, in order), makes registrations, and lets go of checkpoints that are not needed
any more. What it does not get done before the process ends, the next one does.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.plan import PlannedStage
from bongsu.domain.publication import Publication, PublishedTree, StageFinished
from bongsu.reconciler.facts import Refused, Registered, RunFacts
from bongsu.reconciler.publisher import Publisher
from bongsu.reconciler.registration import registration_request
from bongsu.store import outbox
from bongsu.store.database import Database

Job = tuple[RunId, StageId]
BATCH = 20
MAX_TRIES = 5


@dataclass(frozen=True)
class Patience:
    """In seconds.

    Attributes:
        quiet: deliveries begin when nothing new was written for so long, because importing a tracking client takes
            the processor from stages that follow one another quickly. More than a driver sleeps.
        retry: before the second try; doubled each time.
        again: before an item that failed every try is tried once more.
    """

    quiet: float = 2.0
    retry: float = 0.5
    again: float = 60.0


class Delivery:
    """See the module's docstring.

    Args:
        database: holds the outbox.
        publisher: called from this thread only.
        artifacts: where trees lie.
        patience: how long to wait for what.
        exclusive: held while the server is talked to, where several processes may do so.
    """

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        artifacts: ArtifactStore,
        patience: Patience | None = None,
        exclusive: AbstractContextManager[object] | None = None,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._artifacts = artifacts
        self._patience = patience or Patience()
        self._exclusive = exclusive or nullcontext()
        self._condition = threading.Condition()
        self._written_at: float | None = time.monotonic()  # an earlier process may have left something
        self._jobs: dict[Job, tuple[RunFacts, PlannedStage]] = {}
        self._done: dict[Job, Registered | Refused] = {}
        self._checkpoints: list[str] = []
        self._put_off: dict[int, float] = {}
        self._busy = self._draining = self._closing = self._begun = False
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    # -- called by the driver ------------------------------------------------------------------------------------

    def poke(self) -> None:
        """Something may have been put into the outbox."""
        with self._condition:
            self._written_at = time.monotonic()
            self._condition.notify_all()

    def register(self, facts: RunFacts, planned: PlannedStage) -> None:
        """Have the registration of a stage made, unless that is under way or done."""
        job = (facts.run.id, planned.id)
        with self._condition:
            if job not in self._jobs and job not in self._done:
                self._jobs[job] = (facts, planned)
                self._condition.notify_all()

    def registrations(self, run_id: RunId) -> dict[StageId, Registered | Refused]:
        """What became of registrations."""
        with self._condition:
            return {stage: result for (run, stage), result in self._done.items() if run == run_id}

    def forget(self, run_id: RunId, stage_id: StageId) -> None:
        """The store knows what became of it; a later attempt of the stage asks anew."""
        with self._condition:
            self._done.pop((run_id, stage_id), None)

    def clear_checkpoints(self, key: str) -> None:
        with self._condition:
            self._checkpoints.append(key)
            self._condition.notify_all()

    @property
    def is_registering(self) -> bool:
        with self._condition:
            return bool(self._jobs)

    def await_registrations(self, timeout_s: float) -> bool:
        """Wait until none is being made; False if that took longer than ``timeout_s`` seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._jobs, timeout_s)

    @property
    def trouble(self) -> str:
        """The last error of the tracking server; empty once it works again."""
        return self._trouble

    def drain(self, timeout_s: float) -> int:
        """Deliver everything now; returns how many items are left after ``timeout_s`` seconds at most."""
        deadline = time.monotonic() + timeout_s
        with self._condition:
            self._draining = True
            self._put_off.clear()
            self._written_at = time.monotonic()
            self._condition.notify_all()
            self._condition.wait_for(
                lambda: self._is_idle,
                max(0.0, deadline - time.monotonic()),
            )
        with self._database.read() as connection:
            return outbox.count_waiting(connection)

    def leave(self) -> bool:
        """End it without delivering anything, for another process to do that; False if it has begun to."""
        with self._condition:
            if self._begun:
                return False
            self._closing = True
            self._condition.notify_all()
        self._clear()
        return True

    def close(self) -> None:
        """Stop at the next item; waits a little for the one under way."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._thread.join(timeout=10)

    @property
    def _is_idle(self) -> bool:
        return not (self._busy or self._written_at is not None or self._jobs or self._checkpoints)

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._await_work():
            with self._condition:
                jobs, self._written_at = dict(self._jobs), None
                self._busy = True
            try:
                with self._exclusive:
                    self._deliver()
                    for job, (facts, planned) in jobs.items():
                        self._register(job, facts, planned)
                self._clear()
            except Exception as error:  # the database or the disk, for now
                self._trouble = f"{type(error).__name__}: {str(error)[:500]}"
                with self._condition:
                    self._condition.wait_for(lambda: self._closing, self._patience.retry)
                    self._written_at = time.monotonic()
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()

    def _await_work(self) -> bool:
        """Wait until there is something to do; False when the thread is to end."""
        with self._condition:
            while not self._closing:
                quiet_for = time.monotonic() - self._written_at if self._written_at is not None else 0.0
                if self._jobs or (self._written_at is not None and (self._draining or self._is_quiet(quiet_for))):
                    return True
                left = None if self._written_at is None else self._patience.quiet - quiet_for
                self._condition.wait(left)
            return False

    def _is_quiet(self, seconds: float) -> bool:
        return seconds >= self._patience.quiet

    def _deliver(self) -> None:
        while not self._closing:
            with self._database.read() as connection:
                found = outbox.waiting(connection, BATCH, skip=self._skipped())
            if not found:
                return
            done = [number for number, item in found if self._deliver_one(number, item)]
            if done:
                with self._database.write() as connection:
                    outbox.mark_done(connection, done)

    def _deliver_one(self, number: int, item: Publication) -> bool:
        if not self._begin():
            return False
        # While the server is down, one try for each is enough.
        tries = 1 if self._trouble else MAX_TRIES
        if self._try(lambda: self._publisher.publish([self._placed(item)]), tries):
            return True
        with self._condition:
            self._put_off[number] = time.monotonic() + self._patience.again
        with self._database.write() as connection:
            outbox.mark_failed(connection, number, self._trouble)
        return False

    def _begin(self) -> bool:
        with self._condition:
            self._begun = self._begun or not self._closing
            return not self._closing

    def _skipped(self) -> list[int]:
        with self._condition:
            now = time.monotonic()
            self._put_off = {number: until for number, until in self._put_off.items() if until > now}
            return sorted(self._put_off)

    def _register(self, job: Job, facts: RunFacts, planned: PlannedStage) -> None:
        result: list[Registered | Refused] = []
        if not self._begin():
            return

        def once() -> None:
            request = registration_request(facts, planned, self._artifacts)
            if isinstance(request, Refused):
                result.append(request)
            else:
                result.append(Registered(request, self._publisher.publish_registration(request)))

        if not self._try(once, MAX_TRIES):
            if self._closing:
                return
            result.append(Refused(self._trouble))
        with self._condition:
            self._done[job] = result[0]
            self._jobs.pop(job, None)
            self._condition.notify_all()

    def _clear(self) -> None:
        with self._condition:
            keys, self._checkpoints = self._checkpoints, []
        for key in keys:
            with contextlib.suppress(OSError):
                self._artifacts.clear_checkpoints(key)

    def _try(self, act: Callable[[], None], tries: int) -> bool:
        """Act, ``tries`` times if need be; False if it failed each time, or the process ends."""
        for number in range(tries):
            try:
                act()
            except Exception as error:  # whatever a server, a network or a disk comes up with
                self._trouble = f"{type(error).__name__}: {str(error)[:500]}"
            else:
                self._trouble = ""
                return True
            if number + 1 < tries:
                with self._condition:
                    if self._condition.wait_for(lambda: self._closing, self._patience.retry * 2**number):
                        return False
        return False

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
