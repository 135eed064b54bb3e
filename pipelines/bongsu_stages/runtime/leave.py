"""Leave to read: before a worker of a served control plane reads an input, it asks whether it still may.

What was permitted when the run was planned, and when the attempt was launched, may have been taken back since. Where
there is no server (a home of one person), nobody is asked. Imports nothing heavy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bongsu.domain.attempt import AttemptSpec, Failure, FailureReason
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, joined, phrase
from bongsu.domain.worker_leave import ReadLeave, WorkerPass, WorkerToken
from bongsu_stages.runtime.control_plane import ControlPlane, RefusedError, SilentError

PATIENCE_S = 60.0
"""For so long a control plane that does not answer is asked again: it may be starting anew."""
GOOD_FOR_S = 60.0
"""A leave that was given is not asked for again within this time."""
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
SHORTEST_RENEWAL_S = 5.0
"""A token is asked for no sooner after another, and a silent control plane no sooner again: others wait for it too."""


class NoLeaveError(Exception):
    """The attempt may not go on.

    Attributes:
        failure: as it is recorded.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.message))
        self.failure = failure


class Leave:
    """Where nobody has to be asked.

    Attributes:
        is_asked: whether there is a control plane to ask, so that others share what the worker runs on.
    """

    is_asked = False

    def ask(self, digest: Digest) -> None:
        """Go on only if the tree may be read now. Raises NoLeaveError."""

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within the block, leave can be asked for however long it takes."""
        yield


UNASKED = Leave()


def leave_of(spec: AttemptSpec, given: WorkerPass | None) -> Leave:
    """The leave of an attempt whose worker was handed ``given``; None if there is nobody to ask."""
    return AskedLeave(spec.id, given) if given is not None else UNASKED


@dataclass(frozen=True)
class Waiting:
    """How an asker passes the time.

    Attributes:
        monotonic: seconds that only grow.
        sleep: for so many seconds.
        patience_s: for so long an answer is waited for.
        unless: waits for something for so many seconds; whether it happened.
        shortest_renewal_s: as :data:`SHORTEST_RENEWAL_S` says.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    patience_s: float = PATIENCE_S
    unless: Callable[[threading.Event, float], bool] = threading.Event.wait
    shortest_renewal_s: float = SHORTEST_RENEWAL_S


class AskedLeave(Leave):
    """Asks the control plane, in the name of one attempt.

    Args:
        attempt: whose worker this is.
        given: where to ask, and with which token.
        waiting: how it waits.
    """

    is_asked = True

    def __init__(self, attempt: AttemptId, given: WorkerPass, waiting: Waiting | None = None) -> None:
        self._plane = ControlPlane(given.url, attempt, given.token)
        self._waiting = waiting or Waiting()
        self._ends = self._waiting.monotonic() + given.lifetime
        self._granted: dict[Digest, float] = {}

    def ask(self, digest: Digest) -> None:
        now = self._waiting.monotonic()
        if digest in self._granted and now < self._granted[digest] + GOOD_FOR_S:
            return
        answer = self._patiently(lambda: self._plane.leave(digest))
        if not answer.permitted:
            raise NoLeaveError(_not_permitted(answer))
        self._granted[digest] = self._waiting.monotonic()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A thread renews the token each time that half of its life is over."""
        over = threading.Event()
        thread = threading.Thread(target=self.renew_until, args=(over,), name="token-renewal", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()

    def renew_until(self, over: threading.Event) -> None:
        """Renew the token again and again. Where the control plane is silent, each further try comes when half of what
        is left is over, until nothing is left."""
        least = self._waiting.shortest_renewal_s
        wait = self._left / 2
        while not self._waiting.unless(over, max(wait, least)):
            try:
                made: WorkerToken = self._plane.renew()
            except SilentError as error:
                wait = max(self._left / 2, error.wait_s, least)
                if wait >= self._left:
                    print(f"The worker's token is not renewed before it ends: {error.detail}", flush=True)
                    return
            except RefusedError:
                return  # the attempt is over, and whoever ended it ends this process
            else:
                self._plane.token, self._ends = made.token, self._waiting.monotonic() + made.lifetime
                wait = self._left / 2

    # -- inside ----------------------------------------------------------------------------------------------

    @property
    def _left(self) -> float:
        """Seconds for which the token still holds."""
        return self._ends - self._waiting.monotonic()

    def _patiently(self, ask: Callable[[], ReadLeave]) -> ReadLeave:
        until, pause = self._waiting.monotonic() + self._waiting.patience_s, _FIRST_PAUSE_S
        while True:
            try:
                return ask()
            except RefusedError as error:
                raise NoLeaveError(_refused(error)) from None
            except SilentError as error:
                pause = max(pause, error.wait_s)
                if self._waiting.monotonic() + pause > until:
                    raise NoLeaveError(_silent(self._plane.url, error.detail)) from None
                if pause == _FIRST_PAUSE_S:
                    print(f"The control plane does not answer, and is asked again: {error.detail}", flush=True)
                self._waiting.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)


def _not_permitted(answer: ReadLeave) -> Failure:
    """With the rules that say no, each with its fact and with what would make it right."""
    told = [phrase("{what} [{code}]", what=one.what, code=one.code) for one in answer.refusals]
    remedies: list[Words] = [one.fix for one in answer.refusals if one.fix]
    return Failure(
        reason=FailureReason.NOT_PERMITTED,
        message=joined(told, " ") if told else N_("The control plane does not permit its worker to read an input."),
        fix=joined(list(dict.fromkeys(remedies)), " ") if remedies else "",
        retryable=False,
    )


def _refused(error: RefusedError) -> Failure:
    """Its token does not hold, or not for that; another attempt gets another one."""
    return Failure(
        reason=FailureReason.CONTROL_PLANE_SILENT,
        message=phrase(N_("The control plane does not take the worker's token: {detail}."), detail=error.detail),
        fix=N_("Nothing if it happens once; else see the server's log, and whether its signing keys were changed."),
    )


def _silent(url: str, detail: str) -> Failure:
    return Failure(
        reason=FailureReason.CONTROL_PLANE_SILENT,
        message=phrase(
            N_("The control plane at {url} did not tell the worker whether it may begin: {detail}."),
            url=url,
            detail=detail,
        ),
        fix=N_("See that the server runs and that workers reach it at this address (`bongsu serve --worker-url`)."),
    )
