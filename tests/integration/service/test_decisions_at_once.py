"""Two replicas on PostgreSQL, of which one decides on a model while the other adds to it or raises labels: neither
misses what the other does, and neither waits for the other for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from database_places import fresh_database
from driver_journeys import begin_registering, tick_success, to_the_end
from governed_places import ADMINISTRATION, SENSITIVE, GovernedPlace
from postgres_server import PostgresServer
from reconciler_world import World
from sqlalchemy import Connection, text
from two_writers import at_once

from bongsu.domain.approval import ProposalKind
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.publication import SuspensionChanged
from bongsu.domain.suspension import Suspension
from bongsu.domain.tenants import Tenant
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.data_permits import revoke_data_permit
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.store import label_flow, models, outbox, suspensions
from bongsu.store.aliases import lock_model
from bongsu.store.database import Database
from bongsu.store.locks import hold_labels, hold_model
from bongsu.store.postgres import is_held
from bongsu.store.records import ModelVersionRecord
from bongsu.store.scope import OPTION, Scope

MND = Scope.of(Tenant("mnd"))
DEADLINE_S = 30.0


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with fresh_database(postgres) as opened:
        yield opened


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[GovernedPlace]:
    made = GovernedPlace(tmp_path, database)
    made.permit_use()
    made.permit_data()
    yield made
    made.close()


def stop_all(place: GovernedPlace) -> object:
    return suspend(place.platform, place.actor("acc"), StopRequest("mnd", "axk1", None, "It leaks"))


def stop_statements(place: GovernedPlace, connection: Connection) -> None:
    """What a suspension of all versions does to the store."""
    connection.execution_options(**{OPTION: MND})
    lock_model(connection, "axk1")
    stopped = Suspension("s-1", Tenant("mnd"), "axk1", None, "It leaks", "acc", place.now)
    suspensions.add_suspension(connection, stopped)


def register_second(place: GovernedPlace, connection: Connection) -> None:
    """What the reconciler does once the registry has made a version."""
    connection.execution_options(**{OPTION: MND})
    run = RunId("r-000000000001")
    record = ModelVersionRecord(
        name="axk1",
        version=2,
        digest=place.law,
        label="O",
        use_class=ADMINISTRATION.value,
        ministry="mnd",
        run_id=run,
        stage_id=StageId("register-2"),
        title="axk1",
        metrics={},
        link="",
        created_at=place.now,
    )
    models.add_version(connection, record)
    if suspensions.suspended_since(connection, "mnd", "axk1", 2) is not None:
        outbox.put(connection, run, SuspensionChanged(run_id=run, name="axk1", version=2, ministry="mnd"))


@pytest.mark.parametrize("registers_first", [True, False])
def test_mlflow_is_told_that_a_version_is_suspended_which_was_registered_meanwhile(
    place: GovernedPlace, database: Database, registers_first: bool
) -> None:
    place.register()
    if registers_first:
        at_once(database, lambda one: register_second(place, one), lambda _one: stop_all(place))
    else:
        at_once(database, lambda one: stop_statements(place, one), lambda one: register_second(place, one))
    told = [body for body in place.told() if '"suspension-changed"' in body and '"version":2' in body]
    assert len(told) == 1


def test_a_suspension_of_a_model_waits_for_its_first_version(place: GovernedPlace, database: Database) -> None:
    at_once(database, lambda one: register_second(place, one), lambda _one: stop_all(place))
    assert sum('"suspension-changed"' in body for body in place.told()) == 1


def test_a_registration_waits_for_who_decides_on_its_model_and_holds_no_labels_meanwhile(
    database: Database,
) -> None:
    """Whoever carries out a downgrade asks for the labels while they hold the model."""
    world = World(database=database)
    try:
        begin_registering(world)
        with ThreadPoolExecutor(1) as pool, database.write() as connection:
            hold_model(connection, "light")
            driven = pool.submit(to_the_end, world, tick_success)
            deadline = time.monotonic() + DEADLINE_S
            waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            while not connection.execute(waiting).scalar_one():
                assert time.monotonic() < deadline
                assert not driven.done()
                time.sleep(0.02)
            assert not is_held(connection, "labels")
            connection.rollback()
            driven.result(DEADLINE_S)
        with database.read() as connection:
            assert models.find_version(connection, "light").version == 1
    finally:
        world.close()


def test_a_label_is_lowered_while_another_flows_without_a_deadlock(
    place: GovernedPlace, database: Database
) -> None:
    digest = place.register(label=SENSITIVE)
    wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "model:axk1/1", "O", "It says nothing")
    proposal = propose(place.platform, place.actor("dc"), wish)
    for person in ("ann", "bae"):
        approve(place.platform, place.actor(person), proposal.id, proposal.binding.digest)
    has_begun = threading.Event()

    def flows() -> None:
        """Artifacts first, and then versions, as :func:`bongsu.store.label_flow.flow` does."""
        with database.write(MND) as connection:
            hold_labels(connection)
            connection.execute(text("UPDATE artifacts SET label = label WHERE digest = :it"), {"it": digest})
            has_begun.set()
            time.sleep(0.5)  # by then the other is through, or waits
            connection.execute(text("UPDATE model_versions SET label = label WHERE digest = :it"), {"it": digest})
            label_flow.flow(connection, [digest])

    with ThreadPoolExecutor(1) as pool:
        flowing = pool.submit(flows)
        assert has_begun.wait(DEADLINE_S)
        carry_out(place.platform, place.actor("dc"), proposal.id)
        flowing.result(DEADLINE_S)
    with database.read(MND) as connection:
        assert models.find_version(connection, "axk1/1").label == "O"


def test_a_permit_that_two_give_again_after_its_revocation_is_one(place: GovernedPlace) -> None:
    dc, first = place.actor("dc"), place.permit_data(days=10)
    revoke_data_permit(place.platform, dc, first, "Not yet")
    with ThreadPoolExecutor(4) as pool:
        given = {one.result(DEADLINE_S) for one in [pool.submit(place.permit_data, days=10) for _ in range(4)]}
    (again,) = given
    assert again != first
    assert sum(action == "permit.give-data" and again in entry for _who, action, entry in place.log()) == 1
