"""What a run's GPUs are charged to: admission and release are recorded, use is booked once for each attempt, and what
was set aside and not used goes back when the run is over.

The ledger is booked at the end of a transaction: whoever holds a run's row may wait for a grant's, and never the other
way round.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from bongsu.domain.grants import EntryKind, Held
from bongsu.domain.plan import PlannedStage
from bongsu.reconciler.facts import RunFacts
from bongsu.store.grant_ledger import NewEntry, book, entries_of_run, grant_of_run, metered_entry, sums
from bongsu.store.grant_use import admitted_body, released_body
from bongsu.store.grants import get_grant
from bongsu.store.records import AttemptRecord


class Charging:
    """Collects what one transaction has to book for one run. A run that no grant pays for is charged nothing."""

    def __init__(self, connection: Connection, facts: RunFacts, now: float) -> None:
        self._db = connection
        self._run = facts.run
        self._now = now
        on_gpus = any(planned.resources.total_gpus for planned in facts.plan.stages)
        self._may_pay = facts.plan.grant is not None and on_gpus
        self._grant: str | None = None
        self._metered: list[NewEntry] = []

    def admitted(self, planned: PlannedStage, at: float) -> dict[str, Any]:
        """What the log says of an attempt that holds its GPUs since ``at``."""
        gpus = planned.resources.total_gpus
        grant = self._payer() if gpus else None
        return admitted_body(grant, gpus, at) if grant else {}

    def released(
        self, planned: PlannedStage, attempt: AttemptRecord, span: tuple[float, float] | None, outcome: str
    ) -> dict[str, Any]:
        """What the log says of an attempt that is over, and that is booked for it.

        Args:
            planned: its stage.
            attempt: the attempt.
            span: from when until when it held its GPUs; None if it never did.
            outcome: how it ended.
        """
        gpus = planned.resources.total_gpus
        grant = self._payer() if gpus and span else None
        if grant is None or span is None:
            return {}
        held = Held(gpus, *span)
        self._metered.append(metered_entry(attempt.id, held, outcome, self._now))
        return released_body(grant, held)

    def book(self, *, is_over: bool) -> None:
        """Write the ledger.

        Args:
            is_over: the run is; what it had set aside goes back.
        """
        if not self._metered and not is_over:
            return
        grant = self._payer()
        if grant is None or get_grant(self._db, grant, lock=True) is None:
            return
        book(self._db, grant, self._metered)
        if is_over:
            book(self._db, grant, [self._rest(grant)])

    def _rest(self, grant: str) -> NewEntry:
        """What is left of what was set aside; less than nothing if the run used more."""
        booked = entries_of_run(self._db, grant, self._run.id)
        openings = [entry for entry in booked if entry.kind is EntryKind.RESERVED]
        left = sums(openings, EntryKind.RESERVED) - sums(booked, EntryKind.RETURNED, EntryKind.METERED)
        return NewEntry(EntryKind.RETURNED, openings[-1].subject, left, self._now, str(self._run.id))

    def _payer(self) -> str | None:
        if self._may_pay and self._grant is None:
            self._grant = grant_of_run(self._db, self._run.id)
            self._may_pay = self._grant is not None
        return self._grant
