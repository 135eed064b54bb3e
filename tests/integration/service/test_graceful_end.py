"""A server that is asked to end, under load: nothing that it said yes to is lost, and nobody is told of a failure."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import httpx
from api_places import PIPELINE
from served_process import ServedProcess, served
from store_places import open_at

from bongsu.reconciler.lock import FileLock
from bongsu.store.history import DRIVING, events_of
from bongsu.store.runs import get_run
from bongsu.store.scope import EVERYTHING

WRITERS = 6


class Load:
    """People who submit runs, one after the other, until the server does not take connections any more."""

    def __init__(self, server: ServedProcess) -> None:
        self._server = server
        self.taken: list[str] = []
        self.statuses: list[int] = []
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(60)

    def _write(self, number: int) -> None:
        count = 0
        while True:
            count += 1
            text = PIPELINE.replace("name: checks", f"name: load-{number}-{count}")
            try:
                with self._server.client() as client:
                    response = client.post(
                        "/v1/runs", json={"text": text}, headers={"Idempotency-Key": f"{number}-{count}"}
                    )
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                continue  # cut off before an answer: nothing was promised
            self.statuses.append(response.status_code)
            if response.status_code < 300:
                self.taken.append(response.json()["run"]["id"])


def test_no_acknowledged_write_is_lost_and_nothing_fails_while_it_ends(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        with Load(server) as load:
            deadline = time.monotonic() + 30
            while len(load.taken) < 3 * WRITERS and time.monotonic() < deadline:
                time.sleep(0.05)
            server.ask_to_end()
        assert server.wait() < 20
        assert server.process.returncode in (0, -15)
    assert len(load.taken) >= 3 * WRITERS
    assert {status for status in load.statuses if status >= 400} == set()
    database = open_at(tmp_path)
    with database.read(EVERYTHING) as connection:
        there = [get_run(connection, run).id for run in load.taken]  # one that is lost raises
        acts = {
            run: [one.body["act"] for one in events_of(connection, run) if one.type == DRIVING] for run in there
        }
    database.close()
    assert all(found in ([], ["begins", "ends"]) for found in acts.values()), "a leader says when it stops"
    assert ["begins", "ends"] in acts.values()
    with FileLock(tmp_path / "server.lock"):
        pass  # the leader gave its lock back


def test_it_is_not_ready_at_once_and_takes_connections_while_others_notice(tmp_path: Path) -> None:
    with served(tmp_path, DRAIN="3") as server, server.client() as client:
        assert client.get("/readyz").status_code == 200
        server.ask_to_end()
        deadline = time.monotonic() + 20
        while client.get("/readyz").status_code != 503:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with server.client() as another:
            assert another.get("/readyz").status_code == 503
            assert another.get("/healthz").status_code == 200
            assert another.get("/v1/runs").status_code == 200
        server.wait()


def test_streams_end_with_a_hint_to_come_back_and_with_no_end_of_their_own(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        run = client.post("/v1/runs", json={"text": PIPELINE}).json()["run"]["id"]
        lines: list[str] = []
        headers = {"Accept": "text/event-stream"}
        with client.stream("GET", f"/v1/runs/{run}/events", headers=headers) as response:
            for line in response.iter_lines():
                lines.append(line)
                if line.startswith("event: attempt-requested"):
                    server.ask_to_end()
        assert server.wait() < 8, "nobody waits for a stream"
    assert lines[0] == "retry: 2000"
    assert [line for line in lines if line][-1] == "retry: 2000"
    assert "event: end" not in lines
    numbers = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_log_that_is_followed_is_cut_off_and_not_ended(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        run = client.post("/v1/runs", json={"text": PIPELINE}).json()["run"]["id"]
        failure: list[Exception] = []
        following = threading.Semaphore(0)

        def follow(path: str) -> None:
            try:
                with server.client() as mine, mine.stream("GET", path) as response:
                    following.release()
                    list(response.iter_lines())
            except httpx.RemoteProtocolError as error:
                failure.append(error)

        until = time.monotonic() + 20
        while client.get(f"/v1/runs/{run}").json()["stages"][0]["state"] != "running":
            assert time.monotonic() < until
            time.sleep(0.1)
        paths = [f"/v1/runs/{run}/logs?follow=true", f"/v1/runs/{run}/stages/a/logs?follow=true&attempt=1"]
        threads = [threading.Thread(target=follow, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert following.acquire(timeout=20)
        server.ask_to_end()
        assert server.wait() < 12
        for thread in threads:
            thread.join(10)
        assert len(failure) == 2, "whoever reads must not take it for the whole"
        errors = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        assert not [
            line for line in errors if line["level"] == "error" and "returned without" not in line["message"]
        ]
