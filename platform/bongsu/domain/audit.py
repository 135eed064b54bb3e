"""What is recorded for good: who did what to which object, when, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bongsu.domain.labels import OPEN, Label
from bongsu.domain.tenants import Tenant


class AuditOutcome(StrEnum):
    """``REFUSED``: asked for and denied; nothing was changed."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True)
class AuditEvent:
    """One entry of a tenant's log.

    Attributes:
        tenant: whose log it stands in: the one that the object is of.
        actor: id of who did it; ``system`` for what the control plane does by itself.
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

    def canonical(self) -> str:
        """The text that is hashed: JSON with sorted keys and no blanks."""
        document = {
            "action": self.action,
            "actor": self.actor,
            "at": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds"),
            "facts": dict(self.facts),
            "label": str(self.label),
            "object": self.object,
            "outcome": self.outcome.value,
            "request": self.request_id,
            "tenant": self.tenant,
        }
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
