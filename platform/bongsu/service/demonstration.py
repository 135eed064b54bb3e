"""Ministries to try the platform with: people in every role, a permitted use, permitted data, a GPU grant.

Everything is done by the use cases that a ministry's own people would use, in their names, so that the record tells it.
A second start finds it done, and leaves alone whatever is there, as administration may have changed it meanwhile: it
undoes nothing, and what somebody may not do any more is not done in their name.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from bongsu.domain.audit import AuditOutcome, Author, EntryFilter
from bongsu.domain.labels import Grade, Label
from bongsu.domain.messages import N_
from bongsu.domain.people import ActorKind, Role
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Tier
from bongsu.domain.uses import UseClass
from bongsu.identity.accounts import Account, make_accounts
from bongsu.identity.secret_hashes import SecretHasher
from bongsu.policy.access import Permission, permissions_in
from bongsu.service.control_plane import ControlPlane
from bongsu.service.datasets import register_dataset
from bongsu.service.governance.data_permits import DataPermitRequest, give_data_permit
from bongsu.service.governance.uses import UseRequest, register_use
from bongsu.service.grants.giving import Order, give
from bongsu.service.issuing.issuer import ACCOUNTS
from bongsu.service.ministries import NewMinistry, found_platform, register_ministry, say_owns_gpus
from bongsu.service.people import NewPerson, add_person, give_role
from bongsu.service.platform import Platform
from bongsu.service.serving import ServerSettings, open_served
from bongsu.store import audit
from bongsu.store.audit_reading import page
from bongsu.store.datasets import find_dataset_version
from bongsu.store.grants import get_grant
from bongsu.store.people import (
    actor_of,
    find_person,
    home_of,
    issuers_of,
    list_ministries,
    move_subjects,
    subject_owner,
)
from bongsu.store.permits import data_permits_in
from bongsu.store.permitted_uses import uses_of
from bongsu.store.scope import EVERYTHING, Scope

DAY_S = 86_400.0
YEAR_S = 365 * DAY_S
SECRET = Label(grade=Grade.SENSITIVE)
MINISTRIES = (
    NewMinistry("mnd", "국방부", "Ministry of National Defence"),
    NewMinistry("msit", "과학기술정보통신부", "Ministry of Science and ICT"),
    NewMinistry("army", "육군", "Army"),
    NewMinistry("navy", "해군", "Navy"),
    NewMinistry("airforce", "공군", "Air Force"),
    NewMinistry("dapa", "방위사업청", "Defense Acquisition Program Administration"),
    NewMinistry("skt", "SK텔레콤", "SK Telecom"),
)
_OPERATOR = "operator"
_ROLES: Mapping[str, tuple[str, Role]] = {
    "engineer": ("엔지니어", Role.ENGINEER),
    "custodian": ("데이터 관리관", Role.DATA_CUSTODIAN),
    "manager": ("사업 관리자", Role.PROGRAMME_MANAGER),
    "approver1": ("승인자 1", Role.APPROVER),
    "approver2": ("승인자 2", Role.APPROVER),
    "accreditor": ("인증관", Role.ACCREDITOR),
    "auditor": ("감사관", Role.AUDITOR),
}
# Whose people are there in full; of the others an operator and an engineer are enough to look from outside.
_STAFFED = ("mnd", "msit", "army")
GRANT = "nap-demonstration-mnd"
_VETTING = "Demonstration: nobody was vetted, and nothing here is secret"
DATASETS = {
    "korean-law": "package:konlpy/konlpy/data/corpus",
    "korean-docs": "file:assets/korean-docs",
}


@dataclass(frozen=True)
class LeftOut:
    """A data set that could not be registered, or permitted.

    Attributes:
        name: its name.
        reason: a sentence.
        is_shipped: its files lie in the repository, beside the pipelines.
    """

    name: str
    reason: Phrase
    is_shipped: bool


@dataclass(frozen=True)
class Seeded:
    """Attributes:
    passwords: new ones, by what their owners type to sign in; empty if everybody has theirs.
    left_out: data sets that are not there, and are wanted.
    """

    passwords: Mapping[str, str]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class _Stage:
    """What the demonstration is set up on: the server's platform, and who its people are."""

    plane: ControlPlane
    issuer: str

    def who_may(self, person: str, permission: Permission) -> Platform | None:
        """What there is of a person's ministry, in their name; None if they may not do this there, or not any more."""
        home = Tenant(home_of(person))
        with self.plane.base.read() as connection:
            actor = actor_of(connection, home, self.issuer, person)
        if actor is None or permission not in permissions_in(actor, home):
            return None
        return replace(
            self.plane.base, scope=Scope.of(home, actor.clearance), actor=actor, author=Author(home, actor.id)
        )

    def read(self, ministry: str | None = None) -> AbstractContextManager[Connection]:
        """Everything that is there, whoever may see it; or everything of a ministry."""
        return self.plane.base.database.read(Scope.of(Tenant(ministry)) if ministry else EVERYTHING)


def seed(settings: ServerSettings, environment: Mapping[str, str], pipelines: Path | None = None) -> Seeded:
    """Make whatever is not there yet.

    Args:
        settings: of the server, with its own identity provider.
        environment: as of :func:`bongsu.service.serving.open_served`.
        pipelines: folder with the data sets of the shipped pipelines; without it only those of installed packages are
            registered.

    Raises:
        BongsuError: ``run.driven-elsewhere`` if a server runs in the home at another address; what
            :func:`bongsu.service.serving.open_served` raises.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    accounts = [Account(login, login, _title(login)) for login in _people()]
    passwords = make_accounts(settings.home / ACCOUNTS, accounts, SecretHasher())
    with open_served(replace(settings, leads=False, mlflow=False), environment) as served:
        assert served.issuer is not None
        stage = _Stage(served.plane, served.issuer.settings.issuer)
        _follow_address(stage)
        _ministries(stage)
        _permits(stage)
        left_out = _data(stage, pipelines)
        _grant(stage)
    return Seeded(passwords, left_out)


def _people() -> list[str]:
    found = []
    for ministry in MINISTRIES:
        names = [_OPERATOR, *(_ROLES if ministry.name in _STAFFED else ("engineer",))]
        found += [f"{ministry.name}/{name}" for name in names]
    return found


def _title(person: str) -> str:
    ministry, _, name = person.partition("/")
    title = next(one.title_ko for one in MINISTRIES if one.name == ministry)
    return f"{title} {_ROLES[name][0] if name in _ROLES else '운영자'}"


def _new(stage: _Stage, person: str) -> NewPerson:
    return NewPerson(person, _title(person), stage.issuer, person, ActorKind.PERSON, SECRET, _VETTING)


def _follow_address(stage: _Stage) -> None:
    """At another port the issuer has another URL: everybody signs in there from now on. Raises
    ``run.driven-elsewhere`` while a server runs at the one before."""
    founder, plane = f"{MINISTRIES[0].name}/{_OPERATOR}", stage.plane.base
    with stage.read() as connection:
        before = {issuer for issuer, subject in issuers_of(connection, founder) if subject == founder}
    for issuer in before - {stage.issuer}:
        with plane.lock, plane.database.write() as connection:
            move_subjects(connection, issuer, stage.issuer)
            facts, home = {"from": issuer, "to": stage.issuer}, Tenant(home_of(founder))
            thing, now = f"ministry:{home}", plane.clock()
            audit.append(connection, Author(home).did("issuer.move", thing, now, facts=facts))


def _ministries(stage: _Stage) -> None:
    first, *others = MINISTRIES
    founder = _new(stage, f"{first.name}/{_OPERATOR}")
    with stage.read() as connection:
        is_founded = subject_owner(connection, first.name, stage.issuer, founder.subject) is not None
        known = {one.name for one in list_ministries(connection)}
    if not is_founded:
        found_platform(stage.plane.base, first, founder)
    registrar = stage.who_may(founder.id, Permission.MINISTRY_MANAGE)
    for ministry in others:
        if registrar and ministry.name not in known:
            register_ministry(registrar, registrar.actor, ministry, _new(stage, f"{ministry.name}/{_OPERATOR}"))
    for person in _people():
        _person(stage, person)


def _person(stage: _Stage, person: str) -> None:
    """One that is there stays what their ministry made of them."""
    ministry, _, name = person.partition("/")
    operator = stage.who_may(f"{ministry}/{_OPERATOR}", Permission.PERSON_MANAGE)
    if operator is None or name == _OPERATOR:
        return
    with stage.read() as connection:
        known = find_person(connection, person)
        given = EntryFilter(action="role.give", object=f"person:{person}", outcome=AuditOutcome.DONE)
        was_something = bool(page(connection, Tenant(ministry), given, limit=1))
    if known is None:
        add_person(operator, operator.actor, _new(stage, person))
    elif was_something or known.disabled_at is not None:
        return
    # Also where an earlier start ended before it came to this.
    give_role(operator, operator.actor, person, ministry, _ROLES[name][1])


def _permits(stage: _Stage) -> None:
    """Administration is permitted where there is an accreditor."""
    for ministry in _STAFFED:
        platform = stage.who_may(f"{ministry}/accreditor", Permission.USE_REGISTER)
        with stage.read() as connection:
            is_there = any(one.use_class is UseClass.ADMINISTRATION for one in uses_of(connection, [ministry]))
        if platform is None or is_there:
            continue
        begins = _since(stage)
        request = UseRequest(
            ministry=ministry,
            use_class=UseClass.ADMINISTRATION,
            tier=Tier.I,
            statement="Draft and search documents of Korean law and administration",
            conditions="",
            owner=f"{ministry}/manager",
            evidence="https://bongsu.dev/demonstration",
            evidence_at=begins,
            begins_at=begins,
            ends_at=begins + YEAR_S,
        )
        register_use(platform, platform.actor, request)


def _data(stage: _Stage, pipelines: Path | None) -> tuple[LeftOut, ...]:
    left_out: list[LeftOut] = []
    platform = stage.who_may("mnd/custodian", Permission.DATASET_REGISTER)
    for name, uri in DATASETS.items():
        with stage.read("mnd") as connection:
            known = find_dataset_version(connection, name)
            is_permitted = any(one.name == name for one in data_permits_in(connection, ["mnd"]))
        if platform is None or is_permitted:
            continue
        is_shipped = uri.startswith("file:")
        if is_shipped and pipelines is None:
            left_out.append(LeftOut(name, phrase(N_("there is no folder `pipelines` here.")), is_shipped))
            continue
        begins = _since(stage)
        try:
            made = known or register_dataset(platform, name, uri, pipelines or platform.home)
            request = DataPermitRequest(
                ministry="mnd",
                name=name,
                version=made.version,
                use_classes=frozenset({UseClass.ADMINISTRATION}),
                card="https://bongsu.dev/demonstration",
                reason="Published under a free licence",
                begins_at=begins,
                ends_at=begins + YEAR_S,
            )
            give_data_permit(platform, platform.actor, request)
        except BongsuError as error:
            # The package is not installed, the folder is another one, or the data is above the custodian.
            left_out.append(LeftOut(name, error.problems[0].sentence(), is_shipped))
    return tuple(left_out)


def _grant(stage: _Stage) -> None:
    platform = stage.who_may("msit/manager", Permission.GRANT_GIVE)
    with stage.read() as connection:
        is_given = get_grant(connection, GRANT) is not None
    if platform is None or is_given:
        return
    say_owns_gpus(stage.plane.base, "msit", True)
    begins = _since(stage)
    order = Order(
        id=GRANT,
        giver="msit",
        receiver="mnd",
        programme="national-ai-project",
        accelerator="H100",
        gpu_hours=1000.0,
        begins=begins,
        ends=begins + YEAR_S,
        use_classes=frozenset({UseClass.ADMINISTRATION}),
    )
    give(platform, platform.actor, order)


def _since(stage: _Stage) -> float:
    """When the ministries began."""
    with stage.read() as connection:
        created = [one.created_at for one in list_ministries(connection)]
    return float(int(min(created)))
