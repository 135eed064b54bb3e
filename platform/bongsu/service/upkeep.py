"""What is due on a server from time to time, whether or not anything runs: the process that leads sees to it, beside
driving runs and without holding them up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.service.audit.checkpoints import checkpoint_due
from bongsu.service.audit.keys import LogKeys
from bongsu.service.audit.reads import forget_old_reads
from bongsu.service.governance.sweeping import sweep
from bongsu.service.platform import Platform
from bongsu.service.retention import Kept, delete_old_environments, delete_old_logs
from bongsu.service.uploading import clear_abandoned

LOOK_S = 1.0
SIGN_S = 5.0
# It looks at each model that is in use, some milliseconds for each; what cannot wait, the driver sees to.
SWEEP_S = 60.0
FORGET_S = 60.0
CLEAR_S = 3600.0
AGAIN_S = 30.0
"""What failed is tried again after so many seconds."""
END_S = 30.0
_log = logging.getLogger("bongsu.server")


@dataclass(frozen=True)
class Chore:
    """Attributes:
    name: what it is called where it fails.
    every_s: how often it is done, in seconds.
    do: does what is due; nothing, and cheaply, if nothing is.
    is_slow: it may take minutes, for which nothing else is to wait.
    """

    name: Words
    every_s: float
    do: Callable[[], object]
    is_slow: bool = False


def chores(platform: Platform, keys: Callable[[], LogKeys], kept: Kept | None = None) -> tuple[Chore, ...]:
    """Of a server.

    Args:
        platform: as whoever leads writes to it, with the objects of every ministry in its scope.
        keys: what the audit logs are signed by at the moment.
        kept: for how long what is kept for a time; as long as usual if not given.
    """
    keeping = kept or Kept()
    return (
        Chore(N_("signing the audit logs"), SIGN_S, lambda: checkpoint_due(platform, keys())),
        Chore(N_("ending what has run out"), SWEEP_S, lambda: sweep(platform)),
        Chore(
            N_("clearing what was left of uploads"),
            CLEAR_S,
            lambda: clear_abandoned(platform.home, platform.clock()),
            is_slow=True,
        ),
        Chore(N_("forgetting old readings"), FORGET_S, lambda: forget_old_reads(platform)),
        Chore(
            N_("deleting old logs of attempts"),
            CLEAR_S,
            lambda: delete_old_logs(platform, keeping.log_days),
            is_slow=True,
        ),
        Chore(
            N_("deleting environments that nobody uses"),
            CLEAR_S,
            lambda: delete_old_environments(platform, keeping.environment_days),
            is_slow=True,
        ),
    )


@dataclass
class Upkeep:
    """Attributes:
    chores: what is to be done.
    on_trouble: told of each failure once, until the chore was done without it.
    monotonic: seconds that only grow.
    """

    chores: Sequence[Chore]
    on_trouble: Callable[[Words], None]
    monotonic: Callable[[], float] = time.monotonic
    _due: dict[int, float] = field(default_factory=dict)
    _told: dict[int, set[Words]] = field(default_factory=dict)

    def run_due(self) -> None:
        """Do each chore that is due. One that fails keeps no other from being done."""
        for number, chore in enumerate(self.chores):
            if self.monotonic() < self._due.get(number, 0.0):
                continue
            failures = self._done(chore)
            for words in failures - self._told.get(number, set()):
                self.on_trouble(phrase(N_("{chore} failed: {detail}"), chore=as_phrase(chore.name), detail=words))
            self._told[number] = failures
            self._due[number] = self.monotonic() + (max(AGAIN_S, chore.every_s) if failures else chore.every_s)

    def _done(self, chore: Chore) -> set[Words]:
        try:
            chore.do()
        except BongsuError as error:
            return {as_phrase(problem.sentence()) for problem in error.problems}
        except Exception as error:  # whatever it is, runs are driven on, and the other chores are done
            _log.exception("%s failed", chore.name)
            return {str(error) or type(error).__name__}
        return set()


@contextmanager
def seeing_to(due: Sequence[Chore], on_trouble: Callable[[Words], None]) -> Iterator[None]:
    """Have everything done until the end of the block, in one thread what is quick and in another what is not.

    Args:
        due: what is to be done.
        on_trouble: as of :class:`Upkeep`.
    """
    stop = threading.Event()

    def go_on(upkeep: Upkeep) -> None:
        while not stop.is_set():
            try:
                upkeep.run_due()
            except Exception:  # whoever is told failed: the thread goes on, or nothing is signed any more
                _log.exception("telling of a failure failed")
            stop.wait(LOOK_S)

    kinds = {"upkeep": [one for one in due if not one.is_slow], "clearing": [one for one in due if one.is_slow]}
    threads = [
        threading.Thread(target=go_on, args=(Upkeep(some, on_trouble),), name=name, daemon=True)
        for name, some in kinds.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        until = time.monotonic() + END_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
