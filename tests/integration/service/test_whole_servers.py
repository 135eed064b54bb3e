"""``bongsu serve`` itself, twice over one PostgreSQL, with Ray and MLflow: whoever leads is killed, again and again.

A start takes some seconds, so there are few kills here; ``test_kills_under_load.py`` has the many.
``BONGSU_TEST_WHOLE_KILLS`` sets how many.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from audit_places import auditor
from postgres_server import PostgresServer
from reconciler_invariants import check_store
from replicas import Site
from whole_servers import left_behind, whole_site

from bongsu.domain.ids import RunId
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.checking import check_log

KILLS = int(os.environ.get("BONGSU_TEST_WHOLE_KILLS", "3"))
END_S = 240.0
GONE_S = 30.0
TOLD_S = 60.0
PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Draft administrative documents}}
  stages:
    - {{name: a, uses: probe, with: {{text: "{name} a", seconds: 1, steps: 2}}}}
    - {{name: b, uses: probe, inputs: {{after: a.files}}, with: {{text: "{name} b", seconds: 1, steps: 2}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def site(postgres: PostgresServer, folder: Path) -> Iterator[Site]:
    with whole_site(postgres.new_database(), postgres.new_database(migrated=False), folder) as made:
        yield made


def submit(site: Site, name: str) -> RunId:
    body, key = {"text": PIPELINE.format(name=name)}, {"Idempotency-Key": name}
    return site.run_id(site.ask("kim", "POST", "/v1/runs", body, headers=key))


def test_whole_servers_that_are_killed_lose_nothing_and_leave_no_worker_behind(site: Site, folder: Path) -> None:
    chance = random.Random(3)
    found = [submit(site, "first")]
    for number in range(KILLS):
        leader = site.await_leader()
        found.append(submit(site, f"during-{number}"))
        time.sleep(chance.uniform(1, 6))
        leader.kill()
        found.append(submit(site, f"after-{number}"))
        leader.start()
    for run in found:
        site.await_end(run, "succeeded", within_s=END_S)
    for replica in site.replicas:
        replica.await_ready()
        check_mlflow(site, replica.url)
    check_store(site, found)
    check_log(site.place.platform, auditor("C", Tenant("mnd")), Tenant("mnd"))
    check_logs_of_stages(site, found[0])
    for replica in site.replicas:
        replica.kill()
    deadline = time.monotonic() + GONE_S
    while left := left_behind(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)


def check_mlflow(site: Site, url: str) -> None:
    """It is told a while after, and then each replica knows of it, whichever told it."""
    headers = {"Authorization": f"Bearer {site.issuer.token('kim')}"}
    deadline, names = time.monotonic() + TOLD_S, set[str]()
    while "first" not in names:
        assert time.monotonic() < deadline, (names, site.replicas[0].said[-2000:])
        answer = httpx.post(
            f"{url}/mlflow/api/2.0/mlflow/experiments/search",
            json={"max_results": 100},
            headers=headers,
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        names = {one["name"] for one in answer.json().get("experiments", ())}
        time.sleep(0.5)


def check_logs_of_stages(site: Site, run: RunId) -> None:
    """What a stage wrote is read at any replica, not only where it was launched."""
    for replica in site.replicas:
        answer = site.ask_once(replica, "kim", "GET", f"/v1/runs/{run}/stages/a/logs")
        assert answer.status_code == 200
        assert "probe: first a" in answer.text, (replica.name, answer.text)
