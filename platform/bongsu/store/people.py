"""Ministries, people and service accounts, and what each is where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select, update

from bongsu.domain.labels import Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.schema_identity import secondments
from bongsu.store.schema_people import memberships, ministries, people, subjects
from bongsu.store.taken import add_new

PEOPLE = Listing(
    (Step(people.c.id),),
    columns(people, "id", "name", "kind", "clearance", "createdAt", "disabledAt"),
    closed={"kind": ActorKind},
)


@dataclass(frozen=True)
class Ministry:
    """Attributes:
    name: short, e.g. ``mnd``.
    title_ko, title_en: as people read it.
    created_at, closed_at: seconds since the epoch; None while it takes part.
    owns_gpus: whether it has GPUs of which it may give grants.
    witness: ministry whose auditors and accreditors read its log since it was closed; None if none was named.
    """

    name: str
    title_ko: str
    title_en: str
    created_at: float
    closed_at: float | None = None
    owns_gpus: bool = False
    witness: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody, or a service account.

    Attributes:
        id: ``MINISTRY/NAME``; the ministry is the one that answers for them.
        name: as people read it.
        kind: ``PERSON`` or ``SERVICE``.
        clearance: what they may see at most.
        roles: by ministry.
        created_at, disabled_at: seconds since the epoch; None while they may come in.
        sent_to: other ministries whose operators may make them something there.
    """

    id: str
    name: str
    kind: ActorKind
    clearance: Label
    roles: dict[str, frozenset[Role]]
    created_at: float
    disabled_at: float | None = None
    sent_to: frozenset[str] = frozenset()

    @property
    def home(self) -> str:
        """The ministry that answers for them."""
        return home_of(self.id)


def home_of(person: str) -> str:
    """The ministry in an id; what has no ministry in it is of none."""
    return person.partition("/")[0] if "/" in person else ""


# One question, made once: it is asked for every request.
_KNOWN = (
    select(people, ministries.c.name.label("ministry"), memberships.c.role)
    .outerjoin(memberships, memberships.c.person == people.c.id)
    .outerjoin(ministries, and_(ministries.c.name == memberships.c.ministry, ministries.c.closed_at.is_(None)))
    .where(people.c.disabled_at.is_(None))
)
_KNOWN_ACTOR = _KNOWN.where(people.c.id == bindparam("person"))
_ACTOR = _KNOWN.join(subjects, subjects.c.person == people.c.id).where(
    subjects.c.ministry == bindparam("home"),
    subjects.c.issuer == bindparam("issuer"),
    subjects.c.subject == bindparam("subject"),
)


def actor_of(connection: Connection, ministry: str, issuer: str, subject: str) -> Actor | None:
    """Who of a ministry's people an identity provider's subject is now; None for one that is not known, or that was
    disabled. Roles in a ministry that takes part no longer are none."""
    rows = connection.execute(_ACTOR, {"home": ministry, "issuer": issuer, "subject": subject}).all()
    return _actor(connection, rows)


def person_as_actor(connection: Connection, person: str) -> Actor | None:
    """As :func:`actor_of`, of somebody whose id is known."""
    return _actor(connection, connection.execute(_KNOWN_ACTOR, {"person": person}).all())


def _actor(connection: Connection, rows: Sequence[Any]) -> Actor | None:
    if not rows:
        return None
    roles: dict[str, set[Role]] = {}
    for row in rows:
        if row.ministry is not None:
            with readable(connection, memberships, f"{row.id}/{row.ministry}"):
                roles.setdefault(row.ministry, set()).add(Role(row.role))
    person = _person(connection, rows[0], roles)
    return Actor(person.id, person.name, person.kind, person.roles, person.clearance)


def find_person(connection: Connection, person: str) -> Person | None:
    """With all roles, and where they were sent."""
    row = connection.execute(select(people).where(people.c.id == person)).one_or_none()
    found = _with_secondments(connection, _people(connection, [row] if row is not None else []))
    return found[0] if found else None


def people_of(connection: Connection, ministry: str, wanted: PageRequest = WHOLE) -> list[Person]:
    """Whom the ministry answers for, who was sent to it, and who is anything in it, by id; who is disabled, too."""
    within = select(memberships.c.person).where(memberships.c.ministry == ministry)
    sent = select(secondments.c.person).where(secondments.c.ministry == ministry)
    prefix = f"{ministry}/"
    at_home = func.substr(people.c.id, 1, len(prefix)) == prefix
    query = select(people).where(at_home | people.c.id.in_(within) | people.c.id.in_(sent))
    return _with_secondments(connection, _people(connection, list(connection.execute(PEOPLE.page(query, wanted)))))


def add_person(connection: Connection, person: Person) -> None:
    """With its roles. Raises Taken if the id is taken."""
    add_new(
        connection,
        insert(people).values(
            id=person.id,
            name=person.name,
            kind=person.kind.value,
            clearance=str(person.clearance),
            created_at=person.created_at,
            disabled_at=person.disabled_at,
        ),
    )
    for ministry, roles in person.roles.items():
        for role in sorted(roles):
            add_role(connection, person.id, ministry, role)


def add_subject(connection: Connection, issuer: str, subject: str, person: str) -> None:
    """Raises Taken if it is somebody's of the same ministry already."""
    values = {"ministry": home_of(person), "issuer": issuer, "subject": subject, "person": person}
    add_new(connection, insert(subjects).values(**values))


def move_subjects(connection: Connection, issuer: str, to: str) -> None:
    """An identity provider has another URL from now on, and calls everybody what it did."""
    connection.execute(update(subjects).where(subjects.c.issuer == issuer).values(issuer=to))


def subject_owner(connection: Connection, ministry: str, issuer: str, subject: str) -> str | None:
    """The id of whose subject it is among a ministry's people."""
    query = select(subjects.c.person).where(_is_subject(ministry, issuer, subject))
    return connection.execute(query).scalar()


def subjects_of(connection: Connection, person: str, issuer: str) -> list[str]:
    """What an identity provider calls them."""
    at_issuer = (subjects.c.person == person) & (subjects.c.issuer == issuer)
    query = select(subjects.c.subject).where(at_issuer).order_by(subjects.c.subject)
    return [str(found) for found in connection.execute(query).scalars()]


def issuers_of(connection: Connection, person: str) -> list[tuple[str, str]]:
    """Identity providers from which their tokens come, each with what it calls them."""
    query = select(subjects.c.issuer, subjects.c.subject).where(subjects.c.person == person)
    return [(row.issuer, row.subject) for row in connection.execute(query.order_by(subjects.c.issuer))]


def issuers_with(connection: Connection, names: Collection[str]) -> set[str]:
    """Identity providers that call anybody by one of these names."""
    query = select(subjects.c.issuer).where(subjects.c.subject.in_(list(names))).distinct()
    return {str(found) for found in connection.execute(query).scalars()}


def lock_person(connection: Connection, person: str) -> None:
    """Nobody else changes the person before this transaction ends."""
    connection.execute(select(people.c.id).where(people.c.id == person).with_for_update())


def lock_ministries(connection: Connection, names: Iterable[str]) -> None:
    """Nobody else changes who is what there before this transaction ends. In one order, so that two never wait for
    each other."""
    for name in sorted(set(names)):
        connection.execute(select(ministries.c.name).where(ministries.c.name == name).with_for_update())


def add_role(connection: Connection, person: str, ministry: str, role: Role) -> None:
    """Raises Taken if they have it."""
    add_new(connection, insert(memberships).values(person=person, ministry=ministry, role=role.value))


def remove_role(connection: Connection, person: str, ministry: str, role: Role) -> None:
    connection.execute(
        delete(memberships).where(
            memberships.c.person == person, memberships.c.ministry == ministry, memberships.c.role == role.value
        )
    )


def set_clearance(connection: Connection, person: str, clearance: Label) -> None:
    connection.execute(update(people).where(people.c.id == person).values(clearance=str(clearance)))


def disable_person(connection: Connection, person: str, now: float) -> None:
    """The first time stays."""
    connection.execute(
        update(people).where(and_(people.c.id == person, people.c.disabled_at.is_(None))).values(disabled_at=now)
    )


def holders_of(connection: Connection, ministry: str, role: Role) -> list[str]:
    """Ids of people, no service accounts, who have the role and are not disabled."""
    query = (
        select(people.c.id)
        .join(memberships, memberships.c.person == people.c.id)
        .where(memberships.c.ministry == ministry, memberships.c.role == role.value)
        .where(people.c.disabled_at.is_(None), people.c.kind == ActorKind.PERSON.value)
        .order_by(people.c.id)
    )
    return [str(found) for found in connection.execute(query).scalars()]


def add_ministry(connection: Connection, ministry: Ministry) -> None:
    """Raises Taken if the name is taken."""
    add_new(
        connection,
        insert(ministries).values(
            name=ministry.name,
            title_ko=ministry.title_ko,
            title_en=ministry.title_en,
            created_at=ministry.created_at,
            closed_at=ministry.closed_at,
            owns_gpus=ministry.owns_gpus,
            witness=ministry.witness,
        ),
    )


def find_ministry(connection: Connection, name: str) -> Ministry | None:
    row = connection.execute(select(ministries).where(ministries.c.name == name)).one_or_none()
    return Ministry(**row._mapping) if row is not None else None


def set_owns_gpus(connection: Connection, name: str, owns: bool) -> None:
    connection.execute(update(ministries).where(ministries.c.name == name).values(owns_gpus=owns))


def close_ministry(connection: Connection, name: str, now: float, witness: str | None = None) -> None:
    """It takes part no longer from now on, and people of ``witness`` read its log."""
    open_one = (ministries.c.name == name) & ministries.c.closed_at.is_(None)
    connection.execute(update(ministries).where(open_one).values(closed_at=now, witness=witness))


def roles_at_closing(connection: Connection, person: str, ministry: str) -> frozenset[Role]:
    """What somebody was in a ministry when it was closed; none while it takes part."""
    query = (
        select(memberships.c.role)
        .join(ministries, ministries.c.name == memberships.c.ministry)
        .where(memberships.c.person == person, ministries.c.name == ministry, ministries.c.closed_at.is_not(None))
    )
    with readable(connection, memberships, f"{person}/{ministry}"):
        return frozenset(Role(found) for found in connection.execute(query).scalars())


def witness_of(connection: Connection, ministry: str) -> str | None:
    """Which ministry was named to read the log of one that was closed. One that came later has only taken the name."""
    witness = ministries.alias()
    query = (
        select(witness.c.name)
        .join(ministries, ministries.c.witness == witness.c.name)
        .where(ministries.c.name == ministry, witness.c.created_at <= ministries.c.closed_at)
    )
    return connection.execute(query).scalar()


def list_ministries(connection: Connection, only: Collection[str] | None = None) -> list[Ministry]:
    """All, or ``only`` those of these names, by name."""
    query = select(ministries).order_by(ministries.c.name)
    if only is not None:
        query = query.where(ministries.c.name.in_(list(only)))
    return [Ministry(**row._mapping) for row in connection.execute(query)]


def _is_subject(ministry: str, issuer: str, subject: str) -> ColumnElement[bool]:
    return and_(subjects.c.ministry == ministry, subjects.c.issuer == issuer, subjects.c.subject == subject)


def _people(connection: Connection, rows: list[Any]) -> list[Person]:
    roles: dict[str, dict[str, set[Role]]] = {row.id: {} for row in rows}
    query = select(memberships).where(memberships.c.person.in_(list(roles)))
    for one in connection.execute(query) if roles else ():
        with readable(connection, memberships, f"{one.person}/{one.ministry}"):
            roles[one.person].setdefault(one.ministry, set()).add(Role(one.role))
    return [_person(connection, row, roles[row.id]) for row in rows]


def _with_secondments(connection: Connection, found: list[Person]) -> list[Person]:
    sent: dict[str, set[str]] = {person.id: set() for person in found}
    query = select(secondments.c.person, secondments.c.ministry).where(secondments.c.person.in_(list(sent)))
    for one in connection.execute(query) if sent else ():
        sent[one.person].add(one.ministry)
    return [replace(person, sent_to=frozenset(sent[person.id])) for person in found]


def _person(connection: Connection, row: Any, roles: dict[str, set[Role]]) -> Person:
    with readable(connection, people, row.id):
        return Person(
            id=row.id,
            name=row.name,
            kind=ActorKind(row.kind),
            clearance=Label.parse(row.clearance),
            roles={ministry: frozenset(held) for ministry, held in sorted(roles.items())},
            created_at=row.created_at,
            disabled_at=row.disabled_at,
        )
