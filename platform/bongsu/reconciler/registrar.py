"""Registrations: asked for by the driver, made by the thread that talks to the tracking server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bongsu.artifacts.base import StoreOf
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.messages import N_
from bongsu.domain.mistakes import OTHERS
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.plan import PlannedStage
from bongsu.domain.problems import BongsuError
from bongsu.domain.publication import RegistrationRefused, RegistrationRequest
from bongsu.reconciler.facts import Published, Refused, Registered, RunFacts, Withdrawn
from bongsu.reconciler.own_faults import OwnFaults
from bongsu.reconciler.publisher import Publisher
from bongsu.reconciler.registration import registration_request
from bongsu.reconciler.tracking_line import Answer, Patience, TrackingLine
from bongsu.reconciler.words_of_errors import words_of

Key = tuple[RunId, StageId]


@dataclass
class _Job:
    """Times on the monotonic clock.

    Attributes:
        asked_at: when the registry was first asked; what was waited for a turn before counts for nothing.
        unread: why it cannot be asked for: the artifact store does not give what is to be registered, or Bongsu failed.
    """

    facts: RunFacts
    planned: PlannedStage
    due: float
    asked_at: float | None = None
    unread: Words = ""
    is_in_hand: bool = False


class Registrar:
    """Thread-safe. A server that gives no answer is asked again; only its no, or a long silence, is a refusal. The
    silence of an artifact store is none, however long.

    Args:
        publisher: makes versions; called by :meth:`work` only.
        artifacts: where the registrations of each tenant and their evidence lie.
        line: to the tracking server.
        patience: how long to wait for what.
        monotonic: seconds that only grow.
        changed: notified when there is something to do, or something was done.
        own_faults: are told what nobody else can be blamed for.
    """

    def __init__(
        self,
        publisher: Publisher,
        artifacts: StoreOf,
        line: TrackingLine,
        patience: Patience,
        monotonic: Callable[[], float],
        changed: threading.Condition,
        own_faults: OwnFaults | None = None,
    ) -> None:
        self._publisher = publisher
        self._artifacts = artifacts
        self._line = line
        self._patience = patience
        self._monotonic = monotonic
        self._changed = changed
        self._own_faults = own_faults or OwnFaults()
        self._jobs: dict[Key, _Job] = {}
        self._results: dict[Key, Published] = {}

    # -- the driver's side ---------------------------------------------------------------------------------------

    def ask(self, facts: RunFacts, planned: PlannedStage) -> None:
        """Have the registration of a stage made, unless that is under way or done."""
        key = (facts.run.id, planned.id)
        with self._changed:
            if key not in self._jobs and key not in self._results:
                self._jobs[key] = _Job(facts, planned, due=self._monotonic())
                self._changed.notify_all()

    def withdraw(self, run_id: RunId, stage_id: StageId) -> None:
        """Ask for it no more, unless it is in hand at this moment or done."""
        key = (run_id, stage_id)
        with self._changed:
            job = self._jobs.get(key)
            if key not in self._results and (job is None or not job.is_in_hand):
                self._jobs.pop(key, None)
                self._results[key] = Withdrawn()

    def results(self, run_id: RunId) -> dict[StageId, Published]:
        """What became of a run's registrations."""
        with self._changed:
            return {stage: result for (run, stage), result in self._results.items() if run == run_id}

    def forget(self, run_id: RunId, stage_id: StageId) -> None:
        """The store knows what became of it; a later attempt of the stage asks anew."""
        with self._changed:
            self._results.pop((run_id, stage_id), None)

    @property
    def is_busy(self) -> bool:
        with self._changed:
            return bool(self._jobs)

    @property
    def trouble(self) -> Words:
        """Why a registration waits although the server is not to blame; empty if none does."""
        with self._changed:
            return next((job.unread for job in self._jobs.values() if job.unread), "")

    def wait(self, timeout_s: float) -> bool:
        """Wait until none is being made; False if that took longer than ``timeout_s`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs, timeout_s)

    # -- the thread's side ---------------------------------------------------------------------------------------

    def next_try(self) -> float | None:
        """When (on the monotonic clock) a registration is due; None if none is asked for."""
        with self._changed:
            return min((job.due for job in self._jobs.values()), default=None)

    def work(self) -> None:
        """Make the registrations that are due."""
        with self._changed:
            now = self._monotonic()
            due = {key: job for key, job in self._jobs.items() if job.due <= now}
        for key, job in due.items():
            with self._changed:
                if key not in self._jobs:
                    continue  # withdrawn
                job.is_in_hand = True
            result = self._make(job)
            with self._changed:
                job.is_in_hand = False
                if result is not None:
                    self._results[key] = result
                    self._jobs.pop(key, None)
                else:
                    job.due = self._monotonic() + self._patience.again
                self._changed.notify_all()

    def _make(self, job: _Job) -> Published | None:
        """None if there was no answer."""
        try:
            request = self._request(job)
        except OTHERS as error:
            words = N_("the artifact store does not answer: {detail}")
            job.unread = phrase(words, detail=as_phrase(words_of(error)))
            return None
        except ValueError as error:  # the same bytes will be read the same way again
            words = N_("what is to be registered cannot be read: {detail}")
            return Refused(phrase(words, detail=as_phrase(words_of(error))))
        except Exception as error:  # it would be met again; the thread that is here has other things to tell
            return Refused(self._own_faults.note("reading a registration", error))
        job.unread = ""
        if isinstance(request, Refused):
            return request
        if job.asked_at is None:
            job.asked_at = self._monotonic()
        made: list[Registered] = []
        try:
            answer = self._line.call(
                lambda: made.append(Registered(request, self._publisher.publish_registration(request))),
                refusals=(RegistrationRefused,),
            )
        except RegistrationRefused as error:
            return Refused(str(error))
        if answer is Answer.YES:
            return made[0]
        if answer is Answer.FAULT:
            job.unread = self._line.fault
        if answer is not Answer.HUNG_UP and self._monotonic() > job.asked_at + self._patience.give_up:
            if job.unread:
                return Refused(job.unread)
            silent = N_("the registry gave no answer for {seconds:g} s: {trouble}")
            return Refused(phrase(silent, seconds=self._patience.give_up, trouble=as_phrase(self._line.trouble)))
        return None

    def _request(self, job: _Job) -> RegistrationRequest | Refused:
        try:
            return registration_request(job.facts, job.planned, self._artifacts(job.facts.run.tenant))
        except BongsuError as error:
            if error.problems[0].code in (codes.CORRUPT, codes.MISSING):
                return Refused(error.problems[0].sentence())  # the bytes will not mend themselves
            raise
