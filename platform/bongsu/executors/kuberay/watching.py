"""What a cluster has, kept up to date: each kind in a namespace is listed once and watched from there on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from bongsu.executors.kuberay.api import Gone, Kind, Listed
from bongsu.executors.kuberay.facts import Document

AGAIN_S = (0.5, 15.0)
"""After a failure it is tried again, at first and at last after so many seconds."""
_log = logging.getLogger("bongsu.executors.kuberay")


class Watchable(Protocol):
    """The part of :class:`bongsu.executors.kuberay.api.Api` that this needs."""

    def list(self, kind: Kind, namespace: str) -> Listed: ...

    def watch(self, kind: Kind, namespace: str, version: str) -> Iterator[tuple[str, Document]]: ...


class Watched:
    """Objects of a kind in a namespace.

    Args:
        api: to ask.
        kind, namespace: what of.
        on_change: called after each change, in the thread of the watch.
        monotonic: seconds.
    """

    def __init__(
        self,
        api: Watchable,
        kind: Kind,
        namespace: str,
        on_change: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._kind, self._namespace = api, kind, namespace
        self._on_change, self._monotonic = on_change, monotonic
        self._lock = threading.Lock()
        self._objects: dict[str, Document] = {}
        self._is_over = threading.Event()
        self._listed = threading.Event()
        self._silent_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch-{kind.plural}-{namespace}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """It looks no more; a watch that is open ends by itself."""
        self._is_over.set()

    def await_list(self, timeout_s: float) -> bool:
        """Whether everything was listed once, at the latest after so many seconds."""
        return self._listed.wait(timeout_s)

    def silent_s(self) -> float:
        """For how long the server has not answered; 0.0 while it does."""
        since = self._silent_since
        return 0.0 if since is None else self._monotonic() - since

    def get(self, name: str) -> Document | None:
        with self._lock:
            return self._objects.get(name)

    def all(self) -> list[Document]:
        with self._lock:
            return list(self._objects.values())

    def note(self, document: Document) -> None:
        """What the server said of an object when it was changed from here, if no more is known of it yet."""
        with self._lock:
            name = document["metadata"]["name"]
            known = self._objects.get(name)
            if known is None or _version(known) < _version(document):
                self._objects[name] = document

    # -- inside ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause, longest = AGAIN_S
        while not self._is_over.is_set():
            try:
                self._list_and_watch()
                pause = AGAIN_S[0]
            except Exception as error:  # of whatever kind: without this thread nobody would hear of a change again
                if self._is_over.is_set():
                    return
                is_mistake = not isinstance(error, OSError)
                if self._silent_since is None or is_mistake:
                    said = "%s in %s cannot be watched: %s"
                    _log.warning(said, self._kind.plural, self._namespace, error, exc_info=is_mistake)
                self._silent_since = self._silent_since or self._monotonic()
                self._on_change()
                self._is_over.wait(pause)
                pause = min(longest, pause * 2)

    def _list_and_watch(self) -> None:
        listed = self._api.list(self._kind, self._namespace)
        with self._lock:
            known = self._objects
            self._objects = {one["metadata"]["name"]: one for one in listed.objects}
            # What was made from here while the list was on its way is not in it.
            for name, document in known.items():
                if name not in self._objects and _version(document) > int(listed.version):
                    self._objects[name] = document
        self._silent_since = None
        self._listed.set()
        self._on_change()
        version = listed.version
        while not self._is_over.is_set():
            try:
                for what, document in self._api.watch(self._kind, self._namespace, version):
                    version = document["metadata"]["resourceVersion"]
                    if what != "BOOKMARK":
                        self._take(what, document)
                    if self._is_over.is_set():
                        return
            except Gone:
                return

    def _take(self, what: str, document: Document) -> None:
        name = document["metadata"]["name"]
        with self._lock:
            if what == "DELETED":
                self._objects.pop(name, None)
            else:
                self._objects[name] = document
        self._on_change()


def _version(document: Document) -> int:
    """Of the whole store, which counts its changes; opaque to clients until Kubernetes 1.35, which says that they
    compare as numbers."""
    return int(document["metadata"].get("resourceVersion", 0))
