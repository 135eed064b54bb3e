"""Grants, plans that they pay for, and people of three ministries."""

from __future__ import annotations

from typing import Any

from small_plans import plan_of, stage
from sqlalchemy import insert
from store_places import NOW

from bongsu.domain.data_permits import DatasetPermit
from bongsu.domain.grants import Grant
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import Actor, Role
from bongsu.domain.pipeline import Metadata
from bongsu.domain.plan import RunPlan
from bongsu.domain.resources import Resources
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Evidence, PermittedUse, Tier
from bongsu.domain.uses import UseClass
from bongsu.service.grants.giving import Order
from bongsu.store.database import Database
from bongsu.store.permits import add_data_permit
from bongsu.store.permitted_uses import add_use
from bongsu.store.schema_people import ministries

DAY = 86_400.0
GRANT = "nap-2026-mnd-01"
GPU = "H100-80GB"


def order(**changes: Any) -> Order:
    """100 GPU-hours of MSIT for MND, open for 100 days around NOW."""
    values: dict[str, Any] = {
        "id": GRANT,
        "giver": "msit",
        "receiver": "mnd",
        "programme": "nap",
        "accelerator": GPU,
        "gpu_hours": 100.0,
        "begins": NOW - 20 * DAY,
        "ends": NOW + 80 * DAY,
        "use_classes": frozenset({UseClass.ADMINISTRATION}),
    }
    return Order(**values | changes)


def grant(**changes: Any) -> Grant:
    """What :func:`order` gives."""
    return order(**changes).as_grant("msit/lee")


def gpu_stage(name: str, *after: str, hours: float | None = 1.0, gpus: int = 2, **changes: Any) -> Any:
    """A stage on GPUs that is estimated to take so many GPU-hours."""
    resources = Resources(gpus_per_worker=gpus, accelerator=changes.pop("accelerator", GPU))
    values: dict[str, Any] = {"resources": resources, "gpu_hours": hours, "cacheable": False} | changes
    return stage(name, *after, **values)


def paid_plan(*stages: Any, ministry: str = "mnd", name: str = "sample", grant_id: str | None = GRANT) -> RunPlan:
    """A plan that names the grant."""
    changes = {"grant": grant_id, "metadata": Metadata(name=name, ministry=ministry)}
    return plan_of(*stages).model_copy(update=changes)


def person(name: str, *roles: Role, ministry: str, grade: Grade = Grade.OPEN) -> Actor:
    return Actor(f"{ministry}/{name}", name, roles={ministry: frozenset(roles)}, clearance=Label(grade=grade))


MANAGER = person("lee", Role.PROGRAMME_MANAGER, ministry="msit")
ENGINEER = person("kim", Role.ENGINEER, ministry="mnd", grade=Grade.CLASSIFIED)
STRANGER = person("park", Role.PROGRAMME_MANAGER, ministry="dapa", grade=Grade.CLASSIFIED)


def with_ministries(database: Database, *names: str) -> None:
    """What makes a home a server: ministries take part; MSIT has GPUs to give."""
    rows = [
        {"name": name, "title_ko": name, "title_en": name, "created_at": NOW, "owns_gpus": name == "msit"}
        for name in names
    ]
    with database.write() as connection:
        connection.execute(insert(ministries), rows)
        for name in names:
            for use_class in UseClass:
                add_use(connection, _permitted(name, use_class))


def _permitted(ministry: str, use_class: UseClass) -> PermittedUse:
    return PermittedUse(
        id=f"{ministry}-{use_class.value}",
        ministry=Tenant(ministry),
        use_class=use_class,
        statement="",
        conditions="",
        tier=Tier.I,
        owner=f"{ministry}/owner",
        evidence=Evidence("https://example.org", 0.0),
        begins_at=0.0,
        ends_at=1e11,
        registered_by=f"{ministry}/accreditor",
        registered_at=0.0,
    )


def permit_data(database: Database, ministry: str, digest: Digest) -> None:
    """Let the ministry's runs take these bytes for anything."""
    permit = DatasetPermit(
        id=f"{ministry}-{digest[:20]}",
        tenant=Tenant(ministry),
        name="data",
        version=1,
        digest=digest,
        use_classes=frozenset(UseClass),
        card="https://example.org",
        custodian=f"{ministry}/custodian",
        reason="",
        begins_at=0.0,
        ends_at=1e11,
        given_at=0.0,
    )
    with database.write() as connection:
        add_data_permit(connection, permit)
