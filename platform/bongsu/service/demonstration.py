"""Ministries to try the platform with: people in every role, a permitted use, permitted data, a GPU grant.

Everything is done by the use cases that a ministry's own people would use, in their names, so that the record tells it.
A second start finds it done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bongsu.domain.audit import Author
from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Tier
from bongsu.domain.uses import UseClass
from bongsu.identity.accounts import Account, make_accounts
from bongsu.identity.secret_hashes import SecretHasher
from bongsu.service.control_plane import ControlPlane
from bongsu.service.datasets import register_dataset
from bongsu.service.governance.data_permits import DataPermitRequest, give_data_permit
from bongsu.service.governance.uses import UseRequest, register_use
from bongsu.service.grants.giving import Order, give
from bongsu.service.issuing.issuer import ACCOUNTS
from bongsu.service.ministries import NewMinistry, found_platform, register_ministry
from bongsu.service.people import NewPerson, add_person, give_role
from bongsu.service.platform import Platform
from bongsu.service.serving import ServerSettings, open_served
from bongsu.store.people import actor_of
from bongsu.store.scope import Scope

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
    "custodian": ("데이터 관리자", Role.DATA_CUSTODIAN),
    "manager": ("사업 관리자", Role.PROGRAMME_MANAGER),
    "approver1": ("승인자 1", Role.APPROVER),
    "approver2": ("승인자 2", Role.APPROVER),
    "accreditor": ("인증 담당자", Role.ACCREDITOR),
    "auditor": ("감사관", Role.AUDITOR),
}
# Whose people are there in full; of the others an operator and an engineer are enough to look from outside.
_STAFFED = ("mnd", "msit", "army")
DATASETS = {
    "korean-law": "package:konlpy/konlpy/data/corpus",
    "korean-docs": "file:assets/korean-docs",
}


@dataclass(frozen=True)
class _Stage:
    """What the demonstration is set up on: the server's platform, and who its people are."""

    plane: ControlPlane
    issuer: str

    def actor(self, person: str) -> Actor:
        with self.plane.base.read() as connection:
            found = actor_of(connection, self.issuer, person)
        assert found is not None
        return found

    def of(self, person: str) -> Platform:
        """What there is of a person's ministry, in their name."""
        actor = self.actor(person)
        tenant = Tenant(person.partition("/")[0])
        scope = Scope.of(tenant, actor.clearance)
        return replace(self.plane.base, scope=scope, actor=actor, author=Author(tenant, actor.id))


def seed(
    settings: ServerSettings, environment: Mapping[str, str], pipelines: Path | None = None
) -> Mapping[str, str]:
    """Make whatever is not there yet.

    Args:
        settings: of the server, with its own identity provider.
        environment: as of :func:`bongsu.service.serving.open_served`.
        pipelines: folder with the data sets of the shipped pipelines; without it only those of installed packages are
            registered.

    Returns:
        New passwords by what their owners type to sign in; empty if everybody has theirs.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    accounts = [Account(login, login, _title(login)) for login in _people()]
    passwords = make_accounts(settings.home / ACCOUNTS, accounts, SecretHasher())
    with open_served(replace(settings, leads=False, mlflow=False), environment) as served:
        assert served.issuer is not None
        stage = _Stage(served.plane, served.issuer.settings.issuer)
        _ministries(stage)
        _permits(stage)
        _data(stage, pipelines)
        _grant(stage)
    return passwords


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
    return NewPerson(person, _title(person), stage.issuer, person, ActorKind.PERSON, SECRET)


def _ministries(stage: _Stage) -> None:
    base = stage.plane.base
    first, *others = MINISTRIES
    operators = {one.name: _new(stage, f"{one.name}/{_OPERATOR}") for one in MINISTRIES}
    with base.read() as connection:
        is_begun = actor_of(connection, stage.issuer, operators[first.name].subject) is not None
    if not is_begun:
        found_platform(base, first, operators[first.name])
    for ministry in others:
        register_ministry(base, stage.actor(operators[first.name].id), ministry, operators[ministry.name])
    for person in _people():
        ministry_name, _, name = person.partition("/")
        if name == _OPERATOR:
            continue
        operator = stage.actor(operators[ministry_name].id)
        add_person(base, operator, _new(stage, person))
        give_role(base, operator, person, ministry_name, _ROLES[name][1])


def _permits(stage: _Stage) -> None:
    """Administration is permitted where there is an accreditor."""
    for ministry in _STAFFED:
        platform = stage.of(f"{ministry}/accreditor")
        begins = _since(platform)
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


def _data(stage: _Stage, pipelines: Path | None) -> None:
    platform = stage.of("mnd/custodian")
    begins = _since(platform)
    for name, uri in DATASETS.items():
        if uri.startswith("file:") and pipelines is None:
            continue
        try:
            made = register_dataset(platform, name, uri, pipelines or platform.home)
        except BongsuError:
            continue  # the package is not installed, or the folder is not that of the shipped pipelines
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


def _grant(stage: _Stage) -> None:
    platform = stage.of("msit/manager")
    begins = _since(platform)
    order = Order(
        id="nap-demonstration-mnd",
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


def _since(platform: Platform) -> float:
    """When the ministries began, so that asking twice asks for the same."""
    from bongsu.store.people import list_ministries

    with platform.read() as connection:
        created = [one.created_at for one in list_ministries(connection)]
    return float(int(min(created)))
