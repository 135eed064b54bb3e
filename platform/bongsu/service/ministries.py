"""Ministries that take part: the first one, further ones, which own GPUs, and one that leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from unicodedata import normalize

from sqlalchemy import Connection

from bongsu.domain.audit import Author
from bongsu.domain.codes import people as codes
from bongsu.domain.people import MINISTRY_NAME, Actor, Role
from bongsu.domain.tenants import Tenant
from bongsu.domain.unseen import first_unseen
from bongsu.policy.access import Permission, permissions_in
from bongsu.policy.access_rules import permitted_in
from bongsu.policy.people_rules import another_is_operated, lacks_operator, role_fits
from bongsu.service.entitlement import refuse_ended, require
from bongsu.service.grades import refuse_while_stating
from bongsu.service.people import NewPerson, check_person, insert_person, require_issuer
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, recorded_change
from bongsu.store import audit
from bongsu.store import people as store
from bongsu.store.people import Ministry, Person, home_of
from bongsu.store.taken import Taken

_MAX_TITLE = 200


@dataclass(frozen=True)
class NewMinistry:
    """Attributes:
    name: short; part of ids, so it never changes.
    title_ko, title_en: as people read it.
    """

    name: str
    title_ko: str
    title_en: str


def found_platform(platform: Platform, new: NewMinistry, operator: NewPerson) -> Ministry:
    """The first ministry and its operator, by whoever installs the platform: there is nobody yet who could allow it.
    Asked twice, it is done once.

    Raises:
        BongsuError: ``people.founded`` if there are other ministries, and as :func:`register_ministry`.
    """
    _check(platform, new, operator)
    with platform.database.write() as connection:
        known = store.list_ministries(connection)
        if known and [one.name for one in known] != [new.name]:
            raise codes.PLATFORM_FOUNDED.error()
        now = platform.clock()
        if _insert(connection, new, operator, now):
            facts = {"operator": operator.id, "issuer": operator.issuer, **operator.as_recorded}
            tenant, thing = Tenant(new.name), f"ministry:{new.name}"
            audit.append(connection, Author(tenant).did("ministry.register", thing, now, facts=facts))
        return _found(connection, new.name)


def register_ministry(
    platform: Platform, actor: Actor, new: NewMinistry, operator: NewPerson, request_id: str = ""
) -> Ministry:
    """A further ministry with its first operator, who adds its people. Whoever registers it is nothing in it.

    Args:
        platform: what to work on.
        actor: an operator of any ministry.
        new: the ministry.
        operator: a person of the new ministry.
        request_id: of the request.

    Raises:
        BongsuError: ``people.ministry-form``, ``people.id-form``, ``people.text-form``, ``people.not-allowed``,
            ``people.issuer-home``, ``people.ministry-exists``, ``people.title-taken``, ``people.subject-home``.
    """
    with recorded_change(
        Ask(
            platform,
            actor,
            tenant=Tenant(new.name),
            action="ministry.register",
            object=f"ministry:{new.name}",
            request_id=request_id,
        )
    ) as change:
        _check(platform, new, operator)
        _require_anywhere(actor, Permission.MINISTRY_MANAGE)
        require_issuer(platform, operator)
        change.is_new = _insert(change.connection, new, operator, platform.clock())
        change.facts = {"operator": operator.id, "issuer": operator.issuer, **operator.as_recorded}
        return _found(change.connection, new.name)


def close_ministry(
    platform: Platform, actor: Actor, ministry: str, request_id: str = "", witness: str | None = None
) -> Ministry:
    """A ministry leaves: nobody is anything in it from now on. Its objects and its log stay.

    Args:
        platform: what to work on.
        actor: an operator of the ministry.
        ministry: which.
        request_id: of the request.
        witness: ministry whose auditors and accreditors read the log from then on, beside those who are it in the
            leaving one; another one that takes part.

    Raises:
        BongsuError: ``people.unknown-ministry``, ``people.not-allowed``; ``people.ministry-form`` and
            ``people.no-witness`` of the witness; ``people.last-ministry`` if no other one has an operator.
    """
    with recorded_change(
        Ask(
            platform,
            actor,
            tenant=Tenant(ministry),
            action="ministry.close",
            object=f"ministry:{ministry}",
            request_id=request_id,
        )
    ) as change:
        if MINISTRY_NAME.fullmatch(ministry) is None:
            raise codes.UNKNOWN_MINISTRY.error(ministry=ministry)
        if witness is not None and MINISTRY_NAME.fullmatch(witness) is None:
            raise codes.MINISTRY_NAME.error(ministry=witness)
        everyone = store.list_ministries(change.connection)
        store.lock_ministries(change.connection, [one.name for one in everyone])
        require(change.connection, actor, ministry, Permission.MINISTRY_MANAGE)
        others = [one.name for one in store.list_ministries(change.connection) if one.closed_at is None]
        others.remove(ministry)
        operated = [one for one in others if store.holders_of(change.connection, one, Role.OPERATOR)]
        another_is_operated(ministry, operated).require()
        if witness is not None and witness not in others:
            raise codes.NO_WITNESS.error(witness=witness, ministry=ministry)
        store.close_ministry(change.connection, ministry, platform.clock(), witness)
        change.facts = {"witness": witness} if witness else {}
        return _found(change.connection, ministry)


def say_owns_gpus(platform: Platform, ministry: str, owns: bool) -> Ministry:
    """Whether a ministry owns GPUs and so may give grants, by whoever installs the platform: no ministry says it of
    itself or of another. Asked twice, it is done once.

    Raises:
        BongsuError: ``people.unknown-ministry`` for one that there is not, or that left.
    """
    with platform.database.write() as connection:
        store.lock_ministries(connection, [ministry])
        known = store.find_ministry(connection, ministry)
        if known is None or known.closed_at is not None:
            raise codes.UNKNOWN_MINISTRY.error(ministry=ministry)
        if known.owns_gpus != owns:
            store.set_owns_gpus(connection, ministry, owns)
            now, thing = platform.clock(), f"ministry:{ministry}"
            audit.append(
                connection, Author(Tenant(ministry)).did("ministry.gpus", thing, now, facts={"owns": owns})
            )
        return replace(known, owns_gpus=owns)


def name_operator(platform: Platform, ministry: str, person: str) -> Person:
    """Make somebody an operator of their ministry that has none, by whoever installs the platform: its last one was
    called back by another ministry. Asked twice, it is done once.

    Raises:
        BongsuError: ``people.unknown-ministry`` for one that there is not, or that left; ``people.unknown`` for who is
            none of its own people; ``people.has-operator``, ``people.disabled``, ``people.service-role``.
    """
    with platform.database.write() as connection:
        store.lock_ministries(connection, [ministry])
        store.lock_person(connection, person)
        known, found = store.find_ministry(connection, ministry), store.find_person(connection, person)
        if known is None or known.closed_at is not None:
            raise codes.UNKNOWN_MINISTRY.error(ministry=ministry)
        if found is None or found.home != ministry:
            raise codes.UNKNOWN_PERSON.error(person=person)
        refuse_ended(found)
        role_fits(person, found.kind, Role.OPERATOR).require()
        operators = store.holders_of(connection, ministry, Role.OPERATOR)
        if operators != [person]:
            lacks_operator(person, ministry, operators).require()
            store.add_role(connection, person, ministry, Role.OPERATOR)
            facts = {"ministry": ministry, "role": Role.OPERATOR.value}
            given = Author(Tenant(ministry)).did("role.give", f"person:{person}", platform.clock(), facts=facts)
            audit.append(connection, given)
        return store.find_person(connection, person) or found


@dataclass(frozen=True)
class Receiver:
    """A ministry that takes part, as whoever gives it something names it; as of :class:`NewMinistry`."""

    name: str
    title_ko: str
    title_en: str


def list_receivers(platform: Platform, actor: Actor) -> list[Receiver]:
    """Every ministry that takes part, by name, for those who may name one as receiver of data, a model or a grant;
    none for anybody else."""
    if not any(Permission.MINISTRY_FIND in permissions_in(actor, one) for one in actor.ministries):
        return []
    with platform.database.read() as connection:
        found = [one for one in store.list_ministries(connection) if one.closed_at is None]
    return [Receiver(one.name, one.title_ko, one.title_en) for one in found]


def list_ministries(platform: Platform, actor: Actor) -> list[Ministry]:
    """Those in which the actor may look, by name."""
    visible = [one for one in actor.ministries if Permission.MINISTRY_READ in permissions_in(actor, one)]
    with platform.database.read() as connection:
        return store.list_ministries(connection, visible)


def _insert(connection: Connection, new: NewMinistry, operator: NewPerson, now: float) -> bool:
    """False if everything is there already, exactly so. Raises ``label.grade-outside`` for the operator's clearance."""
    refuse_while_stating(connection, operator.clearance, "clearance")
    known = store.find_ministry(connection, new.name)
    if known is not None:
        same = (known.title_ko, known.title_en, known.closed_at) == (new.title_ko, new.title_en, None)
        person = store.find_person(connection, operator.id)
        if same and person is not None and Role.OPERATOR in person.roles.get(new.name, ()):
            return insert_person(connection, operator, now)
        raise codes.MINISTRY_EXISTS.error(ministry=new.name)
    for title in (new.title_ko, new.title_en):
        if any(_read_alike(title, taken) for one in store.list_ministries(connection) for taken in _titles(one)):
            raise codes.TITLE_TAKEN.error(title=title)
    try:
        with connection.begin_nested():
            store.add_ministry(connection, Ministry(new.name, new.title_ko, new.title_en, now))
    except Taken:  # another operator was first
        raise codes.MINISTRY_EXISTS.error(ministry=new.name) from None
    insert_person(connection, operator, now)
    store.add_role(connection, operator.id, new.name, Role.OPERATOR)
    return True


def _titles(ministry: Ministry) -> tuple[str, str]:
    return ministry.title_ko, ministry.title_en


def _read_alike(one: str, other: str) -> bool:
    """In whatever width, case and spacing they are written."""
    first, second = ("".join(normalize("NFKC", text).casefold().split()) for text in (one, other))
    return first == second


def _check(platform: Platform, new: NewMinistry, operator: NewPerson) -> None:
    if MINISTRY_NAME.fullmatch(new.name) is None:
        raise codes.MINISTRY_NAME.error(ministry=new.name)
    for title in (new.title_ko, new.title_en):
        if not title.strip() or len(title) > _MAX_TITLE or not title.isprintable() or first_unseen(title):
            raise codes.TEXT_FORM.error(field="title", limit=_MAX_TITLE)
    check_person(platform, operator, new.name)
    role_fits(operator.id, operator.kind, Role.OPERATOR).require()


def _require_anywhere(actor: Actor, permission: Permission) -> None:
    if not any(permission in permissions_in(actor, ministry) for ministry in actor.ministries):
        permitted_in(actor, permission, home_of(actor.id), codes.NOT_ALLOWED).require()


def _found(connection: Connection, ministry: str) -> Ministry:
    found = store.find_ministry(connection, ministry)
    if found is None:
        raise codes.UNKNOWN_MINISTRY.error(ministry=ministry)
    return found
