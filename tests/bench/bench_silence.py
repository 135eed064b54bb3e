"""Whether the time of an answer tells what another ministry has: ``python tests/bench/bench_silence.py``.

Somebody of the army asks for a thing of MND's and, in turn, for one that never was; and for lists of the army's, before
MND has thousands of runs and afterwards. PostgreSQL; medians. Target: no pair of them is apart by more than a quarter.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from api_places import ApiPlace
from many_runs import fill, run_id
from postgres_server import running_server
from sqlalchemy import text
from targets import settle

from bongsu.store.database import open_database

RUNS = 8_000
ROUNDS = 300
TARGET = 1.25
MND = "/v1/ministries/mnd"
ABSENT = "r-" + "z" * 12
NO_DIGEST = "sha256-" + "0" * 64
LISTS = ("/v1/runs", "/v1/runs?filter=state%20%3D%20%22failed%22", "/v1/search?q=pipeline", "/v1/models")


def things(place: ApiPlace) -> Mapping[str, tuple[str, str]]:
    """Addresses of a thing of MND's, and of one that there is not."""
    run = run_id(RUNS // 2)
    return {
        "a run": (f"/v1/runs/{run}", f"/v1/runs/{ABSENT}"),
        "its stages": (f"/v1/runs/{run}/stages", f"/v1/runs/{ABSENT}/stages"),
        "its lineage": (f"/v1/runs/{run}/lineage", f"/v1/runs/{ABSENT}/lineage"),
        "an artifact": (f"{MND}/artifacts/{place.law}", f"{MND}/artifacts/{NO_DIGEST}"),
        "a data set": (f"{MND}/datasets/law/1", f"{MND}/datasets/zzz/1"),
        "a ministry": (f"{MND}/people", "/v1/ministries/zzz/people"),
    }


def seconds(place: ApiPlace, path: str) -> float:
    headers = {"Authorization": "Bearer army-eng"}
    place.http.event_hooks = {}  # answers are not measured against the document
    begin = time.perf_counter()
    place.http.get(path, headers=headers)
    return time.perf_counter() - begin


def in_turn(one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float]:
    """Medians of both; what else the machine does meets both alike."""
    pairs = [(one(), other()) if number % 2 else (other(), one())[::-1] for number in range(ROUNDS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def settled(what: str, there: float, nowhere: float) -> list[str]:
    apart = max(there, nowhere) / min(there, nowhere)
    print(f"{what}: {there * 1000:.2f} ms, {nowhere * 1000:.2f} ms without; {apart:.2f} apart")
    return [f"{what} {apart:.2f}"] if apart > TARGET else []


def main() -> None:
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        # Each has the army's; one has MND's beside them.
        urls = [server.new_database() for _ in range(2)]
        many, few = (ApiPlace(Path(name) / str(n), open_database(url)) for n, url in enumerate(urls))
        fill(urls[0], RUNS, 1)
        with many.platform.database.engine.begin() as connection:
            connection.execute(text("UPDATE runs SET tenant = 'mnd', ministry = 'mnd'"))
        for what, (there, nowhere) in things(many).items():
            medians = in_turn(lambda at=there: seconds(many, at), lambda at=nowhere: seconds(many, at))
            missed += settled(what, *medians)
        for path in LISTS:
            medians = in_turn(lambda at=path: seconds(many, at), lambda at=path: seconds(few, at))
            missed += settled(path, *medians)
        for place in (many, few):
            place.close()
            place.platform.database.close()
    settle(missed)


if __name__ == "__main__":
    main()
