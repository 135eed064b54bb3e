"""Ending runs that use a suspended model, in each pass: whatever process suspended it, and whether or not it lived to
see to them itself.

A run uses a model if one of its inputs is the model, or was made from it at whatever distance (an evaluation, tokens
that it wrote, a student that it taught), or if the run itself made it. That is a wide net on purpose: stopping loses
time, and the checkpoints stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.domain.suspension import Suspension
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.database import Database
from bongsu.store.history import NewEvent, append_events, last_state_entry
from bongsu.store.models import labels_of_versions
from bongsu.store.origins import made_by, sources_of, suspended_digests
from bongsu.store.records import RunRecord
from bongsu.store.runs import active_versions, claim_version, get_plan, get_run, move_run
from bongsu.store.scope import EVERYTHING
from bongsu.store.suspensions import open_suspensions

RULE = "model.suspended"
NAMED = N_("the run was cancelled: it uses {models}, which is suspended (rule {rule})")
UNNAMED = N_("the run was cancelled: it uses a model that is suspended (rule {rule})")


class Stopping:
    """Looks in each pass which trees are suspended and who made them: both change while a run goes on. What a run
    takes, and where that comes from, was settled when it was planned, and is looked up once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sources: dict[RunId, frozenset[Digest]] = {}

    def stop(self, now: float) -> list[RunId]:
        """Cancel what has to end; which runs these are. ``now`` in seconds since the epoch."""
        with self._database.read(EVERYTHING) as connection:
            suspended = open_suspensions(connection)
            if not suspended:
                self._sources = {}
                return []
            active = [
                run for run, (state, _) in active_versions(connection).items() if state is not RunState.CANCELLING
            ]
            self._look_up(connection, active)
            trees = suspended_digests(connection, suspended)
            every = frozenset().union(*trees.values())
            makers = made_by(connection, every)
            affected: dict[RunId, Meant] = {}
            for run in active:
                if run in makers or not every.isdisjoint(self._sources.get(run, ())):
                    reach = [one for one in suspended if self._uses(connection, run, trees[one.id])]
                    with _damaged_left():
                        affected[run] = _meant(connection, run, reach)
        ended = []
        for run, meant in affected.items():
            with _damaged_left():
                if cancel_for(self._database, run, now, meant):
                    ended.append(run)
        return ended

    def _look_up(self, connection: Connection, active: Collection[RunId]) -> None:
        """Of runs that are new; those that are over are forgotten."""
        known = {run: self._sources[run] for run in active if run in self._sources}
        for run in active:
            if run not in known:
                with _damaged_left():
                    inputs = get_plan(connection, run).inputs
                    known[run] = sources_of(connection, [entry.ref.digest for entry in inputs])
        self._sources = known

    def _uses(self, connection: Connection, run_id: RunId, trees: frozenset[Digest]) -> bool:
        return not trees.isdisjoint(self._sources.get(run_id, ())) or run_id in made_by(connection, trees)


@contextmanager
def _damaged_left() -> Iterator[None]:
    """A run whose rows cannot be read is left as it is and keeps no other from being ended: the driver sets it aside,
    and tells. A version whose label cannot be read is not named."""
    try:
        yield
    except BongsuError as error:
        if error.problems[0].code != codes.DATABASE_DAMAGED:
            raise


def cancel_for(database: Database, run_id: RunId, now: float, meant: Meant) -> bool:
    """Have a run end, unless it is ending or over; False then."""
    return retry_on_conflict(partial(_cancel, database, run_id, now, meant))


def _cancel(database: Database, run_id: RunId, now: float, meant: Meant) -> bool:
    with database.write(EVERYTHING) as connection:
        record = get_run(connection, run_id)
        if record.state.is_final or record.state is RunState.CANCELLING:
            return False
        claim_version(connection, record.id, record.version)
        move_run(connection, record, RunState.CANCELLING, now)
        body = {
            "state": RunState.CANCELLING.value,
            "suspensions": meant.suspensions,
            "models": meant.models,
            "rule": RULE,
            "reason": str(words_of(meant.models)),
        }
        append_events(connection, record.id, now, [NewEvent("run", body=body)])
    return True


def suspended_of(database: Database, run_id: RunId) -> Meant | None:
    """Why a run would be ended again as soon as it went on: it made a model that is suspended. None if it did not."""
    with database.read(EVERYTHING) as connection:
        suspended = open_suspensions(connection)
        trees = suspended_digests(connection, suspended)
        reach = [one for one in suspended if run_id in made_by(connection, trees[one.id])]
        return _meant(connection, run_id, reach) if reach else None


@dataclass(frozen=True)
class Meant:
    """Why a run has to end.

    Attributes:
        suspensions: ids of those that reach it.
        models: that are suspended, e.g. ``model:axk1/3``; those that not everybody may see who sees the run are left
            out.
    """

    suspensions: tuple[str, ...]
    models: tuple[str, ...]


def _meant(connection: Connection, run_id: RunId, reach: Collection[Suspension]) -> Meant:
    run = get_run(connection, run_id)
    label = Label.parse(run.label)
    named = set()
    for one in reach:
        with _damaged_left():
            if one.tenant == run.tenant and label.dominates(high_water_mark(_labels(connection, one))):
                named.add(one.object)
    return Meant(tuple(sorted(one.id for one in reach)), tuple(sorted(named)))


def _labels(connection: Connection, one: Suspension) -> list[Label]:
    """Of the versions that are suspended."""
    found = labels_of_versions(connection, one.tenant, one.name)
    return [label for version, label in found.items() if one.covers(one.name, version)]


def why_cancelled(connection: Connection, run: RunRecord) -> Words:
    """Why a run is being cancelled, for people; empty if somebody cancelled it, or if it is not."""
    if run.state is not RunState.CANCELLING:
        return ""
    body = last_state_entry(connection, run.id, RunState.CANCELLING.value)
    if not body.get("suspensions"):
        return ""
    return words_of(body.get("models", ()))


def words_of(models: Iterable[str]) -> Words:
    """That a run is ended by the suspension of these models."""
    named = ", ".join(models)
    if not named:
        return phrase(UNNAMED, rule=RULE)
    return phrase(NAMED, models=named, rule=RULE)
