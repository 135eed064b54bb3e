"""People as JSON documents: one shape, whichever command or interface gives it. docs/json.md lists its keys."""

from __future__ import annotations

from typing import Any

from bongsu.domain.documents import plain
from bongsu.service.whoami import Me
from bongsu.store.people import Person


def person_document(person: Person) -> dict[str, Any]:
    """Roles in the order of their names, and the clearance as labels are written."""
    document: dict[str, Any] = plain(person)
    roles = {ministry: sorted(role.value for role in held) for ministry, held in person.roles.items()}
    return document | {"clearance": str(person.clearance), "roles": roles, "sentTo": sorted(person.sent_to)}


def me_document(me: Me) -> dict[str, Any]:
    """Whoever asks."""
    document: dict[str, Any] = plain(me)
    return document | {"clearance": str(me.clearance)}
