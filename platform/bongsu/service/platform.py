"""What every use case works on. The composition root of a process makes one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from bongsu.artifacts.base import ArtifactStore, StoreOf
from bongsu.artifacts.readers import Readers
from bongsu.domain.audit import Author
from bongsu.domain.ids import RunId
from bongsu.domain.people import Actor
from bongsu.domain.phrases import Words
from bongsu.executors.base import Executor
from bongsu.identity.settings import TrustedIssuer
from bongsu.reconciler.lock import DriverLock, Turn
from bongsu.reconciler.observing import Observer, Unobserved
from bongsu.reconciler.publisher import Publisher
from bongsu.service.audit.read_queue import ReadQueue
from bongsu.service.live_progress import LiveProgress
from bongsu.service.owner import OWNER
from bongsu.service.refusals import Refusals
from bongsu.store.database import Database
from bongsu.store.scope import AT_HOME, Scope

# Crockford's base 32 in lower case: its characters sort as their values do.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARACTERS = 9
_RANDOM_CHARACTERS = 3


def run_id_at(seconds: float, random: Callable[[int], int] = secrets.randbelow) -> RunId:
    """``r-`` and 12 characters: milliseconds since the epoch (good until the year 3084), then chance.

    Args:
        seconds: since the epoch.
        random: gives a number below its argument.
    """
    milliseconds = int(seconds * 1000)
    digits = [_ALPHABET[(milliseconds >> (5 * place)) & 31] for place in reversed(range(_TIME_CHARACTERS))]
    digits += [_ALPHABET[random(32)] for _ in range(_RANDOM_CHARACTERS)]
    return RunId("r-" + "".join(digits))


@dataclass(frozen=True)
class Platform:
    """What a use case works on, for whoever asks.

    Attributes:
    scope: what of the store there is for who asks; everything of a home on one machine, unless something else is said.
    actor: who asks; the owner of the home, who answers to nobody, unless somebody else is said.
    home: directory for files that people look at.
    database: the store.
    stores: where the trees and records of each tenant lie.
    executor: makes the executor on the first call and gives the same one afterwards.
    publisher: the tracking server.
    pages: address at which people look at the tracking server; paths of its pages follow it.
    lock: held while runs are driven.
    publisher_turn: held while the tracking server is talked to; None where one process does that.
    on_leftover: starts another process that tells the tracking server what it has not heard; None if nobody can.
    environment: of the operator: secrets that stages declare come from it.
    author: in whose log and in whose name what is done here is recorded; a server replaces it for each request.
    executor_trouble: why nothing can be run at the moment, as far as that is known; empty if nothing is in the way.
        Returns at once.
    tracking_trouble: looks what is in the way of telling the tracking server anything; empty if nothing is.
    own_issuer: URL at which this server gives tokens itself; empty if it does not.
    issuers: whose tokens this server takes, its own issuer among them; none where there is no server.
    observer: is told what is done while runs are driven here.
    reads: writes who read what, for all requests of this process.
    refusals: counts what each actor was refused, for all requests of this process.
    readers: counts who reads a file, for all requests of this process.
    progress: of attempts that somebody looked at, for all requests of this process.
    clock: seconds since the epoch.
    new_run_id: an id that was never used, from the time.
    on_warm_up: begins to start the executor without waiting for it.
    on_close: ends what this process started.
    """

    home: Path
    database: Database
    stores: StoreOf
    executor: Callable[[], Executor]
    publisher: Publisher
    lock: DriverLock
    pages: str = ""
    clock: Callable[[], float] = time.time
    new_run_id: Callable[[float], RunId] = run_id_at
    on_warm_up: Callable[[], None] = lambda: None
    on_close: Callable[[], None] = lambda: None
    publisher_turn: Turn | None = None
    on_leftover: Callable[[], None] | None = None
    tracking_trouble: Callable[[], str] = lambda: ""
    executor_trouble: Callable[[], Words] = lambda: ""
    environment: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = AT_HOME
    actor: Actor = OWNER
    author: Author = field(default_factory=Author)
    own_issuer: str = ""
    issuers: tuple[TrustedIssuer, ...] = ()
    observer: Observer = field(default_factory=Unobserved)
    reads: ReadQueue = field(default_factory=ReadQueue)
    refusals: Refusals = field(default_factory=Refusals)
    readers: Readers = field(default_factory=Readers)
    progress: LiveProgress = field(default_factory=LiveProgress)

    @property
    def artifacts(self) -> ArtifactStore:
        """Of the one tenant in whose name somebody asks."""
        return self.stores(self.scope.tenant)

    def read(self) -> AbstractContextManager[Connection]:
        """A consistent view of what there is for who asks."""
        return self.database.read(self.scope)

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction on what there is for who asks."""
        return self.database.write(self.scope)

    def warm_up(self) -> None:
        """Begin to start what a run will need, so that it is there when planning is done. Nothing can be run where
        nothing can be written."""
        if not self.database.read_only:
            self.on_warm_up()

    def close(self) -> None:
        """End what this process started."""
        self.on_close()
        self.database.close()
