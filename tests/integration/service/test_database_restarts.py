"""PostgreSQL is cut off in the middle of runs, as by a power cut: clients are told to come back, and runs go on."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from postgres_server import PostgresServer
from reconciler_invariants import check_store
from replicas import PIPELINE, Site, site_over

from bongsu.domain.ids import RunId

AWAY_S = 3.0


@pytest.fixture
def site(own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_over(own_postgres.new_database(), tmp_path_factory.mktemp("site")) as made:
        yield made
        assert not made.broken, "no answer of 500, whatever the database does"


class Follower:
    """Reads the entries of a run as they come, and goes on behind the last one whenever it is cut off."""

    def __init__(self, site: Site, run: RunId) -> None:
        self.numbers: list[int] = []
        self.cuts = 0
        self._site, self._run = site, run
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _follow(self) -> None:
        while not self._read():
            self.cuts += 1
            time.sleep(0.2)

    def _read(self) -> bool:
        """False if it was cut off before the end."""
        headers = {"Authorization": f"Bearer {self._site.issuer.token('kim')}", "Accept": "text/event-stream"}
        if self.numbers:
            headers["Last-Event-ID"] = str(self.numbers[-1])
        url = f"{self._site.replicas[0].url}/v1/runs/{self._run}/events"
        try:
            with httpx.stream("GET", url, headers=headers, timeout=30, trust_env=False) as response:
                for line in response.iter_lines() if response.status_code == 200 else ():
                    if line.startswith("id: "):
                        self.numbers.append(int(line.removeprefix("id: ")))
                    if line == "event: end":
                        return True
        except httpx.HTTPError:
            pass
        return False


def test_a_database_that_is_away_for_a_while_holds_runs_up_and_no_more(
    site: Site, own_postgres: PostgresServer
) -> None:
    site.workers.pause_s = 2.0
    found = [site.run_id(site.submit(f"cut-{number}", f"k-{number}")) for number in range(3)]
    followed = Follower(site, found[0])
    while not site.cluster.live:
        time.sleep(0.02)
    own_postgres.stop(signal.SIGQUIT)
    began = time.monotonic()
    try:
        for replica in site.replicas:
            for method, path in (("GET", "/v1/runs"), ("GET", f"/v1/runs/{found[0]}"), ("POST", "/v1/runs")):
                body = {"text": PIPELINE.format(name="meanwhile")} if method == "POST" else None
                answer = site.ask_once(replica, "kim", method, path, body, {"Idempotency-Key": "meanwhile"})
                assert answer.status_code == 503, answer.text
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["code"] == "run.database-unreachable"
                assert "postgresql" not in answer.text, "where it lies is nothing for who asks"
                assert int(answer.headers["retry-after"]) > 0
            assert not replica.is_ready()
            alive = httpx.get(f"{replica.url}/healthz", timeout=5, trust_env=False)
            assert alive.status_code == 200, "it is not the server's fault: it is not to be restarted"
        time.sleep(max(0.0, AWAY_S - (time.monotonic() - began)))
    finally:
        own_postgres.start()
    found.append(site.run_id(site.submit("meanwhile", "meanwhile")))
    for run in found:
        site.await_end(run, "succeeded")
    for replica in site.replicas:
        replica.await_ready()
    followed.join()
    check_store(site, found)
    entries = site.ask("kim", "GET", f"/v1/runs/{found[0]}/events?limit=500").document["items"]
    assert followed.numbers == [one["sequence"] for one in entries], "each entry once, across the cut"
    assert followed.cuts >= 1


def test_a_database_that_is_restarted_again_and_again_loses_no_acknowledged_run(
    site: Site, own_postgres: PostgresServer
) -> None:
    found = []
    for number in range(8):
        found.append(site.run_id(site.submit(f"again-{number}", f"again-{number}")))
        if number % 2:
            own_postgres.restart()
    for run in found:
        site.await_end(run, "succeeded")
    check_store(site, found)
