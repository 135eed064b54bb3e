"""Sign-ins under way at the built-in issuer: devices that wait, codes that browsers carry, failures that slow down."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from bongsu.domain.sessions import CodeGrant, DeviceGrant, DeviceState
from bongsu.store.faults import readable
from bongsu.store.schema_identity import code_grants, device_grants, sign_in_failures


def add_device(connection: Connection, grant: DeviceGrant) -> bool:
    """False if the user code is another device's at the moment."""
    try:
        with connection.begin_nested():
            connection.execute(insert(device_grants).values(**_device_values(grant)))
    except IntegrityError:
        return False
    return True


def device_by_code(connection: Connection, code: str) -> DeviceGrant | None:
    """By the hash of its device code, locked until the transaction ends."""
    return _device(connection, device_grants.c.code == code)


def device_by_user_code(connection: Connection, user_code: str) -> DeviceGrant | None:
    """By what somebody typed, locked until the transaction ends."""
    return _device(connection, device_grants.c.user_code == user_code)


def save_device(connection: Connection, grant: DeviceGrant) -> None:
    """What a locked one has become."""
    connection.execute(
        update(device_grants).where(device_grants.c.code == grant.code).values(**_device_values(grant))
    )


def add_code(connection: Connection, grant: CodeGrant) -> None:
    connection.execute(insert(code_grants).values(**asdict(grant)))


def find_code(connection: Connection, code: str) -> CodeGrant | None:
    """By its hash, locked until the transaction ends."""
    row = connection.execute(select(code_grants).where(code_grants.c.code == code).with_for_update()).one_or_none()
    return CodeGrant(**row._mapping) if row is not None else None


def use_code(connection: Connection, code: str, family: str) -> None:
    """Tokens of this family were given for a locked one."""
    connection.execute(update(code_grants).where(code_grants.c.code == code).values(family=family))


def forget_sign_ins(connection: Connection, before: float) -> None:
    """Take out what was over before then."""
    for table in (device_grants, code_grants):
        connection.execute(delete(table).where(table.c.expires_at < before))


def failures_at(connection: Connection, place: int) -> tuple[int, float]:
    """How often names of this place failed, and when last; locked until the transaction ends."""
    query = select(sign_in_failures.c.failures, sign_in_failures.c.last_at)
    locked = query.where(sign_in_failures.c.place == place).with_for_update()
    row = connection.execute(locked).one_or_none()
    if row is None:
        # A row that is not there cannot be locked, and several that come at once would all be the first.
        with contextlib.suppress(IntegrityError), connection.begin_nested():
            connection.execute(insert(sign_in_failures).values(place=place, failures=0, last_at=0.0))
        row = connection.execute(locked).one()
    return int(row.failures), float(row.last_at)


def set_failures(connection: Connection, place: int, failures: int, now: float) -> None:
    """How often they failed, of a place that is locked."""
    values = {"failures": failures, "last_at": now}
    connection.execute(update(sign_in_failures).where(sign_in_failures.c.place == place).values(**values))


def _device(connection: Connection, which: Any) -> DeviceGrant | None:
    row = connection.execute(select(device_grants).where(which).with_for_update()).one_or_none()
    if row is None:
        return None
    with readable(connection, device_grants, row.user_code):
        return DeviceGrant(**dict(row._mapping) | {"state": DeviceState(row.state)})


def _device_values(grant: DeviceGrant) -> dict[str, Any]:
    return asdict(grant) | {"state": grant.state.value}
