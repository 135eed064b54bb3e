"""Sending people to other ministries, and calling them back.

A ministry's people do not exist for others until it sends one: then the other ministry's operators may make that person
something there. Who sends is not told whether there is such a ministry until it gives a role; what their people are
there, they see. The other one learns nothing of what somebody is at home.
"""

from __future__ import annotations

from bongsu.domain.audit import AuditEvent
from bongsu.domain.codes import people as codes
from bongsu.domain.people import MINISTRY_NAME, Actor, Role
from bongsu.domain.tenants import Tenant
from bongsu.policy.access import Permission
from bongsu.service.entitlement import refuse_own, require, seen_person
from bongsu.service.people import show_person
from bongsu.service.platform import Platform
from bongsu.service.recording import Asked, recorded
from bongsu.store import people as store
from bongsu.store import secondments
from bongsu.store.people import Person, home_of


def send_person(platform: Platform, actor: Actor, person: str, ministry: str, request_id: str = "") -> Person:
    """Let another ministry's operators make somebody something there. Asked twice, it is done once.

    Raises:
        BongsuError: ``people.unknown``, ``people.unknown-ministry``, ``people.not-allowed``, ``people.own-rights``,
            ``people.disabled``, ``people.ministry-form``.
    """
    _refuse_other_forms(ministry)
    show_person(platform, actor, person)
    asked = Asked(actor, "person.send", f"person:{person}", home_of(person), request_id)
    with recorded(platform, asked) as change:
        store.lock_person(change.connection, person)
        found = seen_person(change.connection, actor, person)
        require(change.connection, actor, found.home, Permission.PERSON_MANAGE)
        refuse_own(actor, found)
        if found.disabled_at is not None:
            raise codes.DISABLED.error(person=person)
        change.facts = {"ministry": ministry}
        change.is_new = ministry not in {found.home, *found.sent_to}
        if change.is_new:
            secondments.send(change.connection, person, ministry, platform.clock())
    return show_person(platform, actor, person)


def recall_person(platform: Platform, actor: Actor, person: str, ministry: str, request_id: str = "") -> Person:
    """End what somebody is in another ministry. Asked twice, it is done once.

    Raises:
        BongsuError: as :func:`send_person`, and ``people.last-operator`` of the other ministry.
    """
    _refuse_other_forms(ministry)
    show_person(platform, actor, person)
    asked = Asked(actor, "person.recall", f"person:{person}", home_of(person), request_id)
    with recorded(platform, asked) as change:
        store.lock_ministries(change.connection, [ministry])
        store.lock_person(change.connection, person)
        found = seen_person(change.connection, actor, person)
        require(change.connection, actor, found.home, Permission.PERSON_MANAGE)
        refuse_own(actor, found)
        change.facts = {"ministry": ministry}
        roles = found.roles.get(ministry, frozenset())
        # Whatever they are there ends, also where they were never sent.
        change.is_new = ministry != found.home and (ministry in found.sent_to or bool(roles))
        if change.is_new:
            if Role.OPERATOR in roles and store.holders_of(change.connection, ministry, Role.OPERATOR) == [person]:
                raise codes.LAST_OPERATOR.error(person=person, ministry=ministry)
            secondments.recall(change.connection, person, ministry)
            if roles:
                # What they were there is told where they were it, too.
                change.facts = {"ministry": ministry, "roles": sorted(roles)}
                thing, at = f"person:{person}", platform.clock()
                event = AuditEvent(Tenant(ministry), actor.id, "role.take", thing, at, facts=change.facts)
                change.elsewhere.append(event)
    return show_person(platform, actor, person)


def _refuse_other_forms(ministry: str) -> None:
    if MINISTRY_NAME.fullmatch(ministry) is None:
        raise codes.MINISTRY_NAME.error(ministry=ministry)
