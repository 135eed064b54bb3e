"""Two replicas are asked at the same moment, stopped, and cut off: what comes of it is what would have come of one."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from governed_places import DAY
from postgres_server import PostgresServer
from reconciler_invariants import check_store
from relentless_clients import made_models, sow
from replicas import PIPELINE, Replica, Site, site_over
from sqlalchemy import func, select

from bongsu.domain.documents import iso_time
from bongsu.domain.ids import RunId
from bongsu.reconciler.session_lock import LEASE_S
from bongsu.store.schema import runs
from bongsu.store.schema_audit import audit_entries
from bongsu.store.schema_leadership import leadership

ROUNDS = 6


@pytest.fixture(scope="module")
def site(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_over(postgres.new_database(), tmp_path_factory.mktemp("site"), sow) as made:
        yield made
        assert not made.broken


def at_once(*acts: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Answers to requests that are sent at one moment; none is sent twice."""
    start = threading.Barrier(len(acts))

    def begin(act: Callable[[], httpx.Response]) -> httpx.Response:
        start.wait(30)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begin, acts))


def asking(
    site: Site, replica: Replica, person: str, path: str, body: Any = None, key: str = ""
) -> Callable[[], httpx.Response]:
    headers = {"Idempotency-Key": key} if key else {}
    return lambda: site.ask_once(replica, person, "POST", path, body, headers)


def proposed(site: Site, target: str, model: str = "good-1") -> tuple[str, dict[str, str]]:
    """Path of a new proposal, and a vote on it."""
    body = {"ministry": "mnd", "kind": "promotion", "object": f"model:{model}/1", "target": target}
    body |= {"reason": "It is better", "evidenceEndsAt": iso_time(site.place.now + 60 * DAY)}
    found = site.ask("lee", "POST", "/v1/approvals", body)
    assert found.is_done, found
    return f"/v1/ministries/mnd/approvals/{found.document['id']}", {"digest": found.document["digest"]}


def logged(site: Site, action: str, object_: str) -> int:
    """How often it was done."""
    query = select(func.count()).where(
        audit_entries.c.action == action, audit_entries.c.object == object_, audit_entries.c.outcome == "done"
    )
    with site.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(one.status_code for one in answers)


# -- at one moment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(ROUNDS))
def test_two_who_approve_at_once_are_two_and_what_they_approved_is_done_once(site: Site, number: int) -> None:
    one, other = site.replicas
    path, vote = proposed(site, f"race-{number}")
    yes = f"{path}/approve"
    answers = at_once(
        asking(site, one, "ann", yes, vote),
        asking(site, other, "bae", yes, vote),
        asking(site, other, "ann", yes, vote),  # the same person once more, on the other replica
    )
    assert statuses(answers) == [200, 200, 200], [one.text for one in answers]
    found = site.ask("lee", "GET", path).document
    assert sorted(one["person"] for one in found["votes"]) == ["ann", "bae"]
    answers = at_once(*(asking(site, one, "lee", f"{path}/apply") for one in site.replicas * 2))
    assert statuses(answers) == [200] * 4, [one.text for one in answers]
    object_ = f"approval:{found['id']}"
    assert logged(site, "approval.approve", object_) == 2
    assert logged(site, "approval.carry-out", object_) == 1
    assert site.place.aliases("good-1")[f"race-{number}"] == 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_a_no_and_a_second_yes_at_once_one_counts(site: Site, number: int) -> None:
    one, other = site.replicas
    path, vote = proposed(site, f"split-{number}")
    assert site.ask("ann", "POST", f"{path}/approve", vote).is_done
    yes, no = at_once(
        asking(site, one, "bae", f"{path}/approve", vote),
        asking(site, other, "cho", f"{path}/reject", vote | {"reason": "Not yet"}),
    )
    state = site.ask("lee", "GET", path).document["state"]
    done = site.ask("lee", "POST", f"{path}/apply")
    if no.status_code == 200:
        assert state == "rejected"
        assert not done.is_done
        assert f"split-{number}" not in site.place.aliases("good-1")
    else:
        assert (yes.status_code, state) == (200, "approved")
        assert done.is_done


@pytest.mark.parametrize("number", range(1, ROUNDS + 1))
def test_a_model_that_is_stopped_while_it_is_promoted_has_no_alias(site: Site, number: int) -> None:
    one, other = site.replicas
    path, vote = proposed(site, "production", f"bad-{number}")
    for person in ("ann", "bae"):
        assert site.ask(person, "POST", f"{path}/approve", vote).is_done
    stop = {"ministry": "mnd", "name": f"bad-{number}", "version": 1, "reason": "It says what it should not"}
    applied, stopped, again = at_once(
        asking(site, one, "lee", f"{path}/apply"),
        asking(site, other, "acc", "/v1/suspensions", stop),
        asking(site, one, "acc", "/v1/suspensions", stop),
    )
    assert (stopped.status_code, again.status_code) == (201, 201), (stopped.text, again.text)
    assert stopped.json()["id"] == again.json()["id"]
    assert applied.status_code in (200, 403, 409), applied.text
    assert site.place.aliases(f"bad-{number}") == {}
    assert logged(site, "model.suspend", f"model:bad-{number}/1") == 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_request_that_comes_to_both_at_once_is_carried_out_once(site: Site, number: int) -> None:
    name, key = f"twice-{number}", f"key-{number}"
    body = {"text": PIPELINE.format(name=name)}
    answers = at_once(*(asking(site, one, "kim", "/v1/runs", body, key) for one in site.replicas * 2))
    found = {one.json()["run"]["id"] for one in answers}
    assert statuses(answers) == [200, 200, 200, 201], [one.text for one in answers]
    assert len(found) == 1
    with site.database.read() as connection:
        count = connection.execute(select(func.count()).where(runs.c.pipeline == name)).scalar_one()
    assert count == 1
    assert logged(site, "run.submit", f"run:{found.pop()}") == 1


def test_one_plan_that_two_submit_at_once_is_one_run(site: Site) -> None:
    site.workers.are_off.set()
    body = {"text": PIPELINE.format(name="same")}
    answers = at_once(*(asking(site, one, "kim", "/v1/runs", body, f"{one.name}") for one in site.replicas))
    site.workers.are_off.clear()
    assert statuses(answers) == [200, 201]
    assert len({one.json()["run"]["id"] for one in answers}) == 1


def test_a_correction_of_a_grant_that_comes_to_both_at_once_is_booked_once(site: Site) -> None:
    now = site.place.now
    order = {"id": "nap-race", "giver": "mnd", "receiver": "army", "programme": "nap", "accelerator": "H100"}
    order |= {"gpuHours": 100.0, "begins": now, "ends": now + 90 * DAY}
    given = at_once(*(asking(site, one, "lee", "/v1/grants", order) for one in site.replicas * 2))
    assert statuses(given) == [201] * 4, [one.text for one in given]
    path, change = "/v1/grants/nap-race/adjust", {"gpuHours": 7, "reason": "As agreed"}
    booked = at_once(*(asking(site, one, "lee", path, change, "k") for one in site.replicas * 2))
    assert statuses(booked) == [201] * 4, [one.text for one in booked]
    assert site.ask("lee", "GET", "/v1/grants/nap-race").document["grant"]["given"]["gpuHours"] == 107
    assert logged(site, "grant.give", "grant:nap-race") == 2, "in the log of each side"


def test_a_run_that_is_cancelled_on_both_at_once_is_cancelled_once(site: Site) -> None:
    site.workers.are_off.set()
    run = site.run_id(site.submit("cancelled"))
    answers = at_once(*(asking(site, one, "kim", f"/v1/runs/{run}/cancel", None, "c") for one in site.replicas * 2))
    site.workers.are_off.clear()
    assert statuses(answers) == [202] * 4, [one.text for one in answers]
    site.await_end(run, "cancelled")
    assert logged(site, "run.cancel", f"run:{run}") == 1
    answers = at_once(*(asking(site, one, "kim", f"/v1/runs/{run}/resume", None, "r") for one in site.replicas * 2))
    assert statuses(answers) == [202] * 4, [one.text for one in answers]
    site.await_end(run, "succeeded")
    assert logged(site, "run.resume", f"run:{run}") == 1
    late = site.ask("kim", "POST", f"/v1/runs/{run}/resume", headers={"Idempotency-Key": "r"})
    assert late.status == 202, "the answer to a request that comes again does not hang on what became of the run"


# -- one that stands still -------------------------------------------------------------------------------------------


def epoch(site: Site) -> int:
    with site.database.read() as connection:
        return int(connection.execute(select(leadership.c.epoch)).scalar_one())


@pytest.mark.parametrize("number", range(ROUNDS))
def test_one_key_for_two_cancels_at_once_is_one_cancel(site: Site, number: int) -> None:
    first, second = site.replicas
    runs_ = [site.run_id(site.submit(f"one-key-{number}-{which}")) for which in "ab"]
    answers = at_once(
        *(
            asking(site, replica, "kim", f"/v1/runs/{run}/cancel", {}, key=f"one-key-{number}")
            for replica, run in zip((first, second), runs_, strict=True)
        )
    )
    told = sorted((one.status_code, one.json().get("code", "")) for one in answers)
    assert told == [(202, ""), (422, "api.key-used-otherwise")]


def test_a_leader_that_stands_still_is_followed_and_writes_nothing_when_it_wakes(site: Site) -> None:
    stalled = site.await_leader()
    other = next(one for one in site.replicas if one is not stalled)
    site.workers.pause_s = 3.0
    found = [site.run_id(site.submit(f"stalled-{number}")) for number in range(3)]
    while not site.cluster.live:
        time.sleep(0.05)
    before = epoch(site)
    stalled.send(signal.SIGSTOP)
    try:
        body = {"text": PIPELINE.format(name="meanwhile")}
        answer = site.ask_once(other, "kim", "POST", "/v1/runs", body)  # who serves need not lead
        assert answer.status_code == 201, answer.text
        found.append(RunId(answer.json()["run"]["id"]))
        site.workers.pause_s = 0.1
        deadline = time.monotonic() + 4 * LEASE_S
        while site.leader() is not other:
            assert time.monotonic() < deadline, "nobody followed"
            time.sleep(0.1)
        for run in found:
            until_over(site, other, run)
    finally:
        stalled.send(signal.SIGCONT)
    deadline = time.monotonic() + LEASE_S
    while "drives the runs" not in stalled.said.rpartition("Started server")[2]:
        assert time.monotonic() < deadline, stalled.said[-2000:]
        time.sleep(0.1)
    assert epoch(site) == before + 1, "it does not lead again"
    assert site.leader() is other
    check_store(site, found, made_models(site.database))
    assert site.ask_once(stalled, "kim", "GET", f"/v1/runs/{found[0]}").json()["run"]["state"] == "succeeded"


def until_over(site: Site, replica: Replica, run: RunId) -> None:
    deadline = time.monotonic() + 60
    while site.ask_once(replica, "kim", "GET", f"/v1/runs/{run}").json()["run"]["state"] != "succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.1)
