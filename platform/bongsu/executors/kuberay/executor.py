"""The executor of a cluster: an attempt is a Job or a RayJob of its ministry's namespace, which Kueue lets begin.

Nothing of an attempt is in this process, so any process may look at it, stop it, or ask for it again. Its Secret says
that it was asked for, and stays; so it is not started again, whatever becomes of its job. What it says comes through
the artifact store, in pieces that its worker passes on.
"""

from __future__ import annotations

import codecs
import io
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import pydantic

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.open import open_store
from bongsu.artifacts.outcomes import recorded_outcome
from bongsu.artifacts.segments import Segments
from bongsu.domain.attempt import AttemptResult, AttemptSpec, Failure, Observation, Phase, events_stream, log_stream
from bongsu.domain.capacity import Capacity
from bongsu.domain.events import StageEvent, parse_event
from bongsu.domain.ids import AttemptId
from bongsu.domain.problems import BongsuError
from bongsu.domain.worker_leave import WorkerPass
from bongsu.executors.base import EventPage
from bongsu.executors.kuberay.api import JOBS, RAY_JOBS, SECRETS, Api
from bongsu.executors.kuberay.facts import Document
from bongsu.executors.kuberay.ministry import CANCELLED, STARTED, STORE, MinistryOnCluster
from bongsu.executors.kuberay.rendering import Place, asked_for
from bongsu.executors.kuberay.seeing import seen
from bongsu.executors.kuberay.site import Site

LIST_S = 30.0
"""For so long the first list is waited for."""
SILENT_S = 15.0
"""A server that did not answer for so long is away, and nothing is said of attempts."""
FOLLOW_S = 1.0
EVENTS_S, LOOKS_A_SECOND = 2.0, 50
"""Whoever has said nothing new is listened to again after so many seconds, or later where that would be more looks into
the artifact store a second."""
_REMEMBERED = 10_000
Passes = Callable[[AttemptId], WorkerPass | None]


class KubeRayExecutor:
    """See ``bongsu.executors.base.Executor``.

    Args:
        api: of the cluster.
        site: what the site says of it.
        ministries: whose attempts there may be, as they are now.
        place: where an attempt waits.
        passes: what a worker asks the control plane with.
        ray: version of Ray in the images of stages.
        capacity: of the cluster.
    """

    name = "kuberay"

    def __init__(
        self,
        api: Api,
        site: Site,
        ministries: Callable[[], Collection[str]],
        place: Callable[[AttemptSpec], Place],
        passes: Passes,
        ray: str,
        capacity: Callable[[], Capacity],
    ) -> None:
        self._api, self._site, self._ministries = api, site, ministries
        self._place, self._passes, self._ray, self._capacity = place, passes, ray, capacity
        self._changed = threading.Condition()
        self._changes = self._changes_seen = 0
        self._lock = threading.Lock()
        self._there: dict[str, MinistryOnCluster] = {}
        self._stores: dict[str, ArtifactStore] = {}
        self._ended: dict[AttemptId, Observation] = {}
        self._quiet_until: dict[AttemptId, float] = {}

    def capacity(self) -> Capacity:
        return self._capacity()

    def ensure(self, attempt: AttemptSpec) -> None:
        there = self._of(self._site.namespace(attempt.ministry))
        known = there.tombstone(attempt.id)
        if known is not None and _notes(known).keys() & {STARTED, CANCELLED}:
            return
        given = self._passes(attempt.id)
        asked = asked_for(attempt, given, self._place(attempt), self._site, self._ray)
        kind = RAY_JOBS if attempt.distributed else JOBS
        secret = asked.secret
        metadata = {**secret["metadata"], "annotations": {STORE: attempt.artifact_store}}
        if self._api.create(SECRETS, {**secret, "metadata": metadata}) is None:
            known = self._api.get(SECRETS, there.namespace, attempt.id.job_name)
            if known is None or _notes(known).keys() & {STARTED, CANCELLED}:
                return  # another process was at it, or somebody deletes it at this moment
        there.note(kind, self._api.apply(kind, asked.job))
        noted = self._api.annotate(SECRETS, there.namespace, attempt.id.job_name, {STARTED: _now()})
        if noted is not None:
            there.note(SECRETS, noted)

    def observe(self, attempts: Collection[AttemptId]) -> Mapping[AttemptId, Observation]:
        with self._changed:
            self._changes_seen = self._changes
        found = {one: self._ended.get(one, Observation(phase=Phase.ABSENT)) for one in attempts}
        left = [one for one, known in found.items() if known.phase is Phase.ABSENT]
        now = datetime.now(UTC)
        for there in self._all():
            for attempt, what in there.found(left):
                # Of an attempt whose records cannot be read nothing is said, and of the others all the same.
                try:
                    found[attempt] = self._with_record(there, attempt, seen(what, now))
                except (OSError, BongsuError):
                    del found[attempt]
        return found

    def cancel(self, attempt: AttemptId) -> None:
        for there in self._all():
            if there.tombstone(attempt) is None:
                continue
            ((_, found),) = there.found([attempt])
            if found.job is not None and found.job.outcome:
                return
            noted = self._api.annotate(SECRETS, there.namespace, attempt.job_name, {CANCELLED: _now()})
            if noted is not None:
                there.note(SECRETS, noted)
            for kind in (JOBS, RAY_JOBS):
                self._api.delete(kind, there.namespace, attempt.job_name)
            return

    def wait(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._changes == self._changes_seen:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)
            self._changes_seen = self._changes

    def events(self, attempt: AttemptId, cursor: int = 0) -> EventPage:
        """The cursor counts pieces, each of which stands as a whole."""
        store = self._store_of(attempt)
        if store is None or time.monotonic() < self._quiet_until.get(attempt, 0.0):
            return EventPage((), cursor)
        pieces = list(Segments(store, events_stream(attempt)).read(cursor))
        if not pieces and attempt not in self._ended:
            rest_s = max(EVENTS_S, len(self._quiet_until) / LOOKS_A_SECOND)
            self._quiet_until[attempt] = time.monotonic() + rest_s
        return EventPage(tuple(_events(b"".join(pieces))), cursor + len(pieces))

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        store = self._store_of(attempt)
        if store is None:
            return
        segments = Segments(store, log_stream(attempt))
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        number, pending = 0, ""
        while True:
            live = follow and goes_on() and not self.observe([attempt])[attempt].phase.is_final
            for piece in segments.read(number):
                number += 1
                *lines, pending = (pending + decoder.decode(piece)).split("\n")
                yield from lines
            if not live:
                break
            time.sleep(FOLLOW_S)
        pending += decoder.decode(b"", final=True)
        if pending:
            yield pending

    def close(self) -> None:
        with self._lock:
            there, self._there = self._there, {}
        for one in there.values():
            one.close()
        self._api.close()

    # -- inside ----------------------------------------------------------------------------------------------

    def _all(self) -> list[MinistryOnCluster]:
        return [self._of(self._site.namespace(ministry)) for ministry in self._ministries()]

    def _of(self, namespace: str) -> MinistryOnCluster:
        """Raises OSError while the API server does not answer."""
        with self._lock:
            there = self._there.get(namespace)
            if there is None:
                there = self._there[namespace] = MinistryOnCluster(self._api, namespace, self._note_change)
        if not there.await_list(LIST_S) or there.silent_s() > SILENT_S:
            raise OSError(f"the cluster has not answered for {max(LIST_S, there.silent_s()):.0f} s")
        return there

    def _note_change(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def _with_record(self, there: MinistryOnCluster, attempt: AttemptId, seen_now: Observation) -> Observation:
        """A record in the artifact store outweighs what is seen of a job that is over."""
        if not seen_now.phase.is_final:
            return seen_now
        store = self._store(there.tombstone(attempt))
        match recorded_outcome(store, attempt) if store is not None else None:
            case AttemptResult():
                seen_now = seen_now.model_copy(update={"phase": Phase.SUCCEEDED, "failure": None})
            case Failure() as failure:
                seen_now = seen_now.model_copy(update={"phase": Phase.FAILED, "failure": failure})
        self._note_end(attempt, seen_now)
        return seen_now

    def _note_end(self, attempt: AttemptId, observation: Observation) -> None:
        self._quiet_until.pop(attempt, None)
        self._ended[attempt] = observation
        while len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _store_of(self, attempt: AttemptId) -> ArtifactStore | None:
        """Where the attempt's records lie; None of one that nobody asked for."""
        found = (self._store(there.tombstone(attempt)) for there in self._all())
        return next((store for store in found if store is not None), None)

    def _store(self, tombstone: Document | None) -> ArtifactStore | None:
        uri = _notes(tombstone).get(STORE) if tombstone is not None else None
        if uri is None:
            return None
        if uri not in self._stores:  # a connection to S3 takes longer than what is asked of it
            self._stores[uri] = open_store(uri)
        return self._stores[uri]


def _notes(document: Document) -> Mapping[str, str]:
    return document["metadata"].get("annotations") or {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _events(data: bytes) -> Iterator[StageEvent]:
    for line in data.splitlines():
        with suppress(pydantic.ValidationError):
            yield parse_event(line)
