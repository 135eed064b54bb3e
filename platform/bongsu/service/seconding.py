"""Sending people to other ministries, and calling them back.

A ministry's people do not exist for others until it sends one: then the other ministry's operators may make that person
something there. Who sends is not told whether there is such a ministry until it gives a role; what their people are
there, they see. The other one learns nothing of what somebody is at home.
"""

from __future__ import annotations

from dataclasses import replace

from bongsu.domain.codes import people as codes
from bongsu.domain.people import MINISTRY_NAME, Actor
from bongsu.domain.tenants import Tenant
from bongsu.policy.access import Permission
from bongsu.service.entitlement import refuse_ended, refuse_own, require, seen_person
from bongsu.service.people import show_person, tell_host
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, recorded_change, refusals_recorded
from bongsu.service.repeating import is_repeated, request_key
from bongsu.store import people as store
from bongsu.store import secondments
from bongsu.store.people import Person, home_of


def send_person(
    platform: Platform, actor: Actor, person: str, ministry: str, request_id: str = "", key: str = ""
) -> Person:
    """Let another ministry's operators make somebody something there. Asked twice, it is done once.

    Raises:
        BongsuError: ``people.unknown``, ``people.unknown-ministry``, ``people.not-allowed``, ``people.own-rights``,
            ``people.disabled``, ``people.ministry-form``.
    """
    asked = Ask(
        platform,
        actor,
        tenant=Tenant(home_of(person)),
        action="person.send",
        object=f"person:{person}",
        request_id=request_id,
    )
    with refusals_recorded(asked):
        _refuse_other_forms(ministry)
        show_person(platform, actor, person)
    with recorded_change(asked) as change:
        store.lock_person(change.connection, person)
        found = seen_person(change.connection, actor, person)
        require(change.connection, actor, found.home, Permission.PERSON_MANAGE)
        refuse_own(actor, found)
        refuse_ended(found)
        sent = request_key(actor.id, key, asked.action, person, ministry)
        is_late = is_repeated(change.connection, sent, asked.now)
        change.facts = {"ministry": ministry}
        change.is_new = not is_late and ministry not in {found.home, *found.sent_to}
        if change.is_new:
            secondments.send(change.connection, person, ministry, platform.clock())
    return show_person(platform, actor, person)


def recall_person(
    platform: Platform, actor: Actor, person: str, ministry: str, request_id: str = "", key: str = ""
) -> Person:
    """End what somebody is in another ministry. Asked twice, it is done once.

    A ministry always gets its own people back, also the last operator of the other one, whose log says so: there
    :func:`bongsu.service.ministries.name_operator` makes the next one.

    Raises:
        BongsuError: as :func:`send_person`.
    """
    asked = Ask(
        platform,
        actor,
        tenant=Tenant(home_of(person)),
        action="person.recall",
        object=f"person:{person}",
        request_id=request_id,
    )
    with refusals_recorded(asked):
        _refuse_other_forms(ministry)
        show_person(platform, actor, person)
    with recorded_change(asked) as change:
        store.lock_ministries(change.connection, [ministry])
        store.lock_person(change.connection, person)
        found = seen_person(change.connection, actor, person)
        require(change.connection, actor, found.home, Permission.PERSON_MANAGE)
        refuse_own(actor, found)
        sent = request_key(actor.id, key, asked.action, person, ministry)
        is_late = is_repeated(change.connection, sent, asked.now)
        change.facts = {"ministry": ministry}
        roles = found.roles.get(ministry, frozenset())
        # Whatever they are there ends, also where they were never sent.
        is_there = ministry != found.home and (ministry in found.sent_to or bool(roles))
        change.is_new = not is_late and is_there
        if change.is_new:
            if roles:
                change.facts = {"ministry": ministry, "roles": sorted(roles)}
                tell_host(change, replace(asked, action="role.take"), found, ministry)
            secondments.recall(change.connection, person, ministry)
    return show_person(platform, actor, person)


def _refuse_other_forms(ministry: str) -> None:
    if MINISTRY_NAME.fullmatch(ministry) is None:
        raise codes.MINISTRY_NAME.error(ministry=ministry)
