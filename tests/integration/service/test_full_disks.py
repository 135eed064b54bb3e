"""Disks that are full: the database's, and that of a replica's home. What was acknowledged stands, what cannot be
written is told as such, and with room again everything goes on by itself."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from postgres_server import PostgresServer
from reconciler_invariants import check_store
from replicas import PIPELINE, Site, site_over
from small_disks import SmallDisk, small_disk
from store_places import empty_database


@pytest.fixture
def on_postgres(own_postgres: PostgresServer, tmp_path: Path) -> Iterator[tuple[Site, SmallDisk]]:
    """A site whose database lies on a small disk; the server's log lies elsewhere, or it would end."""
    folder = own_postgres.data.parent / f"tables-{tmp_path.name}"
    folder.mkdir()
    with ExitStack() as undo:
        disk = undo.enter_context(small_disk(folder, 24))
        owner = own_postgres.data.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        url = own_postgres.new_database()
        undo.callback(own_postgres.drop_database, url)
        name = url.rpartition("/")[2]
        own_postgres.execute(f"CREATE TABLESPACE {name}_small LOCATION '{folder}'")
        own_postgres.execute(f"ALTER DATABASE {name} SET TABLESPACE {name}_small")
        site = undo.enter_context(site_over(url, tmp_path))
        yield site, disk
        assert not site.broken


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[tuple[Site, SmallDisk]]:
    """A site of one server, whose home is a small disk."""
    home = tmp_path / "replica-0"
    home.mkdir(mode=0o700)
    with small_disk(home, 16) as disk:
        (home / "bongsu.db").write_bytes(empty_database())
        with site_over(f"sqlite:///{home / 'bongsu.db'}", tmp_path, count=1) as site:
            yield site, disk
            assert not site.broken


@pytest.fixture(params=["on_postgres", "on_sqlite"])
def place(request: pytest.FixtureRequest) -> tuple[Site, SmallDisk]:
    found: tuple[Site, SmallDisk] = request.getfixturevalue(request.param)
    return found


def until(told: Callable[[], bool], words: str, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not told():
        assert time.monotonic() < deadline, words
        time.sleep(0.05)


def submit_once(site: Site, name: str) -> httpx.Response:
    body = {"text": PIPELINE.format(name=name)}
    return site.ask_once(site.replicas[0], "kim", "POST", "/v1/runs", body, {"Idempotency-Key": name})


def test_a_database_without_room_refuses_and_loses_nothing(place: tuple[Site, SmallDisk]) -> None:
    site, disk = place
    site.workers.are_off.set()
    found = [site.run_id(site.submit(f"before-{number}")) for number in range(2)]
    until(lambda: bool(site.cluster.live), "nothing is launched")
    disk.fill()
    acknowledged = []
    for number in range(200):  # pages that are there already have some room
        answer = submit_once(site, f"full-{number}")
        if answer.status_code == 503:
            break
        assert answer.status_code == 201, answer.text
        acknowledged.append(answer.json()["run"]["id"])
    assert answer.status_code == 503, "the disk is full"
    assert answer.json()["code"] == "run.database-full"
    assert int(answer.headers["retry-after"]) > 0
    refused = f"full-{number}"
    site.workers.are_off.clear()  # what runs ends, and nobody can write it down
    assert site.ask_once(site.replicas[0], "kim", "GET", f"/v1/runs/{found[0]}").status_code == 200
    time.sleep(2)
    disk.make_room()
    late = site.run_id(site.submit(refused, refused))
    for run in (*found, *acknowledged, late):
        site.await_end(run, "succeeded")
    check_store(site, [*found, *acknowledged, late])
    for replica in site.replicas:
        assert replica.is_ready()


def test_files_for_which_a_home_has_no_room_are_refused_and_taken_later(on_sqlite: tuple[Site, SmallDisk]) -> None:
    site, disk = on_sqlite
    disk.fill()

    def send() -> httpx.Response:
        headers = {"Authorization": f"Bearer {site.issuer.token('kim')}", "Accept-Language": "en"}
        url = f"{site.replicas[0].url}/v1/ministries/mnd/artifacts?title=notes"
        return httpx.post(url, content=archive(), headers=headers, timeout=30, trust_env=False)

    refused = send()
    assert refused.status_code == 503, refused.text
    assert refused.json()["code"] == "artifact.no-space"
    disk.make_room()
    assert send().status_code == 201
    assert not list(site.replicas[0].home.glob("bongsu-upload-*")), "nothing is left of what was refused"


def archive() -> bytes:
    """A text of 300 kB."""
    whole, text = io.BytesIO(), b"note\n" * 60_000
    with tarfile.open(fileobj=whole, mode="w") as tar:
        entry = tarfile.TarInfo("notes.txt")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return whole.getvalue()
