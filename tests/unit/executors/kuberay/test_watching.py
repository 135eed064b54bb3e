"""What is watched is what there is: through versions that are too old, silences, and changes made from here."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bongsu.executors.kuberay import watching
from bongsu.executors.kuberay.api import PODS, Gone, Kind, Listed
from bongsu.executors.kuberay.watching import Watched

SOON_S = 10.0


def thing(name: str, version: int, **rest: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version), **rest}}


class Server:
    """Answers lists in turn, and a watch with what is told it; ``asked`` is from which version each watch went on."""

    def __init__(self, *lists: Listed | OSError) -> None:
        self.lists = list(lists)
        self.told: queue.Queue[tuple[str, dict[str, Any]] | Exception | None] = queue.Queue()
        self.asked: list[str] = []

    def list(self, kind: Kind, namespace: str) -> Listed:
        found = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(found, OSError):
            raise found
        return found

    def watch(self, kind: Kind, namespace: str, version: str) -> Iterator[tuple[str, dict[str, Any]]]:
        self.asked.append(version)
        while (event := self.told.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AGAIN_S", (0.01, 0.02))


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    made: list[tuple[Watched, Server]] = []

    def started(server: Server, on_change: Callable[[], None] = lambda: None) -> Watched:
        watched = Watched(server, PODS, "bongsu-mnd", on_change)
        watched.start()
        made.append((watched, server))
        return watched

    yield started
    for watched, server in made:
        watched.close()
        server.told.put(None)


def soon(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def names(watched: Watched) -> set[str]:
    return {one["metadata"]["name"] for one in watched.all()}


def test_changes_are_taken_and_a_watch_that_ends_goes_on_from_the_last(watch: Callable[..., Watched]) -> None:
    server = Server(Listed([thing("a", 1), thing("b", 2)], "5"))
    watched = watch(server)
    assert watched.await_list(SOON_S)
    server.told.put(("ADDED", thing("c", 6)))
    server.told.put(("DELETED", thing("a", 7)))
    server.told.put(("BOOKMARK", {"metadata": {"resourceVersion": "9"}}))
    server.told.put(None)
    soon(lambda: server.asked == ["5", "9"])
    assert names(watched) == {"b", "c"}


def test_a_version_that_is_too_old_is_listed_anew(watch: Callable[..., Watched]) -> None:
    server = Server(Listed([thing("a", 1)], "5"), Listed([thing("b", 8)], "9"))
    watched = watch(server)
    server.told.put(Gone())
    soon(lambda: names(watched) == {"b"})
    soon(lambda: server.asked == ["5", "9"])


def test_a_server_that_is_silent_is_told_and_asked_again(watch: Callable[..., Watched]) -> None:
    changes: list[int] = []
    silent = OSError("away")
    server = Server(Listed([thing("a", 1)], "5"), silent, silent, Listed([thing("a", 1)], "6"))
    watched = watch(server, lambda: changes.append(1))
    assert watched.await_list(SOON_S)
    known = len(changes)
    server.told.put(OSError("broken off"))
    soon(lambda: len(changes) > known)
    assert names(watched) == {"a"}, "what was known is not forgotten"
    soon(lambda: server.asked == ["5", "6"])
    assert watched.silent_s() == 0.0


def test_a_server_that_was_never_there_lists_nothing(watch: Callable[..., Watched]) -> None:
    watched = watch(Server(OSError("away")))
    soon(lambda: watched.silent_s() > 0.0)
    assert not watched.await_list(0.01)


def test_what_is_made_from_here_is_there_before_the_watch_tells(watch: Callable[..., Watched]) -> None:
    server = Server(Listed([], "5"), Listed([], "5"), Listed([], "8"))
    watched = watch(server)
    assert watched.await_list(SOON_S)
    watched.note(thing("mine", 7))
    watched.note(thing("mine", 6, old=True))
    found = watched.get("mine")
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "7"
    server.told.put(Gone())
    soon(lambda: len(server.asked) == 2)
    assert names(watched) == {"mine"}, "the list is of before it was made"
    server.told.put(Gone())
    soon(lambda: names(watched) == set())


def test_a_mistake_of_ours_ends_no_watch(watch: Callable[..., Watched], caplog: pytest.LogCaptureFixture) -> None:
    server = Server(Listed([thing("a", 1)], "5"), Listed([thing("b", 8)], "9"))
    watched = watch(server)
    assert watched.await_list(SOON_S)
    server.told.put(("ADDED", {"metadata": {}}))
    soon(lambda: names(watched) == {"b"})
    assert "cannot be watched" in caplog.text
