"""Grants, plans that they pay for, and people of three ministries."""

from __future__ import annotations

from typing import Any

from small_plans import plan_of, stage
from sqlalchemy import insert
from store_places import NOW

from bongsu.domain.grants import Grant
from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import Actor, Role
from bongsu.domain.pipeline import Metadata
from bongsu.domain.plan import RunPlan
from bongsu.domain.resources import Resources
from bongsu.domain.uses import UseClass
from bongsu.service.grants.giving import Order
from bongsu.store.database import Database
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
    """What makes a home a server: ministries take part."""
    rows = [{"name": name, "title_ko": name, "title_en": name, "created_at": NOW} for name in names]
    with database.write() as connection:
        connection.execute(insert(ministries), rows)
