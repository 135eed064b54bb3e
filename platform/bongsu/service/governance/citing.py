"""What registers and permits refer to, as far as who reads them may know of it: a name of what they may not see is
left out, also of what rose after somebody referred to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlalchemy import Connection

from bongsu.domain.citations import Citation
from bongsu.domain.data_permits import DatasetPermit
from bongsu.domain.people import Actor
from bongsu.domain.use_register import PermittedUse
from bongsu.policy.access import cleared_for
from bongsu.store.governed_objects import find_object

Told = Callable[[str, str], str]


def uses_as_seen(connection: Connection, actor: Actor, uses: Iterable[PermittedUse]) -> list[PermittedUse]:
    """Entries whose evidence has an empty ``reference`` where the actor may not see what it names."""
    told = _told_to(connection, actor)
    return [
        replace(one, evidence=replace(one.evidence, reference=told(one.ministry, one.evidence.reference)))
        for one in uses
    ]


def permits_as_seen(connection: Connection, actor: Actor, permits: Iterable[DatasetPermit]) -> list[DatasetPermit]:
    """Permits whose ``card`` is empty where the actor may not see what it names."""
    told = _told_to(connection, actor)
    return [replace(one, card=told(one.tenant, one.card)) for one in permits]


def _told_to(connection: Connection, actor: Actor) -> Told:
    """Gives a reference of a ministry's, or nothing; each one is looked up once. What is gone is nothing, too: nobody
    knows any more what it was."""
    known: dict[tuple[str, str], str] = {}

    def told(ministry: str, text: str) -> str:
        if (ministry, text) not in known:
            known[ministry, text] = text if _sees(connection, actor, ministry, text) else ""
        return known[ministry, text]

    return told


def _sees(connection: Connection, actor: Actor, ministry: str, text: str) -> bool:
    cited = Citation.parse(text)
    if cited is None or not cited.kind.is_ours:
        return True
    found = find_object(connection, ministry, cited.reference)
    return found is not None and cleared_for(actor.clearance, found.thing.label)
