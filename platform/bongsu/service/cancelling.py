"""Cancel a run, from whatever process."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bongsu.domain.codes import run as codes
from bongsu.domain.labels import Label
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.service.driving import open_driver
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.service.repeating import repeated
from bongsu.service.showing import show_run
from bongsu.service.summaries import RunSummary
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.history import NewEvent, append_events
from bongsu.store.records import RunRecord
from bongsu.store.requests import RequestKey, note_request
from bongsu.store.runs import claim_version, find_run, get_run, hold_run, move_run


def request_cancel(platform: Platform, run: str, key: RequestKey | None = None) -> RunRecord:
    """Note that the run is to end; whoever drives it stops its attempts.

    Args:
        platform: what to work on.
        run: an id, a unique beginning of one, or ``latest``.
        key: of the request; one that comes again finds the run that it cancelled, over or not.

    Raises:
        BongsuError: ``run.unknown``, ``run.ambiguous``, ``run.not-cancellable`` if it is over;
            ``api.key-used-otherwise``.
    """
    asked = Ask.of(platform, "run.cancel", f"run:{run}")
    with refusals_recorded(asked):
        return retry_on_conflict(partial(_request_cancel, asked, run, key))


def _request_cancel(asked: Ask, run: str, key: RequestKey | None) -> RunRecord:
    platform = asked.platform
    with platform.write() as connection:
        record = hold_run(connection, find_run(connection, run).id)
        before = repeated(connection, key, platform.clock())
        if before is not None:
            return before
        if record.state.is_final:
            raise codes.NOT_CANCELLABLE.error(run=record.id, state=phrase(record.state.value))
        now = platform.clock()
        if key is not None:
            note_request(connection, key, record.id, now)
        if record.state is RunState.CANCELLING:
            return record
        claim_version(connection, record.id, record.version)
        move_run(connection, record, RunState.CANCELLING, now)
        append_events(connection, record.id, now, [NewEvent("run", body={"state": RunState.CANCELLING.value})])
        cancelled = get_run(connection, record.id)
        done(connection, replace(asked, object=f"run:{record.id}"), Label.parse(record.label))
        return cancelled


def cancel(platform: Platform, run: str) -> RunSummary:
    """Cancel a run and, if nobody else drives runs at the moment, see it to its end here.

    Returns:
        The run: cancelled, or still cancelling if another process is at it.

    Raises:
        BongsuError: as :func:`request_cancel`.
    """
    record = request_cancel(platform, run)
    try:
        with open_driver(platform) as driving:
            driving.drive([record.id])
    except BongsuError as error:
        if error.problems[0].code is not codes.DRIVEN_ELSEWHERE:
            raise
    return show_run(platform, record.id).run
