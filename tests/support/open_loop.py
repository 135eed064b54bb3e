"""Requests that come at a fixed rate whatever the answers take, timed from the moment at which each was due."""

from __future__ import annotations

import asyncio
import gc
import itertools
import multiprocessing
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from multiprocessing.synchronize import Event
from typing import Any

import httpx

Asked = tuple[str, str, Mapping[str, Any]]
"""Kind, path and query of a request."""
Took = dict[str, list[float]]
"""Milliseconds from the moment at which each answer was due, by kind."""


async def load(
    servers: Sequence[httpx.AsyncClient], asked: Iterator[Asked], rate: float, goes_on: Callable[[], bool]
) -> Took:
    """Ask ``rate`` times a second while it goes on, the servers in turn, and wait for every answer; one that is an
    error raises."""
    took: Took = defaultdict(list)

    async def one(http: httpx.AsyncClient, kind: str, path: str, query: Mapping[str, Any], due: float) -> None:
        answer = await http.get(path, params=query, timeout=60)
        answer.raise_for_status()
        took[kind].append((time.perf_counter() - due) * 1000)

    began, tasks = time.perf_counter(), []
    for number, (kind, path, query) in enumerate(asked):
        if not goes_on():
            break
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(servers[number % len(servers)], kind, path, query, due)))
    await asyncio.gather(*tasks)
    return took


@asynccontextmanager
async def clients(urls: Sequence[str], headers: Mapping[str, str]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """One for each server."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with AsyncExitStack() as undo:
        made = [
            httpx.AsyncClient(base_url=url, headers=dict(headers), limits=limits, trust_env=False) for url in urls
        ]
        yield [await undo.enter_async_context(one) for one in made]


@contextmanager
def loaded(urls: Sequence[str], headers: Mapping[str, str], asked: Sequence[Asked], rate: float) -> Iterator[None]:
    """The load goes on beside the block, from the first of them again after the last; raises if an answer was an error.

    A process of its own asks: in a thread of the caller's it would hold up the caller, whose own time is being taken.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_ask, args=(urls, headers, asked, rate, stop), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()
    if process.exitcode:
        raise RuntimeError("The load beside the measurement failed; what it says stands above.")


def _ask(urls: Sequence[str], headers: Mapping[str, str], asked: Sequence[Asked], rate: float, stop: Event) -> None:
    async def ask() -> None:
        async with clients(urls, headers) as servers:
            await load(servers, itertools.cycle(asked), rate, lambda: not stop.is_set())

    # Its looks for garbage would come as a burst of late requests, which no fixed rate has.
    gc.freeze()
    asyncio.run(ask())


def at(found: Sequence[float], percent: int) -> float:
    """The percentile; 0 where too little was found."""
    return statistics.quantiles(found, n=100, method="inclusive")[percent - 1] if len(found) > 1 else 0.0
