"""Rows of sign-ins and sessions: what is over goes, and the schema goes down and up again with all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select
from store_places import store_at

from bongsu.domain.labels import OPEN
from bongsu.domain.people import ActorKind
from bongsu.domain.sessions import CodeGrant, DeviceGrant, DeviceState, RefreshGrant, SessionFamily
from bongsu.store import people, secondments, service_secrets, sessions, sign_ins
from bongsu.store.database import Database, migrate
from bongsu.store.schema_identity import refresh_grants
from bongsu.store.service_secrets import ServiceSecret

NOW = 1_700_000_000.0
DEVICE = DeviceGrant("d" * 64, "BCDFGHJK", "bongsu-cli", "bongsu", NOW + 600, 5)
CODE = CodeGrant("c" * 64, "bongsu-console", "http://localhost/", "openid", "x" * 43, "n", "s-kim", NOW + 60)
FAMILY = SessionFamily("f1", "bongsu-cli", "s-kim", "bongsu", NOW, NOW + 1000)
REFRESH = RefreshGrant("r" * 64, "f1", NOW + 100)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = store_at(tmp_path)
    yield made
    made.close()


def filled(database: Database) -> None:
    with database.write() as connection:
        assert sign_ins.add_device(connection, DEVICE)
        sign_ins.add_code(connection, CODE)
        sessions.add_family(connection, FAMILY)
        sessions.add_refresh(connection, REFRESH)
        assert sign_ins.failures_at(connection, 7) == (0, 0.0)
        sign_ins.set_failures(connection, 7, 1, NOW)
        people.add_person(connection, people.Person("mnd/bot", "bot", ActorKind.SERVICE, OPEN, {}, NOW))
        service_secrets.add_secret(connection, ServiceSecret("mnd/bot", "s1", "hash", NOW))
        secondments.send(connection, "mnd/bot", "msit", NOW)


def test_the_schema_goes_down_and_up_again_with_rows_in_it(database: Database) -> None:
    filled(database)
    migrate(database.engine, "0005")
    migrate(database.engine)
    with database.write() as connection:
        assert sign_ins.device_by_code(connection, DEVICE.code) is None
        found = people.find_person(connection, "mnd/bot")
        assert found is not None
        assert found.sent_to == frozenset()


def test_what_was_written_is_read(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        assert sign_ins.device_by_user_code(connection, DEVICE.user_code) == DEVICE
        approved = replace(DEVICE, state=DeviceState.APPROVED, subject="s-kim", polled_at=NOW)
        sign_ins.save_device(connection, approved)
        assert sign_ins.device_by_code(connection, DEVICE.code) == approved
        assert sign_ins.find_code(connection, CODE.code) == CODE
        assert sessions.find_family(connection, "f1") == FAMILY
        assert sessions.find_refresh(connection, REFRESH.token) == REFRESH
        assert sign_ins.failures_at(connection, 7) == (1, NOW)
        assert sign_ins.failures_at(connection, 8) == (0, 0.0)


def test_a_user_code_is_one_device_s_at_a_time(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        assert not sign_ins.add_device(connection, replace(DEVICE, code="e" * 64))
        # The transaction goes on.
        assert sign_ins.add_device(connection, replace(DEVICE, code="e" * 64, user_code="KJHGFDCB"))


def test_what_is_over_goes_with_what_hangs_on_it(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        sign_ins.forget_sign_ins(connection, NOW + 100)
        assert sign_ins.find_code(connection, CODE.code) is None
        assert sign_ins.device_by_code(connection, DEVICE.code) is not None
        sessions.forget_sessions(connection, NOW + 1001)
        assert connection.execute(select(func.count()).select_from(refresh_grants)).scalar() == 0


def test_the_first_end_stays(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        sessions.end_family(connection, "f1", NOW + 1)
        sessions.end_family(connection, "f1", NOW + 2)
        sessions.end_families_of(connection, "s-kim", NOW + 3)
        found = sessions.find_family(connection, "f1")
        assert found is not None
        assert found.ended_at == NOW + 1
        for end in (NOW + 50, NOW + 90, NOW + 40):
            service_secrets.end_secret(connection, "mnd/bot", "s1", end)
        (secret,) = service_secrets.secrets_of(connection, "mnd/bot", NOW)
        assert secret.ends_at == NOW + 40
        assert service_secrets.secrets_of(connection, "mnd/bot", NOW + 40) == []
