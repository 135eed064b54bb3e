"""Whoever leads signs logs, ends what has run out and forgets old readings; a log that was changed holds up nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace
from sqlalchemy import func, select, text

from bongsu.domain.approval import ApprovalState
from bongsu.domain.labels import Label
from bongsu.domain.phrases import Words
from bongsu.domain.run import RunState
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.reads import record_read
from bongsu.service.governance.proposing import propose
from bongsu.service.leading import lead
from bongsu.service.upkeep import chores
from bongsu.store.audit_checkpoints import newest_checkpoint
from bongsu.store.database import Database
from bongsu.store.runs import get_run
from bongsu.store.schema_audit import audit_reads
from bongsu.store.schema_governance import proposals

DEADLINE_S = 30.0
MND, ARMY = Tenant("mnd"), Tenant("army")


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database)
    made.permit_use()
    made.permit_use(ministry="army")
    yield made
    made.close()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def signed(place: ApiPlace, tenant: Tenant) -> int:
    with place.platform.database.read() as connection:
        newest = newest_checkpoint(connection, tenant)
    return newest.size if newest else 0


def readings(place: ApiPlace) -> int:
    with place.platform.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(audit_reads)).scalar_one())


def test_the_leader_sees_to_what_is_due_and_drives_although_one_log_was_changed(place: ApiPlace) -> None:
    place.permit_data()
    place.register()
    propose(place.platform, place.actor("lee"), place.wish())
    reader = place.actor("kim")
    record_read(place.plane.base, reader, MND, "model:axk1/1", Label.parse("S"))
    place.ask("aud", "GET", "/v1/ministries/mnd/audit/checkpoint")
    with place.platform.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit_nodes DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER audit_nodes_no_update"))
        changed = text("UPDATE audit_nodes SET hash = :hash WHERE tenant = 'mnd'")
        connection.execute(changed, {"hash": bytes(32)})
    damaged = signed(place, MND)
    place.now += 31 * 86_400
    place.run_of("kim", "later")
    run = place.run_of("army-eng")
    told: list[str] = []
    stop = threading.Event()

    def hear(words: Words) -> None:
        told.append(str(words))

    base = place.plane.base
    given = (base, stop, hear, lambda platform: chores(platform, place.plane.log_keys))
    thread = threading.Thread(target=lead, args=given, daemon=True)
    thread.start()
    try:
        until(lambda: signed(place, ARMY) > 0)
        until(lambda: readings(place) == 0)

        def is_ended() -> bool:
            with base.read() as connection:
                states = set(connection.execute(select(proposals.c.state)).scalars())
                return get_run(connection, run).state.is_final and states == {ApprovalState.NEEDS_REVIEW.value}

        until(is_ended)
        until(lambda: bool(told))
    finally:
        stop.set()
        thread.join(DEADLINE_S)
    assert not thread.is_alive()
    with base.read() as connection:
        assert get_run(connection, run).state is RunState.SUCCEEDED
    assert signed(place, MND) == damaged, "nothing is signed that contradicts what was signed"
    assert len([words for words in told if "audit log of mnd is not what it was" in words]) == 1
