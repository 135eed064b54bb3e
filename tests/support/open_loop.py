"""Requests that come at a fixed rate whatever the answers take, timed from the moment at which each was due."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

Asked = tuple[str, str, Mapping[str, Any]]
"""Kind, path and query of a request."""
Took = dict[str, list[float]]
"""Milliseconds from the moment at which each answer was due, by kind."""


async def load(http: httpx.AsyncClient, asked: Iterator[Asked], rate: float, goes_on: Callable[[], bool]) -> Took:
    """Ask ``rate`` times a second while it goes on, and wait for every answer; one that is an error raises."""
    took: Took = defaultdict(list)

    async def one(kind: str, path: str, query: Mapping[str, Any], due: float) -> None:
        answer = await http.get(path, params=query, timeout=60)
        answer.raise_for_status()
        took[kind].append((time.perf_counter() - due) * 1000)

    began, tasks = time.perf_counter(), []
    for number, (kind, path, query) in enumerate(asked):
        if not goes_on():
            break
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(kind, path, query, due)))
    await asyncio.gather(*tasks)
    return took


def client(url: str, headers: Mapping[str, str]) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    return httpx.AsyncClient(base_url=url, headers=dict(headers), limits=limits, trust_env=False)


@contextmanager
def loaded(url: str, headers: Mapping[str, str], asked: Iterator[Asked], rate: float) -> Iterator[None]:
    """The load goes on beside the block; raises what an answer raised."""
    stop, failed = threading.Event(), list[Exception]()

    async def ask() -> None:
        async with client(url, headers) as http:
            await load(http, asked, rate, lambda: not stop.is_set())

    def work() -> None:
        try:
            asyncio.run(ask())
        except Exception as error:  # raised where the load was asked for
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    for error in failed:
        raise error


def at(found: Sequence[float], percent: int) -> float:
    """The percentile; 0 where too little was found."""
    return statistics.quantiles(found, n=100, method="inclusive")[percent - 1] if len(found) > 1 else 0.0
