"""Uploads from first byte to last: what their sender may is looked at again, and who leaves costs little."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import anyio.to_thread
import pytest
from api_places import ApiPlace
from bundle_places import Giver, bundled, document_of
from fastapi import FastAPI, Request
from governed_places import OPEN, SENSITIVE, STAFF
from sqlalchemy import delete, update
from starlette.requests import ClientDisconnect

from bongsu.api.app import _most_of
from bongsu.api.body_rates import LeastRate
from bongsu.api.problems import problem_response
from bongsu.api.requests import Bounded
from bongsu.api.uploads import MOST_OF_ONE, MOST_TAKEN, Intake
from bongsu.domain.labels import Label
from bongsu.domain.people import Role
from bongsu.domain.problems import BongsuError
from bongsu.service.unpacking import SenderLeft
from bongsu.store.schema_people import memberships, people

FILES = "/v1/ministries/mnd/artifacts"
BUNDLES = "/v1/ministries/army/model-bundles"
Change = Callable[[ApiPlace, str], None]


class Api(Giver, ApiPlace):
    """Which has a bundle to give, too."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    made = Api(tmp_path, Label.parse("S"))
    made.add_person("eng", "mnd", Role.ENGINEER, SENSITIVE)
    monkeypatch.setitem(STAFF, "eng", ("mnd", Role.ENGINEER))
    yield made
    made.close()


def archive(text: str = "# plans\n") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        member = tarfile.TarInfo("README.md")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    return held.getvalue()


class Sender:
    """Sends a body in two pieces, and does something between them."""

    def __init__(self, place: ApiPlace, person: str, path: str, body: bytes, **query: Any) -> None:
        self._place = place
        self._parts = [body[:100], body[100:]]
        self._scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": urlencode({"title": "plans"} | query, doseq=True).encode(),
            "headers": [(b"authorization", f"Bearer {person}".encode()), (b"accept-language", b"en")],
            "client": ("10.0.0.1", 1),
            "server": ("testserver", 80),
        }

    def answer(self, between: Callable[[], None] = lambda: None, leaves: bool = False) -> tuple[int, str]:
        """Status and body. With ``leaves``, they are gone once all was sent."""
        return asyncio.run(self._answer(between, leaves))

    async def _answer(self, between: Callable[[], None], leaves: bool) -> tuple[int, str]:
        parts = list(self._parts)
        said: list[Any] = []

        async def receive() -> Any:
            if not parts:
                if not leaves:
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}
            if len(parts) == 1:
                await asyncio.to_thread(between)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Any) -> None:
            said.append(message)

        await self._place.app(self._scope, receive, send)
        return said[0]["status"], b"".join(one.get("body", b"") for one in said).decode()


def disabled(place: ApiPlace, person: str) -> None:
    place.disable(person)


def without_a_role(place: ApiPlace, person: str) -> None:
    with place.platform.write() as connection:
        connection.execute(delete(memberships).where(memberships.c.person == person))


def another_role(place: ApiPlace, person: str) -> None:
    with place.platform.write() as connection:
        connection.execute(
            update(memberships).where(memberships.c.person == person).values(role=Role.AUDITOR.value)
        )


def lowered(place: ApiPlace, person: str) -> None:
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == person).values(clearance=str(OPEN)))


def known(place: ApiPlace, person: str = "acc") -> int:
    """How many artifacts of their ministry."""
    found: int = len(place.ask(person, "GET", "/v1/artifacts").json()["items"])
    return found


EACH_CHANGE = pytest.mark.parametrize(
    ("change", "told"),
    [
        (disabled, (401, "identity.not-signed-in")),
        (without_a_role, (404, "access.not-a-member")),
        (another_role, (403, "access.forbidden")),
        (lowered, (403, "access.above-clearance")),
    ],
)


@EACH_CHANGE
def test_of_files_it_counts_what_their_sender_may_once_all_are_there(
    place: ApiPlace, change: Change, told: tuple[int, str]
) -> None:
    before = known(place)
    sender = Sender(place, "eng", FILES, archive("# secret plans\n"), label="S")
    status, body = sender.answer(lambda: change(place, "eng"))
    assert status == told[0], body
    assert told[1] in body
    assert known(place) == before


@EACH_CHANGE
def test_of_a_bundle_it_counts_what_its_sender_may_once_it_is_there(
    place: Api, change: Change, told: tuple[int, str]
) -> None:
    files = {"weights": bytes(3000)}
    keys = place.plane.log_keys()
    bundle = bundled(document_of(files, Label.parse("S"), keys), files, keys)
    named = list(map(str, keys.public("mnd")))  # type: ignore[arg-type]
    before = known(place, "army-acc")
    sender = Sender(place, "army-dc", BUNDLES, bundle, key=named)
    status, body = sender.answer(lambda: change(place, "army-dc"))
    assert status == told[0], body
    assert told[1] in body
    assert known(place, "army-acc") == before


def test_whoever_stays_as_they_are_is_answered(place: ApiPlace) -> None:
    status, body = Sender(place, "eng", FILES, archive()).answer()
    assert status == 201, body


def test_who_sent_which_bytes_is_on_record(place: ApiPlace) -> None:
    sent = [Sender(place, "eng", FILES, archive("# sent\n"), label=label).answer() for label in ("S", "S")]
    assert [status for status, _body in sent] == [201, 201]
    digest = json.loads(sent[0][1])["digest"]
    entries = [json.loads(row[2]) for row in place.log() if row[1] == "artifact.add"]
    assert [(one["actor"], one["outcome"], one["label"]) for one in entries] == [("eng", "done", "S")] * 2
    assert [(one["facts"]["digest"], one["facts"]["known"]) for one in entries] == [(digest, False), (digest, True)]


def test_for_who_leaves_nothing_is_kept(place: ApiPlace) -> None:
    before = known(place)
    status, _body = Sender(place, "eng", FILES, archive("# never\n")).answer(leaves=True)
    assert status == 400, "which nobody reads, and which is no failure of the server"
    assert known(place) == before
    assert list(place.folder.glob("bongsu-upload-*")) == []


def asked(gone: asyncio.Event) -> Request:
    """A request whose sender leaves at a moment."""

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


def test_few_uploads_are_unpacked_at_once_and_routes_keep_their_threads() -> None:
    intake, go = Intake(), threading.Event()
    alone, at_once, most = threading.Lock(), 0, 0

    def take(_has_left: Callable[[], bool]) -> str:
        nonlocal at_once, most
        with alone:
            at_once += 1
            most = max(most, at_once)
        go.wait(30)
        with alone:
            at_once -= 1
        return "taken"

    async def run() -> list[str]:
        stays = asyncio.Event()
        waiting = [asyncio.create_task(intake.take(asked(stays), f"mnd/{n}", take)) for n in range(45)]
        async with asyncio.timeout(20):
            while at_once < MOST_TAKEN:
                await asyncio.sleep(0.01)
            for _ in range(100):
                await anyio.to_thread.run_sync(lambda: None)
        go.set()
        return list(await asyncio.gather(*waiting))

    assert asyncio.run(run()) == ["taken"] * 45
    assert most == MOST_TAKEN


def test_who_leaves_while_others_are_unpacked_is_not_waited_for() -> None:
    intake, taken = Intake(), []

    def take(has_left: Callable[[], bool]) -> str:
        taken.append(None)
        while not has_left():
            threading.Event().wait(0.01)
        raise SenderLeft

    async def run() -> None:
        gone = asyncio.Event()
        under_way = [asyncio.create_task(intake.take(asked(gone), f"mnd/{n}", take)) for n in range(MOST_TAKEN)]
        async with asyncio.timeout(20):
            while len(taken) < MOST_TAKEN:
                await asyncio.sleep(0.01)
            left_at_once = asyncio.Event()
            left_at_once.set()
            with pytest.raises(ClientDisconnect):
                await intake.take(asked(left_at_once), "mnd/kim", take)
            assert len(taken) == MOST_TAKEN, "its turn never came"
            gone.set()
            ended = await asyncio.gather(*under_way, return_exceptions=True)
        assert [type(one) for one in ended] == [ClientDisconnect] * MOST_TAKEN

    asyncio.run(run())


def test_nobody_waits_for_one_who_sends_very_much() -> None:
    intake, go, begun = Intake(), threading.Event(), 0

    def slow(_has_left: Callable[[], bool]) -> str:
        nonlocal begun
        begun += 1
        go.wait(30)
        return "slow"

    async def run() -> list[str]:
        stays = asyncio.Event()
        many = [asyncio.create_task(intake.take(asked(stays), "mnd/kim", slow)) for _ in range(10)]
        async with asyncio.timeout(20):
            while begun < MOST_OF_ONE:
                await asyncio.sleep(0.01)
            assert await intake.take(asked(stays), "mnd/lee", lambda _has_left: "quick") == "quick"
        assert begun == MOST_OF_ONE
        go.set()
        return list(await asyncio.gather(*many))

    assert asyncio.run(run()) == ["slow"] * 10


def test_what_fails_is_told_as_it_is() -> None:
    def take(_has_left: Callable[[], bool]) -> str:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        asyncio.run(Intake().take(asked(asyncio.Event()), "mnd/kim", take))


@pytest.mark.parametrize(
    ("path", "status"), [(FILES, 408), (BUNDLES, 408), ("/mlflow/api/x", 408), ("/v1/runs", 200)]
)
def test_the_body_of_a_file_comes_at_a_least_rate(path: str, status: int) -> None:
    """Each piece comes in time."""
    said: list[Any] = []
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except BongsuError as error:
            told.append(error.problems[0].code.name)
            await problem_response(Request(scope), error)(scope, receive, send)

    async def run() -> None:
        sent = 0

        async def receive() -> Any:
            nonlocal sent
            await asyncio.sleep(0.05)
            sent += 1
            return {"type": "http.request", "body": b"x", "more_body": sent < 20}

        async def send(message: Any) -> None:
            said.append(message)

        bounded = Bounded(app, _most_of, lambda _path: False, problem_response, least=LeastRate(1000, 0.3))
        scope = {
            "type": "http",
            "path": path,
            "query_string": b"",
            "headers": [],
            "app": FastAPI(),
            "method": "POST",
        }
        await bounded(scope, receive, send)

    asyncio.run(run())
    assert said[0]["status"] == status
    assert told == (["api.below-least-rate"] if status == 408 else [])


def test_a_rate_is_that_of_the_time_in_which_a_body_is_waited_for() -> None:
    rate = LeastRate()
    assert rate.problem(0, rate.after_s) is None
    assert rate.problem(int(61 * rate.bytes_a_second), 61) is None
    slow = rate.problem(int(61 * rate.bytes_a_second) - 1, 61)
    assert slow is not None
    assert "at less than 4096 bytes a second" in str(slow)
