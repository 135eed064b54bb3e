"""What a worker says, passed on to the artifact store while it works: for executors that cannot read its files."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.segments import Segments
from bongsu.domain.problems import BongsuError

EVERY_S = 2.0
PIECE_BYTES = 256 * 1024
LAST_TRIES_S = 30.0
_log = logging.getLogger("bongsu.stages")


class Tail:
    """The end of a file that grows, as far as it was not passed on yet."""

    def __init__(self, path: Path, segments: Segments) -> None:
        self._path, self._segments = path, segments
        self._at = 0

    def pass_on(self, *, to_the_end: bool = False) -> None:
        """Whole lines that came since the last time; with ``to_the_end`` what has no end of line as well, and longer
        lines than a piece in any case.

        Raises:
            OSError, BongsuError: the store does not take it now; what it did not take is passed on the next time.
        """
        while data := self._read(to_the_end):
            self._segments.append(data)
            self._at += len(data)

    def _read(self, to_the_end: bool) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read(PIECE_BYTES)
        except FileNotFoundError:
            return b""
        whole = data[: data.rfind(b"\n") + 1]
        return data if to_the_end or (len(data) == PIECE_BYTES and not whole) else whole


@contextmanager
def passing_on(
    store: ArtifactStore, streams: dict[str, Path], every_s: float = EVERY_S, last_tries_s: float = LAST_TRIES_S
) -> Iterator[None]:
    """Pass files on while the block goes on, and what is left of them at its end.

    A store that does not answer keeps no stage from its work: what it did not take is tried again, and at the end for
    ``last_tries_s`` seconds more.

    Args:
        store: of the attempt.
        streams: files by the names of their streams.
        every_s: how often, in seconds.
        last_tries_s: how long the end may take.
    """
    tails = [Tail(path, Segments(store, name)) for name, path in streams.items()]
    is_over = threading.Event()
    # A stage's own threads may have masked signals or changed their priority; this one is nobody's.
    thread = threading.Thread(
        target=_pass_on, args=(tails, is_over, every_s, last_tries_s), name="passing-on", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(last_tries_s + every_s)


def _pass_on(tails: list[Tail], is_over: threading.Event, every_s: float, last_tries_s: float) -> None:
    while not is_over.wait(every_s):
        _tried(tails, to_the_end=False)
    ends = time.monotonic() + last_tries_s
    while not _tried(tails, to_the_end=True) and time.monotonic() < ends:
        time.sleep(min(every_s, 1.0))


def _tried(tails: list[Tail], *, to_the_end: bool) -> bool:
    taken = True
    for tail in tails:
        try:
            tail.pass_on(to_the_end=to_the_end)
        except (OSError, BongsuError) as error:
            _log.warning("the artifact store does not take what this worker says: %s", error)
            taken = False
    return taken
