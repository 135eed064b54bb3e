"""What is recorded for good: who did what to which object, when, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bongsu.domain.codes.policy import FORBIDDEN_USE
from bongsu.domain.filters import Comparison
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.domain.problems import Problem
from bongsu.domain.stored_words import encodable
from bongsu.domain.tenants import HOME, Tenant

SYSTEM = "system"
"""The actor of what the control plane does by itself."""

# An entry tells facts, and is no list: lineage has the rest.
_MOST_NAMED = 50
_LONGEST_OBJECT = 300


class AuditOutcome(StrEnum):
    """``REFUSED``: asked for and denied; nothing was changed."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True)
class AuditEvent:
    """One entry of a tenant's log.

    Attributes:
        tenant: whose log it stands in: the one that the object is of.
        actor: id of who did it, or :data:`SYSTEM`.
        action: object and verb, e.g. ``grant.give``, ``run.submit``, ``model.suspend``.
        object: e.g. ``grant:nap-2026-mnd-01``, ``run:r-0123``, ``model:axk1-admin/3``.
        at: seconds since the epoch.
        outcome: whether it was done.
        label: of what the facts tell.
        facts: whatever else there is to know, as JSON values; no secrets, no content.
        request_id: of the request that asked for it; empty for what nobody asked for.
    """

    tenant: Tenant
    actor: str
    action: str
    object: str
    at: float
    outcome: AuditOutcome = AuditOutcome.DONE
    label: Label = OPEN
    facts: Mapping[str, Any] = field(default_factory=dict)
    request_id: str = ""

    def canonical(self, salt: str = "") -> str:
        """The text that is hashed: JSON with sorted keys and no blanks.

        Args:
            salt: chance. Whoever may not see an entry is given its hash; without salt they could try what it says.
        """
        document: dict[str, Any] = {
            "action": self.action,
            "actor": self.actor,
            "at": told_time(self.at),
            "facts": dict(self.facts),
            "label": str(self.label),
            "object": self.object,
            "outcome": self.outcome.value,
            "request": self.request_id,
            "tenant": self.tenant,
        } | ({"salt": salt} if salt else {})
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return encodable(text)  # half a surrogate becomes the escape that JSON has for it


def told_time(at: float) -> str:
    """Seconds since the epoch as the text of an entry has them, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


LABEL_RAISED = "label.raise"


@dataclass(frozen=True)
class Author:
    """In whose log, and in whose name, a use case records what it does; by itself, the control plane's. Entries are
    made here and nowhere else.

    Attributes:
        tenant, actor, request_id: as of :class:`AuditEvent`.
    """

    tenant: Tenant = HOME
    actor: str = SYSTEM
    request_id: str = ""

    def did(
        self, action: str, object_: str, at: float, label: Label = OPEN, facts: Mapping[str, Any] | None = None
    ) -> AuditEvent:
        """An entry about what was done; arguments as the attributes of :class:`AuditEvent`."""
        return self._entry(action, object_, at, AuditOutcome.DONE, label, facts or {})

    def was_refused(
        self,
        action: str,
        object_: str,
        at: float,
        problems: Collection[Problem],
        more: Mapping[str, Any] | None = None,
        label: Label = OPEN,
    ) -> AuditEvent:
        """An entry about what was asked for and denied.

        Args:
            action, object_, at, label: as the attributes of :class:`AuditEvent`.
            problems: why. Facts are the ``codes`` of all, the ``rules`` that refused, and the ``words`` of a forbidden
                use; none of them for what has no code, as what OAuth refuses.
            more: facts beside these.
        """
        facts = {**(more or {}), **_reasons(problems)}
        return self._entry(action, object_, at, AuditOutcome.REFUSED, label, facts)

    def _entry(
        self, action: str, object_: str, at: float, outcome: AuditOutcome, label: Label, facts: Mapping[str, Any]
    ) -> AuditEvent:
        thing = encodable(object_)[:_LONGEST_OBJECT]  # what was asked for may be no object at all
        return AuditEvent(self.tenant, self.actor, action, thing, at, outcome, label, facts, self.request_id)

    def raised(self, labels: Mapping[Digest, Label], at: float, reason: str = "") -> list[AuditEvent]:
        """An entry about trees whose labels rose together, the cause of it first, and why if somebody said so; none if
        there are no such."""
        if not labels:
            return []
        cause, *others = labels
        facts: dict[str, Any] = {"to": str(labels[cause]), "also": others[:_MOST_NAMED], "count": len(labels)}
        facts |= {"reason": reason} if reason else {}
        return [self.did(LABEL_RAISED, f"artifact:{cause}", at, high_water_mark(labels.values()), facts)]


def _reasons(problems: Collection[Problem]) -> dict[str, list[str]]:
    found = {
        "codes": {problem.code.name for problem in problems},
        "rules": {problem.code.rule for problem in problems if problem.code.rule},
    }
    words = [str(one.args["words"]) for one in problems if one.code is FORBIDDEN_USE]
    told = {name: sorted(values) for name, values in found.items() if values}
    return told | ({"words": words} if words else {})


@dataclass(frozen=True)
class EntryFilter:
    """What entries are asked for; empty takes all.

    Attributes:
        actor: exactly.
        object: beginning of it, e.g. ``model:axk1-admin/`` for every version.
        action: exactly, or a beginning that ends in ``.``: ``grant.`` for every action on grants.
        since, until: seconds since the epoch; the end is exclusive.
        outcome: whether it was done.
        filters: all of which have to hold.
    """

    actor: str = ""
    object: str = ""
    action: str = ""
    since: float | None = None
    until: float | None = None
    outcome: AuditOutcome | None = None
    filters: tuple[Comparison, ...] = ()

    @property
    def takes_all(self) -> bool:
        return self == EntryFilter()
