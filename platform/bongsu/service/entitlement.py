"""Whether somebody may do a thing to people and ministries, said as the errors that they get."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.codes import people as codes
from bongsu.domain.people import Actor
from bongsu.policy.access import Permission, permissions_in
from bongsu.policy.access_rules import permitted_in
from bongsu.policy.people_rules import by_another, is_open
from bongsu.store.people import Person, find_ministry, find_person


def require(connection: Connection, actor: Actor, ministry: str, permission: Permission) -> None:
    """Raises ``people.unknown-ministry`` if there is none, or none for them, and ``people.not-allowed``."""
    known = find_ministry(connection, ministry)
    if ministry not in actor.ministries or known is None or known.closed_at is not None:
        raise codes.UNKNOWN_MINISTRY.error(ministry=ministry)
    permitted_in(actor, permission, ministry, codes.NOT_ALLOWED).require()


def seen_person(connection: Connection, actor: Actor, person: str) -> Person:
    """Raises ``people.unknown`` if there is none, or if they may not look at the people of any ministry in which that
    one is anything, or to which that one was sent."""
    found = find_person(connection, person)
    if found is not None:
        places = {found.home, *found.roles, *found.sent_to}
        if any(Permission.PERSON_READ in permissions_in(actor, place) for place in places):
            return found
    raise codes.UNKNOWN_PERSON.error(person=person)


def refuse_own(actor: Actor, person: Person) -> None:
    """Raises ``people.own-rights``."""
    by_another(actor, person.id, person.home).require()


def refuse_ended(person: Person) -> None:
    """Raises ``people.disabled``."""
    is_open(person.id, person.disabled_at).require()
