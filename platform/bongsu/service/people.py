"""People of ministries: who there is, what each is where, and what they may see.

A person's own ministry, the one in their id, answers for them: its operators set the clearance and end the account.
What somebody is in a ministry, its operators say; of somebody else's people, only of those who were sent there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.codes import people as codes
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import PERSON_ID, Actor, ActorKind, Role
from bongsu.domain.tenants import Tenant
from bongsu.domain.unseen import first_unseen
from bongsu.policy.access import Permission, permissions_in
from bongsu.policy.people_rules import role_fits, stays_operated, was_sent
from bongsu.service.entitlement import refuse_ended, refuse_own, require, seen_person
from bongsu.service.grades import refuse_while_stating
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, Change, recorded_change
from bongsu.service.repeating import is_repeated, request_key
from bongsu.store import people as store
from bongsu.store.browser_sessions import end_browser_sessions_of
from bongsu.store.people import Person, home_of
from bongsu.store.sessions import end_families_of
from bongsu.store.taken import Taken

_MAX_NAME, _MAX_ISSUER, _MAX_SUBJECT, _MAX_REASON = 200, 500, 255, 500


@dataclass(frozen=True)
class NewPerson:
    """Somebody who is to be added.

    Attributes:
        id: ``MINISTRY/NAME``.
        name: as people read it.
        issuer, subject: ``iss`` and ``sub`` of their tokens.
        kind: ``SERVICE`` for a service account.
        clearance: what they may see at most.
        reason: which vetting the clearance follows; what is open needs none.
    """

    id: str
    name: str
    issuer: str
    subject: str
    kind: ActorKind = ActorKind.PERSON
    clearance: Label = OPEN
    reason: str = ""

    @property
    def as_recorded(self) -> dict[str, Any]:
        """What the audit log keeps of their clearance."""
        return {"clearance": str(self.clearance), **({"reason": self.reason} if self.reason else {})}


def add_person(platform: Platform, actor: Actor, new: NewPerson, request_id: str = "") -> Person:
    """Add somebody without a role. Asked twice, it is done once.

    Raises:
        BongsuError: ``people.id-form``, ``people.text-form`` (also without a reason for a clearance that is not open),
            ``people.subject-home``, ``people.unknown-ministry``,
            ``people.not-allowed``, ``people.issuer-home``, ``people.exists``, ``people.subject-taken``,
            ``label.grade-outside`` for a clearance that the site does not have.
    """
    home = home_of(new.id)
    with recorded_change(
        Ask(
            platform,
            actor,
            tenant=Tenant(home),
            action="person.add",
            object=f"person:{new.id}",
            request_id=request_id,
        )
    ) as change:
        check_person(platform, new, home)
        store.lock_ministries(change.connection, [home])
        require(change.connection, actor, home, Permission.PERSON_MANAGE)
        require_issuer(platform, new)
        refuse_while_stating(change.connection, new.clearance, "clearance")
        change.is_new = insert_person(change.connection, new, platform.clock())
        change.facts = {"kind": new.kind.value, "issuer": new.issuer, **new.as_recorded}
        return _as_seen(actor, _found(change.connection, new.id))


def give_role(
    platform: Platform, actor: Actor, person: str, ministry: str, role: Role, request_id: str = "", key: str = ""
) -> Person:
    """Make somebody something in a ministry that answers for them, or to which theirs sent them. Asked twice, it is
    done once, also if it was taken back meanwhile where the client gave its request a ``key``.

    Raises:
        BongsuError: ``people.unknown``, ``people.unknown-ministry``, ``people.not-allowed``, ``people.own-rights``,
            ``people.disabled``, ``people.service-role``, ``api.key-used-otherwise``; ``people.not-sent`` for somebody
            of another ministry that did not send them.
    """
    asked = Ask(
        platform,
        actor,
        tenant=Tenant(ministry),
        action="role.give",
        object=f"person:{person}",
        request_id=request_id,
    )
    with recorded_change(asked) as change:
        _refuse_other_forms(person)
        store.lock_ministries(change.connection, [ministry])
        require(change.connection, actor, ministry, Permission.PERSON_MANAGE)
        store.lock_person(change.connection, person)
        found = seen_person(change.connection, actor, person)
        refuse_own(actor, found)
        was_sent(person, found.home, found.sent_to, ministry).require()
        refuse_ended(found)
        role_fits(person, found.kind, role).require()
        sent = request_key(actor.id, key, asked.action, person, ministry, role.value)
        if is_repeated(change.connection, sent, asked.now):
            change.is_new = False
            return _as_seen(actor, found)
        change.facts = {"ministry": ministry, "role": role.value}
        change.is_new = role not in found.roles.get(ministry, ())
        _tell_home(change, asked, found)
        if change.is_new:
            store.add_role(change.connection, person, ministry, role)
        return _as_seen(actor, _found(change.connection, person))


def take_role(
    platform: Platform, actor: Actor, person: str, ministry: str, role: Role, request_id: str = "", key: str = ""
) -> Person:
    """Take a role away; somebody who does not have it stays as they are. ``key`` is as of :func:`give_role`.

    Raises:
        BongsuError: ``people.unknown``, ``people.unknown-ministry``, ``people.not-allowed``, ``people.own-rights``,
            ``people.last-operator``.
    """
    asked = Ask(
        platform,
        actor,
        tenant=Tenant(ministry),
        action="role.take",
        object=f"person:{person}",
        request_id=request_id,
    )
    with recorded_change(asked) as change:
        _refuse_other_forms(person)
        store.lock_ministries(change.connection, [ministry])
        require(change.connection, actor, ministry, Permission.PERSON_MANAGE)
        found = seen_person(change.connection, actor, person)
        refuse_own(actor, found)
        if role is Role.OPERATOR:
            _refuse_last_operator(change.connection, person, ministry)
        sent = request_key(actor.id, key, asked.action, person, ministry, role.value)
        if is_repeated(change.connection, sent, asked.now):
            change.is_new = False
            return _as_seen(actor, found)
        change.facts = {"ministry": ministry, "role": role.value}
        change.is_new = role in found.roles.get(ministry, ())
        _tell_home(change, asked, found)
        store.remove_role(change.connection, person, ministry, role)
        return _as_seen(actor, _found(change.connection, person))


def set_clearance(
    platform: Platform,
    actor: Actor,
    person: str,
    clearance: Label,
    reason: str,
    request_id: str = "",
    key: str = "",
) -> Person:
    """Say what somebody may see at most, and why: which vetting it follows. ``key`` is as of :func:`give_role`.

    Raises:
        BongsuError: ``people.unknown``, ``people.not-allowed``, ``people.own-rights``, ``people.disabled``,
            ``people.text-form`` for a reason that is none; ``label.grade-outside``.
    """
    asked = Ask(
        platform,
        actor,
        tenant=Tenant(home_of(person)),
        action="clearance.set",
        object=f"person:{person}",
        request_id=request_id,
    )
    with recorded_change(asked) as change:
        _refuse_other_forms(person)
        _refuse_text("reason", reason, _MAX_REASON)
        store.lock_person(change.connection, person)
        found = seen_person(change.connection, actor, person)
        require(change.connection, actor, found.home, Permission.PERSON_MANAGE)
        refuse_own(actor, found)
        refuse_ended(found)
        refuse_while_stating(change.connection, clearance, "clearance")
        sent = request_key(actor.id, key, asked.action, person, str(clearance), reason)
        if is_repeated(change.connection, sent, asked.now):
            change.is_new = False
            return _as_seen(actor, found)
        change.facts = {"from": str(found.clearance), "to": str(clearance), "reason": reason}
        change.is_new = str(found.clearance) != str(clearance)
        store.set_clearance(change.connection, person, clearance)
        return _as_seen(actor, _found(change.connection, person))


def disable(platform: Platform, actor: Actor, person: str, request_id: str = "") -> Person:
    """Let somebody in no longer, from this moment on, whatever tokens they have. It is for good. Other ministries in
    which they were something are told in their logs, and keep nobody from it.

    Raises:
        BongsuError: ``people.unknown``, ``people.not-allowed``, ``people.own-rights``, ``people.last-operator`` of
            their own ministry.
    """
    asked = Ask(
        platform,
        actor,
        tenant=Tenant(home_of(person)),
        action="person.disable",
        object=f"person:{person}",
        request_id=request_id,
    )
    with recorded_change(asked) as change:
        _refuse_other_forms(person)
        # First without a lock: which ministries have to be locked stands in the person's roles.
        before = seen_person(change.connection, actor, person)
        store.lock_ministries(change.connection, [before.home, *before.roles])
        store.lock_person(change.connection, person)
        found = _found(change.connection, person)
        require(change.connection, actor, found.home, Permission.PERSON_MANAGE)
        refuse_own(actor, found)
        change.is_new = found.disabled_at is None
        if change.is_new and Role.OPERATOR in found.roles.get(found.home, ()):
            _refuse_last_operator(change.connection, person, found.home)
        if change.is_new:
            for ministry in sorted(found.roles.keys() - {found.home}):
                tell_host(change, asked, found, ministry)
        store.disable_person(change.connection, person, platform.clock())
        end_browser_sessions_of(change.connection, person)
        # Only of those at our own: what others call somebody may be what we call somebody else.
        for subject in store.subjects_of(change.connection, person, platform.own_issuer):
            end_families_of(change.connection, subject, platform.clock())
        return _as_seen(actor, _found(change.connection, person))


def list_people(platform: Platform, actor: Actor, ministry: str, wanted: PageRequest = WHOLE) -> list[Person]:
    """Whom a ministry answers for, who was sent to it, and who is anything in it; those who are disabled, too. Of what
    people of others are elsewhere, only as much as the actor may look at.

    Args:
        platform: what to work on.
        actor: who asks.
        ministry: which.
        wanted: which of them, in the order of :data:`bongsu.store.people.PEOPLE`.

    Raises:
        BongsuError: ``people.unknown-ministry``, ``people.not-allowed``.
    """
    with platform.database.read() as connection:
        require(connection, actor, ministry, Permission.PERSON_READ)
        return [_as_seen(actor, person) for person in store.people_of(connection, ministry, wanted)]


def show_person(platform: Platform, actor: Actor, person: str) -> Person:
    """Raises ``people.unknown``."""
    _refuse_other_forms(person)
    with platform.database.read() as connection:
        return _as_seen(actor, seen_person(connection, actor, person))


def insert_person(connection: Connection, new: NewPerson, now: float) -> bool:
    """Add somebody; False if they are there already, exactly so. Raises ``people.exists``, ``people.subject-taken``."""
    known = store.find_person(connection, new.id)
    owner = store.subject_owner(connection, home_of(new.id), new.issuer, new.subject)
    if known is not None:
        same = (known.name, known.kind, str(known.clearance)) == (new.name, new.kind, str(new.clearance))
        if same and owner == new.id and known.disabled_at is None:
            return False
        raise codes.PERSON_EXISTS.error(person=new.id)
    if owner is not None:
        raise codes.SUBJECT_TAKEN.error(subject=new.subject, issuer=new.issuer)
    store.add_person(connection, Person(new.id, new.name, new.kind, new.clearance, {}, now))
    try:
        with connection.begin_nested():
            store.add_subject(connection, new.issuer, new.subject, new.id)
    except Taken:  # another operator was first
        raise codes.SUBJECT_TAKEN.error(subject=new.subject, issuer=new.issuer) from None
    return True


def check_person(platform: Platform, new: NewPerson, ministry: str) -> None:
    """Raises ``people.id-form``, ``people.text-form``, ``people.subject-home``."""
    written = PERSON_ID.fullmatch(new.id)
    if written is None or written[1] != ministry:
        raise codes.PERSON_ID.error(person=new.id, ministry=ministry)
    _refuse_text("name", new.name, _MAX_NAME)
    _refuse_text("issuer", new.issuer, _MAX_ISSUER)
    _refuse_text("subject", new.subject, _MAX_SUBJECT)
    if new.reason or new.clearance.is_protected:
        _refuse_text("reason", new.reason, _MAX_REASON)
    # Subjects of our own issuer are ids. Whoever could take one of another ministry would keep its person out, and
    # learn from the refusal who is there.
    if new.issuer == platform.own_issuer and home_of(new.subject) != ministry:
        raise codes.SUBJECT_HOME.error(subject=new.subject, ministry=ministry)


def require_issuer(platform: Platform, new: NewPerson) -> None:
    """Raises ``people.issuer-home`` for an identity provider from which no token of the ministry's people is taken."""
    if not any(one.issuer == new.issuer and one.serves(home_of(new.id)) for one in platform.issuers):
        raise codes.ISSUER_HOME.error(issuer=new.issuer, ministry=home_of(new.id))


def _refuse_text(field: str, text: str, limit: int) -> None:
    if not text.strip() or len(text) > limit or not text.isprintable() or first_unseen(text):
        raise codes.TEXT_FORM.error(None, field, field=field, limit=limit)


def _refuse_other_forms(person: str) -> None:
    """What cannot be an id is nobody's."""
    if PERSON_ID.fullmatch(person) is None:
        raise codes.UNKNOWN_PERSON.error(person=person)


def _refuse_last_operator(connection: Connection, person: str, ministry: str) -> None:
    """Asked with the ministry locked."""
    stays_operated(person, ministry, store.holders_of(connection, ministry, Role.OPERATOR)).require()


def tell_host(change: Change, asked: Ask, person: Person, ministry: str) -> None:
    """Where somebody was something, it is told that they are nothing there any more, because their own ministry says
    so; and if nobody operates that ministry from then on. Asked with the ministry locked, before it is done."""
    roles = person.roles[ministry]
    facts: dict[str, Any] = {"ministry": ministry, "roles": sorted(roles)}
    if Role.OPERATOR in roles:
        operators = store.holders_of(change.connection, ministry, Role.OPERATOR)
        facts |= {} if stays_operated(person.id, ministry, operators).allowed else {"lastOperator": True}
    change.elsewhere += replace(asked, tenant=Tenant(ministry)).entries(**facts)


def _tell_home(change: Change, asked: Ask, person: Person) -> None:
    """Who answers for somebody hears what becomes of them elsewhere."""
    if asked.tenant != person.home:
        change.elsewhere += replace(asked, tenant=Tenant(person.home)).entries(**change.facts)


def _as_seen(actor: Actor, person: Person) -> Person:
    """Of what somebody is elsewhere, only as much as the actor may look at; everything if it is the actor's ministry
    that answers for them."""

    def looks(ministry: str) -> bool:
        return Permission.PERSON_READ in permissions_in(actor, ministry)

    if looks(person.home):
        return person
    roles = {ministry: held for ministry, held in person.roles.items() if looks(ministry)}
    sent_to = frozenset(one for one in person.sent_to if looks(one))
    return replace(person, roles=roles, sent_to=sent_to)


def _found(connection: Connection, person: str) -> Person:
    found = store.find_person(connection, person)
    if found is None:
        raise codes.UNKNOWN_PERSON.error(person=person)
    return found
