"""Where a model stands: in order, or to be looked at again because something that it rests on has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.suspension import ModelOrigin
from bongsu.domain.use_register import PermittedUse
from bongsu.domain.uses import UseClass
from bongsu.policy.data import Permits, Purpose, ends, holds
from bongsu.policy.uses import day, permitted

GRACE_S = 14 * 86_400.0
"""How long aliases stay after something has ended, so that it can be renewed without anybody losing a model."""


class Standing(StrEnum):
    IN_ORDER = "in-order"
    NEEDS_REVIEW = "needs-review"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a version.

    Attributes:
        itself: the version; its suspension, and the end of the evidence of its newest approval.
        registered_at: seconds since the epoch.
        register: of uses of its ministry.
        data: what it was made from.
        bases: registered models that it was made from.
        relabelled_at: since when its label is another one than what was approved; None if it is not.
    """

    itself: ModelOrigin
    use_class: UseClass
    registered_at: float
    register: tuple[PermittedUse, ...] = ()
    data: frozenset[Digest] = frozenset()
    permits: Permits = field(default_factory=Permits)
    bases: tuple[ModelOrigin, ...] = ()
    relabelled_at: float | None = None


@dataclass(frozen=True)
class Lapse:
    """Something that has ended, and when: seconds since the epoch."""

    what: Words
    since: float


@dataclass(frozen=True)
class Verdict:
    """``since``: when the first of the lapses came; None if there is none."""

    standing: Standing
    since: float | None = None
    lapses: tuple[Lapse, ...] = ()

    def loses_aliases(self, now: float, grace_s: float = GRACE_S) -> bool:
        """Whether its aliases are to be taken away: at once if it is suspended, else after the grace period."""
        if self.standing is Standing.SUSPENDED:
            return True
        return self.since is not None and now >= self.since + grace_s


def standing(facts: ModelFacts, now: float) -> Verdict:
    """Where the version stands at ``now`` (seconds since the epoch)."""
    lapses = tuple(_lapses(facts, now))
    since = min((lapse.since for lapse in lapses), default=None)
    if facts.itself.suspended_at is not None:
        return Verdict(Standing.SUSPENDED, facts.itself.suspended_at, lapses)
    return Verdict(Standing.NEEDS_REVIEW if lapses else Standing.IN_ORDER, since, lapses)


def _lapses(facts: ModelFacts, now: float) -> Iterable[Lapse]:
    evidence_ends_at = facts.itself.evidence_ends_at
    if evidence_ends_at is None:
        yield Lapse(phrase(N_("it was never approved")), facts.registered_at)
    elif evidence_ends_at <= now:
        yield Lapse(phrase(N_("its evidence ended on {day}"), day=day(evidence_ends_at)), evidence_ends_at)
    if facts.relabelled_at is not None:
        yield Lapse(phrase(N_("its label is no longer the one that was approved")), facts.relabelled_at)
    ministry = facts.itself.ministry
    if not permitted(facts.use_class, ministry, facts.register, now).allowed:
        entries = [e.until for e in facts.register if (e.ministry, e.use_class) == (ministry, facts.use_class)]
        said = phrase(N_("its use {use_class} is not permitted"), use_class=facts.use_class.value)
        yield Lapse(said, _last(entries, now, facts.registered_at))
    purpose = Purpose(facts.use_class, ministry)
    for digest in sorted(facts.data):
        if not holds(purpose, digest, facts.permits, now):
            over = _last(ends(purpose, digest, facts.permits), now, facts.registered_at)
            yield Lapse(phrase(N_("data that it was made from is not permitted for its use")), over)
    for base in facts.bases:
        if base.suspended_at is not None:
            yield Lapse(phrase(N_("a model that it was made from is suspended")), base.suspended_at)
        elif base.evidence_ends_at is not None and base.evidence_ends_at <= now:
            said = phrase(
                N_("the evidence of a model that it was made from ended on {day}"), day=day(base.evidence_ends_at)
            )
            yield Lapse(said, base.evidence_ends_at)


def _last(untils: Iterable[float], now: float, never: float) -> float:
    """When the last of several ended; ``never`` if none has."""
    return max((until for until in untils if until <= now), default=never)
