"""The clocks of all replicas are set back, and forward, while they work. Runs come to their end, nobody is let in who
should not be, the log stays in order, and nothing is charged that was not used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from audit_places import auditor
from governed_places import DAY, GovernedPlace
from grant_places import GPU, gpu_stage
from postgres_server import PostgresServer
from reconciler_invariants import check_store
from replicas import CAPACITY, Replica, Site, site_over
from small_plans import plan_of
from sqlalchemy import select

from bongsu.domain.ids import RunId
from bongsu.domain.plan import RunPlan
from bongsu.domain.tenants import Tenant
from bongsu.reconciler.session_lock import LEASE_S
from bongsu.service.audit.checking import check_log
from bongsu.service.submitting import submit
from bongsu.store.history import events_of
from bongsu.store.schema_audit import audit_entries
from bongsu.store.scope import EVERYTHING

HOUR = 3600.0
LONG = 100 * DAY
GRANT = "nap-clock"


@pytest.fixture
def site(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_over(postgres.new_database(), tmp_path_factory.mktemp("site"), permit_for_long) as made:
        yield made
        assert not made.broken


def permit_for_long(place: GovernedPlace) -> None:
    """The use was permitted before any time to which a clock is set back."""
    now, place.now = place.now, place.now - LONG
    place.permit_use()
    place.now = now


def status(site: Site, replica: Replica, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return site.ask_once(replica, "kim", "GET", "/v1/me", headers=headers).status_code


def paid(site: Site, name: str) -> RunId:
    """A run on two GPUs for which a grant pays."""
    plan: RunPlan = plan_of(gpu_stage("a", hours=2.0), gpu_stage("b", "a", hours=2.0), name=name)
    plan = plan.model_copy(update={"grant": GRANT})
    return submit(replace(site.place.as_("kim"), clock=time.time), plan).run.id


def give_grant(site: Site) -> None:
    now = site.place.now
    order = {"id": GRANT, "giver": "mnd", "receiver": "mnd", "programme": "nap", "accelerator": GPU}
    order |= {"gpuHours": 100.0, "begins": now - LONG, "ends": now + 90 * DAY}
    given = site.ask("lee", "POST", "/v1/grants", order)
    assert given.is_done, given


@pytest.mark.parametrize("shift", [-2 * HOUR, -40 * DAY, 20 * DAY], ids=["two-hours", "forty-days", "forward"])
def test_runs_go_on_and_the_record_holds_when_clocks_are_set(site: Site, shift: float) -> None:
    site.cluster.capacity = replace(CAPACITY, gpus=4, accelerators=(GPU,))
    give_grant(site)
    site.workers.pause_s = 2.0
    found = [paid(site, "paid"), *(site.run_id(site.submit(f"clock-{number}")) for number in range(3))]
    leader = site.await_leader()
    while not site.cluster.live:
        time.sleep(0.02)
    site.set_clock(shift)
    try:
        for run in found:
            until_over(site, run)
        assert site.await_leader() is leader, "who leads does not hang on what time it is"
        check_store(site, found)
        for name in ("mnd", "army"):
            check_log(site.place.platform, auditor("C", Tenant(name)), Tenant(name))
        check_order(site, found)
        check_ledger(site)
    finally:
        site.set_clock(0.0)
    later = site.run_id(site.submit("later"))
    site.await_end(later, "succeeded")


def until_over(site: Site, run: RunId) -> None:
    deadline = time.monotonic() + 4 * LEASE_S
    while True:
        with site.database.read(EVERYTHING) as connection:
            states = [one.body.get("state") for one in events_of(connection, run) if one.type == "run"]
        if states and states[-1] == "succeeded":
            return
        assert states[-1:] != ["failed"], f"{run} failed"
        assert time.monotonic() < deadline, f"{run} is {states}"
        time.sleep(0.1)


def check_order(site: Site, found: list[RunId]) -> None:
    """Entries are numbered in the order in which they were made, whatever time they tell."""
    with site.database.read(EVERYTHING) as connection:
        for run in found:
            numbers = [one.sequence for one in events_of(connection, run)]
            assert numbers == list(range(1, len(numbers) + 1))
        query = select(audit_entries.c.position).where(audit_entries.c.tenant == "mnd")
        positions = list(connection.execute(query.order_by(audit_entries.c.position)).scalars())
    assert positions == list(range(len(positions)))


def check_ledger(site: Site) -> None:
    """Nothing was used for less than no time; nothing is set aside any more; a recount comes to the same."""
    entries = site.ask("lee", "GET", f"/v1/grants/{GRANT}").document["entries"]
    metered = [one["gpuHours"] for one in entries if one["kind"] == "metered"]
    assert len(metered) == 2, entries
    assert all(hours >= 0 for hours in metered), entries


def test_tokens_hold_by_the_clock_of_who_reads_them(site: Site) -> None:
    replica = site.replicas[0]
    now_held, hour_old = site.issuer.token("kim"), site.issuer.token("kim", time.time() - HOUR)
    assert status(site, replica, now_held) == 200
    assert status(site, replica, hour_old) == 401, "its life is over"
    site.set_clock(-2 * HOUR)
    assert status(site, replica, now_held) == 401, "it begins in two hours, as far as this clock knows"
    assert status(site, replica, site.issuer.token("kim", time.time() - 2 * HOUR)) == 200
    site.set_clock(2 * HOUR)
    assert status(site, replica, now_held) == 401, "its life is over"
    site.set_clock(0.0)
    assert status(site, replica, now_held) == 200


def test_a_use_that_has_not_begun_by_the_clock_is_not_permitted(site: Site) -> None:
    site.set_clock(-LONG - DAY)
    refused = site.submit("early")
    assert (refused.status, refused.code) == (403, "use.not-permitted"), refused
    site.set_clock(0.0)
    site.await_end(site.run_id(site.submit("early")), "succeeded")
