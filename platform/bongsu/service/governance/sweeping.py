"""What time alone changes: proposals whose time is over, models whose permits or evidence have ended, runs of suspended
models that nobody saw to. Called regularly by whichever process leads; called twice it changes nothing more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from bongsu.domain.approval import ApprovalState, Proposal, moved
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.audit import Author
from bongsu.domain.ids import RunId
from bongsu.domain.labels import Label
from bongsu.policy.standing import GRACE_S, ModelFacts, Standing, Verdict, standing
from bongsu.reconciler.stopping import Stopping
from bongsu.service.governance.suspending import IN_EFFECT, lapse
from bongsu.service.platform import Platform
from bongsu.store import audit
from bongsu.store.aliases import drop_aliases, lock_model
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.label_telling import version_label
from bongsu.store.ministries import is_governed
from bongsu.store.origins import Given, origins_of
from bongsu.store.permitted_uses import uses_of
from bongsu.store.proposals import expired, proposals_of, save
from bongsu.store.scope import Scope
from bongsu.store.standings import VersionInUse, is_noted, note_standing, versions_in_use

RELABELLED = "relabelled"
"""Note of an approval of a label that its model no longer carries."""


@dataclass
class Swept:
    """What was changed.

    Attributes:
        proposals: ids of those whose time is over.
        noted: versions that stand elsewhere than before.
        dropped: versions that lost aliases, with these.
        stopped: runs that were cancelled.
    """

    proposals: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    stopped: list[RunId] = field(default_factory=list)


def sweep(platform: Platform, now: float | None = None, grace_s: float = GRACE_S) -> Swept:
    """Set right what has ended by ``now`` (seconds since the epoch; the platform's clock if not given); nothing in a
    home of one person.

    Args:
        platform: what to work on.
        now: the time that counts.
        grace_s: how long aliases stay after something ended, in seconds.
    """
    at = platform.clock() if now is None else now
    swept = Swept()
    with platform.read() as connection:
        if not is_governed(connection):
            return swept
        versions = versions_in_use(connection)
        late = [proposal.id for proposal in expired(connection, at)]
    if late:
        retry_on_conflict(lambda: _expire(platform, at, swept))
    for version in versions:
        retry_on_conflict(partial(_look, platform, version, at, grace_s, swept))
    swept.stopped = Stopping(platform.database).stop(at)
    return swept


def stand(connection: Connection, version: VersionInUse, now: float) -> Verdict:
    """Where a version stands, by what the store has."""
    origins = origins_of(connection, version.tenant, [Given(version.object, version.digest, ArtifactType.MODEL)])
    taken = origins.taken[0]
    itself = next(m for m in taken.models if (m.name, m.version) == (version.name, version.version))
    facts = ModelFacts(
        itself=itself,
        use_class=version.use_class,
        registered_at=version.created_at,
        register=uses_of(connection, [version.tenant]),
        data=taken.data,
        permits=origins.permits,
        bases=tuple(model for model in taken.models if model.digest != version.digest),
        relabelled_at=_relabelled_at(connection, version, now),
    )
    return standing(facts, now)


def _relabelled_at(connection: Connection, version: VersionInUse, now: float) -> float | None:
    """Since when no approval is for the label that the version carries, although one was for another; None if that is
    not so."""
    mine = [
        one
        for one in proposals_of(connection, [version.object])
        if one.tenant == version.tenant and one.binding.kind.lets_use and one.carried_out_at is not None
    ]
    holds = [one for one in mine if one.state is ApprovalState.CARRIED_OUT and not _is_of_other_label(one, version)]
    if holds:
        return None
    reviewed = [one.changed_at for one in mine if one.note == RELABELLED]
    return min([*reviewed, *(now for one in mine if _is_stale(one, version))], default=None)


def _is_of_other_label(proposal: Proposal, version: VersionInUse) -> bool:
    return proposal.binding.label != str(version.label)


def _is_stale(proposal: Proposal, version: VersionInUse) -> bool:
    """An approval that is in effect, or may come to be, of a label that the version does not carry any more."""
    return (
        proposal.tenant == version.tenant
        and proposal.binding.kind.lets_use
        and proposal.state in IN_EFFECT
        and _is_of_other_label(proposal, version)
    )


def _as_it_is(connection: Connection, version: VersionInUse) -> VersionInUse:
    """With the label that it carries now that its model is locked."""
    label = version_label(connection, version.name, version.version)
    return version if label is None else replace(version, label=label)


def _review_relabelled(connection: Connection, version: VersionInUse, now: float) -> list[str]:
    """Anything changed afterwards needs new approvals; which ones need a review now."""
    found = proposals_of(connection, [version.object], IN_EFFECT, lock=True)
    stale = [one for one in found if _is_stale(one, version)]
    for one in stale:
        save(connection, one, moved(one, ApprovalState.NEEDS_REVIEW, now, RELABELLED))
    return [one.id for one in stale]


def _expire(platform: Platform, now: float, swept: Swept) -> None:
    with platform.write() as connection:
        late = expired(connection, now)
        for proposal in late:
            save(connection, proposal, moved(proposal, ApprovalState.NEEDS_REVIEW, now, "expired"))
        for proposal in sorted(late, key=lambda one: one.tenant):
            object_, label = f"approval:{proposal.id}", Label.parse(proposal.binding.label)
            audit.append(connection, Author(proposal.tenant).did("approval.expire", object_, now, label))
    swept.proposals = [proposal.id for proposal in late]


def _look(platform: Platform, version: VersionInUse, now: float, grace_s: float, swept: Swept) -> None:
    # Names mean something within one ministry only, and the leader sweeps for all of them.
    scope = Scope.of(version.tenant)
    with platform.database.read(scope) as connection:
        seen = stand(connection, version, now)
        known = is_noted(connection, (version.tenant, version.name, version.version), seen)
        stale = [one for one in proposals_of(connection, [version.object], IN_EFFECT) if _is_stale(one, version)]
    if known and not stale and not seen.loses_aliases(now, grace_s):
        return
    with platform.database.write(scope) as connection:
        lock_model(connection, version.name)
        version = _as_it_is(connection, version)
        verdict = stand(connection, version, now) if seen.standing is not Standing.IN_ORDER else seen
        key = (version.tenant, version.name, version.version)
        is_new = note_standing(connection, key, verdict, now)
        dropped: list[str] = []
        lapsed = _review_relabelled(connection, version, now)
        if verdict.loses_aliases(now, grace_s):
            dropped = drop_aliases(connection, version.name, version.version)
            note = verdict.standing.value
            lapsed += [one.id for one in lapse(connection, version.tenant, [version.object], note, now)]
        if not (is_new or dropped or lapsed):
            return
        facts = {
            "standing": verdict.standing.value,
            "lapses": [str(one.what) for one in verdict.lapses],
            "aliases": dropped,
            "proposals": lapsed,
        }
        reviewed = Author(version.tenant).did("model.review", version.object, now, version.label, facts)
        audit.append(connection, reviewed)
    if is_new:
        swept.noted.append(version.object)
    if dropped:
        swept.dropped[version.object] = dropped
