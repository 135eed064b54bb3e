"""How often somebody may ask, by actor and by address; and who is told that the server is ready."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from starlette.responses import PlainTextResponse
from starlette.types import Scope

from bongsu.api.ending import Ending
from bongsu.api.problems import problem_response
from bongsu.api.readiness import Readiness
from bongsu.api.requests import Limited, Rate, key_of_address
from bongsu.domain.codes.identity import NOT_SIGNED_IN
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, requests_a_minute=8)
    yield made
    made.close()


def test_an_actor_who_asks_too_often_waits_and_others_do_not(place: ApiPlace) -> None:
    answers = [place.ask("kim", "GET", "/v1/me") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    refused = answers[-1]
    assert refused.json()["code"] == "api.too-many"
    assert 1 <= int(refused.headers["retry-after"]) <= 8
    assert place.ask("lee", "GET", "/v1/me").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_an_address_from_which_nobody_signs_in_is_counted(place: ApiPlace, headers: dict[str, str]) -> None:
    found = [place.http.get("/v1/me", headers=headers).status_code for _ in range(4)]
    assert found == [401, 401, 429, 429]
    assert place.ask("kim", "GET", "/v1/me").status_code == 200, "who signs in is counted by name"


def test_what_retry_after_says_is_enough() -> None:
    now = 0.0
    rate = Rate(8, lambda: now)
    for _ in range(2):
        rate.take("x")
    for _ in range(5):  # asking again and again costs nothing more
        with pytest.raises(BongsuError) as refused:
            rate.take("x")
    now += refused.value.problems[0].args["seconds"]
    rate.take("x")


def test_many_threads_get_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = Rate(4000, lambda: 0.0)  # holds a thousand
    taken, refused = [], []

    def ask() -> None:
        for _ in range(200):
            try:
                rate.take("x")
                taken.append(1)
            except BongsuError:
                refused.append(1)

    import sys

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert (len(taken), len(refused)) == (1000, 2200)


def test_an_application_with_a_door_of_its_own_is_limited_by_actor_and_by_address() -> None:
    async def who(scope: Scope) -> Actor | BongsuError | None:
        name = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        if name.startswith("forged"):
            return NOT_SIGNED_IN.error()
        return Actor(f"mnd/{name}", name) if name else None

    app = FastAPI()
    app.mount("/mlflow", Limited(PlainTextResponse("there"), Rate(8), who, problem_response))
    client = TestClient(app)
    mine, yours = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
    assert [client.get("/mlflow/x", headers=mine).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/mlflow/x", headers=yours).status_code == 200
    # Whoever makes up tokens, another one each time, is one stranger.
    made_up = [{"Authorization": f"Bearer forged-{number}"} for number in range(3)]
    assert [client.get("/mlflow/x", headers=one).status_code for one in made_up] == [200, 200, 429]
    assert client.get("/mlflow/x", headers=yours).status_code == 200
    refused = client.get("/mlflow/x")
    assert refused.json()["code"] == "api.too-many"
    assert "retry-after" in refused.headers


def test_strangers_push_nobody_out_who_has_signed_in() -> None:
    rate = Rate(8, lambda: 0.0)
    for _ in range(2):
        rate.take("actor mnd/kim")
    for number in range(20_000):
        rate.take(f"address {number}")
    with pytest.raises(BongsuError):
        rate.take("actor mnd/kim")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("testclient", "testclient", True),
    ],
)
def test_a_network_of_ipv6_is_one_place(one: str, other: str, same: bool) -> None:
    assert (key_of_address({"client": (one, 1)}) == key_of_address({"client": (other, 2)})) == same


# -- readiness ---------------------------------------------------------------------------------------------


def test_ready_is_who_has_the_schema_of_this_version(place: ApiPlace) -> None:
    assert place.http.get("/readyz").status_code == 200
    with place.platform.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert place.http.get("/readyz").status_code == 503
    assert place.http.get("/healthz").status_code == 200


def test_who_is_ending_is_not_ready_and_alive(place: ApiPlace) -> None:
    place.app.state.ending.begin()
    assert place.http.get("/readyz").json() == {"status": "not ready"}
    assert place.http.get("/healthz").status_code == 200


def test_a_database_that_fails_or_hangs_is_no_readiness_and_questions_do_not_pile_up() -> None:
    looks, over = [], []
    go_on = threading.Event()

    def look() -> bool:
        looks.append(1)
        over.append(go_on.wait(60))
        raise RuntimeError("it fails")

    async def asked() -> tuple[list[bool], int]:
        readiness = Readiness(look, Ending(), patience_s=0.2)
        found = await asyncio.gather(*(readiness() for _ in range(50)))
        found += [await readiness()]
        early = len(over)
        go_on.set()
        return [*found, await readiness()], early

    found, early = asyncio.run(asked())
    assert not any(found)
    assert early == 0, "all were answered while the database was still silent"
    assert len(looks) <= 2


def test_it_is_ready_again_once_the_database_is(place: ApiPlace) -> None:
    answers = iter([False, True])

    async def asked() -> list[bool]:
        readiness = Readiness(lambda: next(answers), Ending())
        return [await readiness(), await readiness()]

    assert asyncio.run(asked()) == [False, True]
