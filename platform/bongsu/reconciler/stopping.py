"""Ending runs that use a suspended model, in each pass: whatever process suspended it, and whether or not it lived to
see to them itself.

A run uses a model if one of its inputs is the model, or was made from it at whatever distance (an evaluation, tokens
that it wrote, a student that it taught), or if the run itself made it. That is a wide net on purpose: stopping loses
time, and the checkpoints stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.run import RunState
from bongsu.domain.suspension import Suspension
from bongsu.store.database import Database
from bongsu.store.history import NewEvent, append_events, last_state_entry
from bongsu.store.models import labels_of_versions
from bongsu.store.origins import Given, made_by, origins_of, suspended_digests
from bongsu.store.records import RunRecord
from bongsu.store.runs import StaleRun, active_versions, claim_version, get_plan, get_run, move_run
from bongsu.store.scope import EVERYTHING
from bongsu.store.suspensions import open_suspensions

_TRIES = 5
RULE = "model.suspended"
NAMED = N_("the run was cancelled: it uses {models}, which is suspended (rule {rule})")
UNNAMED = N_("the run was cancelled: it uses a model that is suspended (rule {rule})")


class Stopping:
    """Looks at each run once for a set of suspensions: what a run takes does not change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key: frozenset[str] = frozenset()
        self._clear: set[RunId] = set()

    def stop(self, now: float) -> list[RunId]:
        """Cancel what has to end; which runs these are. ``now`` in seconds since the epoch."""
        with self._database.read(EVERYTHING) as connection:
            suspended = open_suspensions(connection)
            if not suspended:
                return []
            self._begin(suspended)
            active = [
                run for run, (state, _) in active_versions(connection).items() if state is not RunState.CANCELLING
            ]
            unseen = [run_id for run_id in active if run_id not in self._clear]
            digests = suspended_digests(connection, suspended) if unseen else set()
            affected = {
                run_id: _meant(connection, run_id, suspended)
                for run_id in unseen
                if _uses(connection, run_id, digests)
            }
        self._clear |= set(unseen) - set(affected)
        return [run_id for run_id, meant in affected.items() if cancel_for(self._database, run_id, now, meant)]

    def _begin(self, suspended: Collection[Suspension]) -> None:
        key = frozenset(one.id for one in suspended)
        if key != self._key:
            self._key, self._clear = key, set()


def cancel_for(database: Database, run_id: RunId, now: float, meant: Meant) -> bool:
    """Have a run end, unless it is ending or over; False then."""
    for left in range(_TRIES - 1, -1, -1):
        try:
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
        except StaleRun:
            if not left:
                raise
    raise AssertionError("unreachable")


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


def _meant(connection: Connection, run_id: RunId, suspended: Collection[Suspension]) -> Meant:
    reach = [one for one in suspended if _uses(connection, run_id, suspended_digests(connection, [one]))]
    run = get_run(connection, run_id)
    label = Label.parse(run.label)
    named = {
        one.object
        for one in reach
        if one.tenant == run.tenant and label.dominates(high_water_mark(_labels(connection, one)))
    }
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


def _uses(connection: Connection, run_id: RunId, suspended: set[Digest]) -> bool:
    plan = get_plan(connection, run_id)
    given = [Given(entry.name, entry.ref.digest, entry.ref.type) for entry in plan.inputs]
    taken = origins_of(connection, given).taken
    if any(model.digest in suspended for tree in taken for model in tree.models):
        return True
    return run_id in made_by(connection, suspended)
