"""The line to the tracking server: tries again what gets no answer, and can be hung up at any moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bongsu.domain.mistakes import is_own
from bongsu.domain.phrases import Words
from bongsu.reconciler.own_faults import OwnFaults
from bongsu.reconciler.words_of_errors import words_of

MAX_TRIES = 5


@dataclass(frozen=True)
class Patience:
    """In seconds.

    Attributes:
        quiet: deliveries begin when nothing new was written for so long, because importing a tracking client takes
            the processor from stages that follow one another quickly. More than a driver sleeps.
        look: how often it is looked what others have written, such as who takes a model's alias away on another
            replica.
        retry: before the second try; doubled each time.
        again: before what failed every try is tried once more.
        give_up: a registration that got no answer for so long is given up; resuming the run asks for it anew.
    """

    quiet: float = 2.0
    look: float = 2.0
    retry: float = 0.5
    again: float = 30.0
    give_up: float = 900.0


class Answer(Enum):
    """What came of a call."""

    YES = "it was done"
    NONE = "every try failed"
    FAULT = "Bongsu failed on the way to the server or back"
    HUNG_UP = "the line was hung up meanwhile"


class TrackingLine:
    """Used by one thread, hung up by others.

    Args:
        patience: how long to wait for what.
        own_faults: are told what no server can be blamed for.

    Attributes:
        trouble: the server's last error; empty once a call succeeds.
        fault: of the last call, if that was none of the server's.
    """

    def __init__(self, patience: Patience, own_faults: OwnFaults | None = None) -> None:
        self._patience = patience
        self._own_faults = own_faults or OwnFaults()
        self._condition = threading.Condition()
        self._was_used = False
        self._is_closed = False
        self.trouble: Words = ""
        self.fault: Words = ""

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def call(self, act: Callable[[], None], refusals: tuple[type[Exception], ...] = ()) -> Answer:
        """Act; while the server answers, ``MAX_TRIES`` times if need be, and once while it is known not to.

        Args:
            act: may raise anything; asks the server and nothing else, because all that it raises is laid to the server,
                unless it is a fault of ours.
            refusals: exceptions that are an answer; they are raised.
        """
        tries = 1 if self.trouble else MAX_TRIES
        self.fault = ""
        for number in range(tries):
            with self._condition:
                if self._is_closed:
                    return Answer.HUNG_UP
                self._was_used = True
            try:
                act()
            except refusals:
                self.trouble = ""
                raise
            except Exception as error:  # whatever a client of a server, of any make, comes up with
                if is_own(error):
                    self.fault = self._own_faults.note("a call of MLflow", error)
                    return Answer.FAULT
                self.trouble = words_of(error)
            else:
                self.trouble = ""
                return Answer.YES
            if number + 1 < tries:
                self.pause(self._patience.retry * 2**number)
        return Answer.HUNG_UP if self._is_closed else Answer.NONE

    def pause(self, seconds: float) -> None:
        """Wait, at most until it is hung up."""
        with self._condition:
            self._condition.wait_for(lambda: self._is_closed, seconds)

    def hang_up(self) -> None:
        """No call begins any more."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    def hang_up_if_unused(self) -> bool:
        """As :meth:`hang_up`, unless a call was ever begun; True if it was hung up."""
        with self._condition:
            if self._was_used:
                return False
            self._is_closed = True
            self._condition.notify_all()
            return True
