"""Replicas are killed (SIGKILL) at random moments, again and again, while clients write all the time.

What is killed are real processes that serve real sockets on a real PostgreSQL by the code of ``bongsu serve``; the
executor is simulated and MLflow is not mounted, so that a replica begins in a fraction of a second and 200 kills fit
into a test run. ``test_whole_servers.py`` kills ``bongsu serve`` itself, with Ray and MLflow, a few times.

``BONGSU_TEST_KILLS`` sets how often; ``BONGSU_TEST_SEED`` when, and what clients do.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from audit_places import KEYS, auditor
from postgres_server import PostgresServer
from reconciler_invariants import check_store
from relentless_clients import ROUNDS, Client, Ledger, check_acknowledged, made_models, sow
from replicas import Site, site_over
from store_places import empty_database

from bongsu.domain.tenants import Tenant
from bongsu.service.audit.bundles import parsed
from bongsu.service.audit.checking import check_log
from bongsu.service.audit.exporting import export
from bongsu.service.audit.verdict import Trust
from bongsu.service.audit.verifying import verify_bundle
from bongsu.store.runs import active_versions
from bongsu.store.scope import EVERYTHING

KILLS = int(os.environ.get("BONGSU_TEST_KILLS", "200"))
SEED = int(os.environ.get("BONGSU_TEST_SEED", "8"))
KILLS_ON_SQLITE = max(1, KILLS // 10)
# Between two kills: so many writes are answered, or so many seconds go by; some replicas end before they serve.
MOST_WRITES, MOST_S, MORE_S = 6, 5.0, 0.15
END_S = 90.0


def kill_one(site: Site, ledger: Ledger, chance: random.Random) -> None:
    """The leader as often as any; a busy machine is given the time that it takes for as much to happen."""
    enough, deadline = len(ledger.deeds) + chance.randint(0, MOST_WRITES), time.monotonic() + MOST_S
    while len(ledger.deeds) < enough and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(chance.uniform(0, MORE_S))
    leader = site.leader() if chance.random() < 0.5 else None
    victim = leader or chance.choice(site.replicas)
    victim.kill()
    victim.start()


def until_all_is_over(site: Site) -> None:
    deadline = time.monotonic() + END_S
    while True:
        with site.database.read(EVERYTHING) as connection:
            left = active_versions(connection)
        if not left:
            return
        assert time.monotonic() < deadline, f"these came to no end: {left}"
        time.sleep(0.1)


def check_logs(site: Site) -> None:
    """The tree of each ministry is clean in the database, and as a bundle that somebody else verifies."""
    for name in ("mnd", "army"):
        ministry = Tenant(name)
        who = auditor("C", ministry)
        checked = check_log(site.place.platform, who, ministry)
        assert checked.size > 0
        lines = export(site.place.platform, KEYS, who, ministry).lines
        verdict = verify_bundle((parsed(line.encode()) for line in lines), name, Trust(KEYS.public(ministry)))
        assert verdict.holds, verdict


@pytest.mark.parametrize(
    ("kind", "kills"), [("postgresql", KILLS), ("sqlite", KILLS_ON_SQLITE)], ids=["two-replicas", "one-file"]
)
def test_what_was_acknowledged_outlives_kills_and_was_done_once(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, kills: int
) -> None:
    chance, ledger = random.Random(SEED), Ledger()
    with ExitStack() as undo:
        site = undo.enter_context(site_of(kind, request, tmp_path))
        seeds = made_models(site.database)
        clients = [Client(site, ledger, name, act, SEED) for name, act in ROUNDS.items()]
        for _ in range(kills):
            kill_one(site, ledger, chance)
            assert not ledger.errors, ledger.errors
        for client in clients:
            client.end()
        assert not ledger.errors, ledger.errors
        until_all_is_over(site)
        check_acknowledged(site, ledger)
        check_store(site, ledger.runs.values(), seeds)
        check_logs(site)
        assert not site.broken, site.broken
        assert len(ledger.deeds) > kills, "they wrote all the time"
        assert ledger.repeated > kills / 20, "kills hit requests that were under way"
        print(f"{kills} kills, {len(ledger.deeds)} writes answered, {ledger.repeated} of them asked for again")


def site_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[Site]:
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return site_over(server.new_database(), folder, sow)
    home = folder / "replica-0"
    home.mkdir(mode=0o700)
    (home / "bongsu.db").write_bytes(empty_database())
    return site_over(f"sqlite:///{home / 'bongsu.db'}", folder, sow, count=1)
