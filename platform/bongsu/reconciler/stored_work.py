"""The artifact store as the driver uses it: records that attempts left, and outputs that the cache names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import inf

from bongsu.artifacts.base import StoreOf
from bongsu.artifacts.checking import fault_of
from bongsu.domain.attempt import AttemptResult, Failure, Observation, Phase
from bongsu.domain.ids import AttemptId, Digest
from bongsu.domain.labels import OPEN
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.planner.facts import EarlierWork
from bongsu.reconciler.attempt_records import read_outcome
from bongsu.reconciler.facts import Outcome, RunFacts, left_by
from bongsu.reconciler.words_of_errors import words_of
from bongsu.store import cache
from bongsu.store.database import Database
from bongsu.store.label_telling import tree_labels
from bongsu.store.scope import Scope

# Records of attempts that run are looked for so often, in case an executor never says that they are over.
RECORDS_S = 5.0


class StoreSilent(Exception):
    """The artifact store does not answer at the moment, so nothing can be decided that depends on it."""


class StoredWork:
    """What earlier work left.

    Args:
        database: knows which outputs belong to which cache key.
        artifacts: hold them, by tenant.
        monotonic: seconds that only grow.
    """

    def __init__(self, database: Database, artifacts: StoreOf, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._artifacts = artifacts
        self._monotonic = monotonic
        self._unread: dict[AttemptId, Words] = {}
        self._unfound: dict[tuple[Tenant, Digest], Words] = {}
        self._looked_at = -inf
        self._looks_at_all = True

    @property
    def trouble(self) -> Words:
        """Why the artifact store does not answer something that is still to be known; empty if it answers all."""
        return next(iter((*self._unread.values(), *self._unfound.values())), "")

    def begin(self, live: Collection[AttemptId]) -> None:
        """A step begins, with these attempts: from time to time, records of those that seem to run are looked for as
        well."""
        self._unread = {attempt: said for attempt, said in self._unread.items() if attempt in live}
        self._unfound = {}
        now = self._monotonic()
        self._looks_at_all = now >= self._looked_at + RECORDS_S
        if self._looks_at_all:
            self._looked_at = now

    def outcomes(self, facts: RunFacts, observations: dict[AttemptId, Observation]) -> dict[AttemptId, Outcome]:
        """Records of live attempts that are over, or that may be and nobody said so.

        Args:
            facts: the run.
            observations: an attempt whose record cannot be read now is taken out, because nothing can be said of it.
        """
        found: dict[AttemptId, Outcome] = {}
        planned = {stage.id: stage for stage in facts.plan.stages} if facts.live else {}
        for attempt in facts.live:
            seen = observations.get(attempt.id)
            over = seen is not None and (seen.phase.is_final or seen.phase is Phase.ABSENT)
            if not over and not self._looks_at_all:
                continue
            try:
                outcome = read_outcome(self._artifacts(facts.run.tenant), attempt.id, planned[attempt.id.stage_id])
            except (OSError, BongsuError) as error:
                observations.pop(attempt.id, None)
                self._unread[attempt.id] = _told(error)
                continue
            self._unread.pop(attempt.id, None)
            outcome = self._as_known(facts.run.tenant, outcome)
            if isinstance(outcome, AttemptResult) or (over and isinstance(outcome, Failure)):
                found[attempt.id] = outcome
        return found

    def _as_known(self, tenant: Tenant, outcome: Outcome | None) -> Outcome | None:
        """What an attempt left, with the labels that its bytes have as far as the tenant knows them."""
        refs = left_by(outcome)
        if outcome is None or not refs:
            return outcome
        with self._database.read(Scope.of(tenant)) as connection:
            known = tree_labels(connection, (ref.digest for ref in refs.values()))
        named = {
            name: ref.model_copy(update={"label": ref.label.join(known.get(ref.digest, OPEN))})
            for name, ref in refs.items()
        }
        return outcome.model_copy(update={"outputs" if isinstance(outcome, AttemptResult) else "evidence": named})

    def lookup(self, tenant: Tenant) -> Callable[[Digest], EarlierWork | None]:
        """What the tenant's cache has for a key, if it stands in the artifact store as it was left; each is looked up
        once.

        The function raises :class:`StoreSilent`.
        """
        known: dict[Digest, EarlierWork | None] = {}

        def find(key: Digest) -> EarlierWork | None:
            if key not in known:
                known[key] = self._find(tenant, key)
            return known[key]

        return find

    def _find(self, tenant: Tenant, key: Digest) -> EarlierWork | None:
        with self._database.read(Scope.of(tenant)) as connection:
            found = cache.find_work(connection, key)
        if found is None:
            return None
        try:
            there = all(fault_of(self._artifacts(tenant), ref.digest) is None for ref in found.outputs.values())
        except (OSError, BongsuError) as error:
            raise self.silent(tenant, key, error) from error
        return found if there else None

    def silent(self, tenant: Tenant, digest: Digest, error: Exception) -> StoreSilent:
        """Note that the store did not answer when something was to be known of it in this step: to be raised."""
        self._unfound[tenant, digest] = _told(error)
        return StoreSilent(str(error))


def _told(error: Exception) -> Words:
    return phrase(N_("the artifact store does not answer: {detail}"), detail=as_phrase(words_of(error)))
