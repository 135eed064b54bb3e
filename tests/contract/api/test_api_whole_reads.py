"""Who has all bytes of a model read waits for it alone: the server goes on answering, others come to their turn, and it
is done for those who are still there and still may."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_places import ApiPlace
from bundle_places import Giver
from live_api import served
from test_api_following import SOON_S, follow, soon

from bongsu.api.routes import audit
from bongsu.api.whole_reads import MOST_OF_ONE, MOST_READ
from bongsu.artifacts.local import LocalReader
from bongsu.artifacts.readers import OF_ONE, Readers
from bongsu.domain.approval import ProposalKind
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.service.governance import carrying_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose

CHECK = "/v1/ministries/mnd/launch-check?kind=transfer&object=model:axk1/1&target=army"
BUNDLE = "/v1/ministries/mnd/models/axk1/1/bundle?target=army"

LOG_CHECK = "/v1/ministries/mnd/audit/check"
LOG_EXPORT = "/v1/ministries/mnd/audit/export"


class SlowPlace(Giver, ApiPlace):
    """Where a model is read to its end when a test says so.

    Attributes:
    go: set when the store answers.
    begun: how often it was asked to read a whole tree.
    at_once: how often at this moment.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Label.parse("S"))
        self.go = threading.Event()
        self.begun = self.at_once = self.most = 0
        self._counting = threading.Lock()

    def identify(self, token: str) -> Actor:
        return self.actor(token)

    def wait(self) -> None:
        with self._counting:
            self.begun += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        assert self.go.wait(4 * SOON_S)
        with self._counting:
            self.at_once -= 1

    def let_read(self, of_one: int, of_all: int) -> None:
        base = replace(self.plane.base, readers=Readers(of_one, of_all))
        self.plane = self.app.state.plane = replace(self.plane, base=base)

    def is_full(self, person: str) -> bool:
        """Whether no more may be read for them. Takes the place of nobody."""
        try:
            self.plane.base.readers.check(person)
        except BongsuError:
            return True
        return False

    def has_room(self, person: str, count: int) -> bool:
        """Whether so much more may be read for them; asked when nobody comes any more."""
        with ExitStack() as held:
            for _ in range(count):
                if self.is_full(person):
                    return False
                held.enter_context(self.plane.base.readers.one_more(person))
        return True

    def proposed(self, kind: ProposalKind, object_: str, target: str, person: str = "lee") -> str:
        """The address of a proposal that two have approved."""
        wish = ProposalRequest("mnd", kind, object_, target, "It is better", self.now + 86400.0)
        made = propose(self.platform, self.actor(person), wish)
        for one in ("ann", "bae"):
            approve(self.platform, self.actor(one), made.id, made.binding.digest)
        return f"/v1/ministries/mnd/approvals/{made.id}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowPlace]:
    made = SlowPlace(tmp_path)
    whole = LocalReader.verify

    def verify(reader: LocalReader) -> None:
        made.wait()
        whole(reader)

    monkeypatch.setattr(LocalReader, "verify", verify)
    yield made
    made.go.set()
    made.close()


def ask(url: str, path: str, person: str = "kim", method: str = "GET") -> httpx.Response:
    headers = {"Authorization": f"Bearer {person}", "Accept-Language": "en"}
    return httpx.request(method, f"{url}{path}", headers=headers, timeout=4 * SOON_S, trust_env=False)


@pytest.fixture
def url(place: SlowPlace) -> Iterator[str]:
    with served(place) as found:
        yield found


@pytest.fixture
def begin(place: SlowPlace, url: str) -> Iterator[Callable[..., Future[httpx.Response]]]:
    """Asks something in a thread of its own."""
    with ThreadPoolExecutor(60) as threads:
        yield partial(threads.submit, ask, url)
        place.go.set()


@pytest.mark.parametrize("path", [CHECK, BUNDLE])
def test_forty_who_wait_for_a_store_that_blocks_hold_up_nobody(
    place: SlowPlace, url: str, begin: Callable[..., Future[httpx.Response]], path: str
) -> None:
    waiting = [begin(path) for _ in range(OF_ONE)]
    soon(lambda: place.begun == MOST_OF_ONE and place.is_full("kim"))
    assert ask(url, "/v1/me").status_code == 200
    refused = ask(url, path)
    assert (refused.status_code, refused.json()["code"]) == (429, "api.too-many-read"), "no more wait than may read"
    others = [begin(CHECK, person) for person in ("acc", "acc", "acc")]
    soon(lambda: place.begun == MOST_READ)
    assert ask(url, "/v1/me", "lee").status_code == 200
    place.go.set()
    assert {one.result().status_code for one in (*waiting, *others)} == {200}
    assert place.most == MOST_READ
    assert place.begun == OF_ONE + 3
    soon(lambda: place.has_room("kim", OF_ONE))


@pytest.mark.parametrize(("what", "path"), [("check_log", LOG_CHECK), ("export", LOG_EXPORT)])
def test_forty_who_wait_for_a_log_to_be_read_hold_up_nobody(
    place: SlowPlace,
    url: str,
    begin: Callable[..., Future[httpx.Response]],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    path: str,
) -> None:
    whole = getattr(audit, what)

    def slowly(*given: Any) -> Any:
        place.wait()
        return whole(*given)

    monkeypatch.setattr(audit, what, slowly)
    waiting = [begin(path, "aud") for _ in range(OF_ONE)]
    soon(lambda: place.begun == MOST_OF_ONE and place.is_full("aud"))
    assert ask(url, "/v1/me").status_code == 200
    refused = ask(url, path, "aud")
    assert (refused.status_code, refused.json()["code"]) == (429, "api.too-many-read")
    place.go.set()
    assert {one.result().status_code for one in waiting} == {200}
    assert place.most == MOST_OF_ONE
    soon(lambda: place.has_room("aud", OF_ONE))


def test_a_log_is_read_while_models_wait_for_each_other(
    place: SlowPlace, url: str, begin: Callable[..., Future[httpx.Response]]
) -> None:
    models = [begin(CHECK, person) for person in ("kim", "kim", "acc", "acc")]
    soon(lambda: place.begun == MOST_READ)
    assert ask(url, LOG_CHECK, "aud").status_code == 200
    place.go.set()
    assert {one.result().status_code for one in models} == {200}


@pytest.mark.parametrize("path", [CHECK, BUNDLE])
def test_for_who_leaves_before_their_turn_nothing_is_read(place: SlowPlace, url: str, path: str) -> None:
    opened = [follow(url, path) for _ in range(10)]
    soon(lambda: place.begun == MOST_OF_ONE)
    for one in opened:
        one.close()
    soon(lambda: place.has_room("kim", OF_ONE - MOST_OF_ONE))
    place.go.set()
    soon(lambda: place.has_room("kim", OF_ONE))
    assert place.begun == MOST_OF_ONE


def test_a_bundle_counts_as_read_from_before_its_model_is_read(
    place: SlowPlace, url: str, begin: Callable[..., Future[httpx.Response]]
) -> None:
    place.let_read(1, 3)
    first = begin(BUNDLE)
    soon(lambda: place.begun == 1)
    before = place.log()
    refused = ask(url, BUNDLE)
    assert (refused.status_code, refused.json()["code"]) == (429, "api.too-many-read")
    assert place.log() == before, "nothing was given, and nothing says so"
    place.go.set()
    assert len(first.result().content) == int(first.result().headers["content-length"])
    soon(lambda: place.has_room("kim", 1))


@pytest.mark.parametrize("path", [CHECK, BUNDLE])
def test_it_counts_what_somebody_may_when_their_turn_comes(
    place: SlowPlace, url: str, begin: Callable[..., Future[httpx.Response]], path: str
) -> None:
    place.let_read(2, 10)
    others = [begin(CHECK, person) for person in ("acc", "acc", "dc", "dc")]
    soon(lambda: place.begun == MOST_READ)
    late = [begin(path) for _ in range(2)]
    soon(lambda: place.is_full("kim"))
    time.sleep(0.5)  # they come to wait for their turn
    place.disable("kim")
    place.go.set()
    for one in late:
        answer = one.result()
        assert (answer.status_code, answer.json()["code"]) == (401, "identity.not-signed-in")
    assert [one.result().status_code for one in others] == [200] * MOST_READ
    assert place.begun == MOST_READ
    soon(lambda: place.has_room("kim", 2))


def test_what_is_carried_out_waits_for_its_turn_only_if_a_model_is_read_for_it(
    place: SlowPlace, url: str, begin: Callable[..., Future[httpx.Response]]
) -> None:
    promotions = [
        place.proposed(ProposalKind.PROMOTION, "model:axk1/1", alias)
        for alias in ("production", "staging", "candidate")
    ]
    place.add_dataset("orders", place.tree("orders"), Label.parse("S"))
    downgrade = place.proposed(ProposalKind.DOWNGRADE, "dataset:orders/1", "O", "dc")
    waiting = [begin(f"{one}/apply", "lee", "POST") for one in promotions]
    soon(lambda: place.begun == MOST_OF_ONE)
    assert ask(url, f"{downgrade}/apply", "dc", "POST").status_code == 200, "of which nothing is read"
    assert place.aliases() == {}
    place.go.set()
    assert [one.result().status_code for one in waiting] == [200] * 3
    assert set(place.aliases()) == {"production", "staging", "candidate"}
    assert place.begun == 3
    again = ask(url, f"{promotions[0]}/apply", "lee", "POST")
    assert (again.status_code, json.loads(again.content)["state"]) == (200, "carried-out")
    assert place.begun == 3, "done twice it is done once"


def test_a_model_is_read_though_its_last_approval_comes_in_between(
    place: SlowPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.go.set()
    path = place.proposed(ProposalKind.PROMOTION, "model:axk1/1", "production")
    looks: list[Any] = [False]
    known = carrying_out._is_ready
    monkeypatch.setattr(carrying_out, "_is_ready", lambda *given: looks.pop() if looks else known(*given))
    assert place.ask("lee", "POST", f"{path}/apply").status_code == 200
    assert (looks, place.begun) == ([], 1)
    assert place.aliases() == {"production": 1}
