"""Whether somebody may do a thing to people and ministries, said as the errors that they get."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.codes import people as codes
from bongsu.domain.people import Actor, Role
from bongsu.policy.access import PERMISSIONS, Permission, permissions_in
from bongsu.store.people import Person, find_ministry, find_person


def require(connection: Connection, actor: Actor, ministry: str, permission: Permission) -> None:
    """Raises ``people.unknown-ministry`` if there is none, or none for them, and ``people.not-allowed``."""
    known = find_ministry(connection, ministry)
    if ministry not in actor.ministries or known is None or known.closed_at is not None:
        raise codes.UNKNOWN_MINISTRY.error(ministry=ministry)
    if permission not in permissions_in(actor, ministry):
        raise codes.NOT_ALLOWED.error(
            ministry=ministry, permission=permission.value, roles=", ".join(roles_with(permission))
        )


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
    if actor.id == person.id:
        raise codes.OWN_RIGHTS.error(ministry=person.home)


def roles_with(permission: Permission) -> list[str]:
    """Names of the roles that have it."""
    return [role.value for role in Role if permission in PERMISSIONS[role]]
