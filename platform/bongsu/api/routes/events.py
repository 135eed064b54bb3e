"""What happens in a run, entry by entry, and what its stages write: read, or followed as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from bongsu.api.answers import Page
from bongsu.api.asking import Asker, Asking, asks_for
from bongsu.api.ending import StreamCut, ending_of
from bongsu.api.followers import Followed, StillMay, in_threads
from bongsu.api.listing import Listing
from bongsu.api.openapi import as_well, only_as
from bongsu.domain.documents import plain
from bongsu.domain.paging import PageRequest
from bongsu.policy.access import Permission
from bongsu.service.following import FollowingEnded, LogLine, follow_attempt, follow_logs, logs_of
from bongsu.service.platform import Platform
from bongsu.service.showing import EventsSoFar, look_at_events, show_run
from bongsu.store.history import EVENTS
from bongsu.store.records import EventRecord

router = APIRouter(prefix="/v1/runs/{run}", tags=["events and logs"])
LOOK_S = 0.5
# So often something is sent although nothing happens: proxies close what is silent.
BEAT_S = 15.0
# After so long who was cut off asks again, behind the entry that came last.
RETRY_MS = 2000
_MOST = 1 << 53
# So many entries of a log are held at once for whoever follows it.
AT_ONCE = 500
STREAM = "text/event-stream"
LINES = "application/x-ndjson"


@router.get("/events", **as_well(STREAM), **asks_for(Permission.RUN_READ, gives=Page[EventRecord]))
def events(
    request: Request,
    asker: Asking,
    run: str,
    listing: Listing,
    after: Annotated[int, Query(ge=0, le=_MOST, description="Only entries behind this number.")] = 0,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str, Header(pattern=r"^\d{0,18}$")] = "",
) -> Response:
    """Entries of a run's log, in order. Who accepts ``text/event-stream`` gets them as they come (server-sent events),
    behind ``Last-Event-ID`` if that is given, until the run is over."""
    wanted = listing.of(EVENTS)
    begin = max(after, int(last_event_id or 0), *(wanted.behind or ()))
    if STREAM in accept:
        platform, record = asker.of_run(run)
        part = PageRequest(wanted.filters, AT_ONCE)
        stream = _stream(request, platform, StillMay(asker, record.id), record.id, part, begin)
        return Followed(stream, request.app.state.followers, asker.actor.id, STREAM)
    return listing.answer(asker.look_at_log(run, replace(wanted, behind=(begin,))), EVENTS.key)


async def _stream(
    request: Request, platform: Platform, still_may: StillMay, run_id: str, part: PageRequest, after: int
) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    quiet = 0.0

    def look(behind: int) -> EventsSoFar | None:
        return look_at_events(platform, run_id, replace(part, behind=(behind,))) if still_may.look() else None

    while not await request.is_disconnected():
        found = await run_in_threadpool(look, after)
        if found is None:
            return  # without an end: who follows asks again, and is told why
        for event in found.events:
            after = event.sequence
            yield _message(event)
        if found.is_all:
            yield "event: end\ndata: {}\n\n"
            return
        if ending_of(request).has_begun:
            yield f"retry: {RETRY_MS}\n\n"  # without an end: who follows asks again, another server or the next one
            return
        if len(found.events) == AT_ONCE:
            continue  # there may be more already
        quiet = 0.0 if found.events else quiet + LOOK_S
        if quiet >= BEAT_S:
            quiet = 0.0
            yield ": still there\n\n"
        await asyncio.sleep(LOOK_S)


def _message(event: EventRecord) -> str:
    return f"id: {event.sequence}\nevent: {event.type}\ndata: {json.dumps(plain(event), ensure_ascii=False)}\n\n"


@router.get("/stages/{stage}/logs", **only_as(LINES), **asks_for(Permission.LOG_READ))
def stage_logs(
    request: Request,
    asker: Asking,
    run: str,
    stage: str,
    attempt: Annotated[int | None, Query(ge=1, description="The newest if not given.")] = None,
    follow: Annotated[bool, Query(description="Wait for more until the stage is over.")] = False,
) -> Response:
    """What a stage wrote, as JSON lines: ``{"stage": ..., "line": ...}``."""
    platform, record = asker.of_run(run)
    details = show_run(platform, record.id)
    found = details.stage(stage)
    chosen = details.attempt(found, attempt)

    def lines(is_over: IsOver) -> Iterator[LogLine]:
        if follow and attempt is None:
            return follow_logs(platform, record.id, [found.planned.id], is_over)
        if follow and chosen is not None:
            return follow_attempt(platform, chosen, is_over)
        return logs_of(platform, [chosen] if chosen else [])

    return _answer(request, asker, record.id, lines)


@router.get("/logs", **only_as(LINES), **asks_for(Permission.LOG_READ))
def run_logs(
    request: Request,
    asker: Asking,
    run: str,
    follow: Annotated[bool, Query(description="Wait for more until the run is over.")] = False,
) -> Response:
    """What all stages wrote, as JSON lines."""
    platform, record = asker.of_run(run)
    details = show_run(platform, record.id)
    names = [stage.planned.id for stage in details.stages]
    attempts = details.attempts(set(names))

    def lines(is_over: IsOver) -> Iterator[LogLine]:
        return follow_logs(platform, record.id, names, is_over) if follow else logs_of(platform, attempts)

    return _answer(request, asker, record.id, lines)


IsOver = Callable[[], bool]


def _answer(request: Request, asker: Asker, run_id: str, lines: Callable[[IsOver], Iterator[LogLine]]) -> Response:
    ending, followers = ending_of(request), request.app.state.followers
    still_may = StillMay(asker, run_id)

    def texts(is_gone: IsOver) -> Iterator[str]:
        def is_over() -> bool:
            return is_gone() or ending.has_begun or not still_may.look()

        return _texts(lines(is_over), is_over)

    return Followed(in_threads(texts, followers.limiter), followers, asker.actor.id, LINES)


def _texts(lines: Iterator[LogLine], is_over: IsOver) -> Iterator[str]:
    """Raises :class:`StreamCut` if nobody may go on with them, or nobody does, before they end."""
    try:
        for one in lines:
            if is_over():
                raise StreamCut
            yield json.dumps({"stage": one.stage_id, "line": one.line}, ensure_ascii=False) + "\n"
    except FollowingEnded:
        raise StreamCut from None
