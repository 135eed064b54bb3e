"""The kill switch: one accreditor stops a model at once; two approvers let it go again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bongsu.domain.approval import ApprovalState, Proposal, ProposalKind, moved
from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import Actor
from bongsu.domain.suspension import Suspension
from bongsu.domain.tenants import Tenant
from bongsu.policy.access import Permission, Thing, cleared_for
from bongsu.reconciler.stopping import Stopping
from bongsu.service.governance.objects import short_id
from bongsu.service.governance.permission import ministry_thing, require_permission
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.governance.seen_lists import SeenList
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.service.repeating import held_result, note_result, request_key
from bongsu.store import proposals, suspensions
from bongsu.store.aliases import drop_aliases, lock_model
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.lift_bindings import labels_of_suspended
from bongsu.store.models import labels_of_versions

IN_EFFECT = (ApprovalState.PROPOSED, ApprovalState.APPROVED, ApprovalState.CARRIED_OUT)


@dataclass(frozen=True)
class StopRequest:
    """Which model is to be stopped, or let go.

    Attributes:
        ministry: whose the model is.
        version: the one that is meant; None for all versions that there are and will be.
        reason: recorded for good.
    """

    ministry: str
    name: str
    version: int | None
    reason: str

    @property
    def object(self) -> str:
        return f"model:{self.name}" if self.version is None else f"model:{self.name}/{self.version}"


def suspend(
    platform: Platform, actor: Actor, request: StopRequest, request_id: str = "", key: str = ""
) -> Suspension:
    """Stop a model: its aliases go, its approvals need a review, nothing begins with it or with what was made from it,
    and runs that use it are cancelled. Suspending twice is suspending once.

    Args:
        platform: what to work on.
        actor: an accreditor of the ministry; alone is enough.
        request: what to stop, and why.
        request_id: of the request, for the log.
        key: that the client gave the request; one that comes again is answered with what it made, lifted or not.

    Raises:
        BongsuError: ``governance.*``, ``api.key-used-otherwise``.
    """
    ask = _asked(platform, actor, request, "model.suspend", request_id)
    with refusals_recorded(ask):
        if not request.reason.strip():
            raise codes.NO_REASON.error(None, "reason", field="reason")
        made = retry_on_conflict(lambda: _suspend(ask, request, key))
    # The reconciler does the same in its next pass; whoever stops something should not wait for that.
    Stopping(platform.database).stop(platform.clock())
    return made


def _asked(platform: Platform, actor: Actor, request: StopRequest, action: str, request_id: str) -> Ask:
    tenant = Tenant(request.ministry)
    return Ask(platform, actor, tenant=tenant, action=action, object=request.object, request_id=request_id)


def _suspend(ask: Ask, request: StopRequest, given_key: str) -> Suspension:
    name, version, reason = request.name, request.version, request.reason
    with ask.platform.write() as connection:
        require_permission(connection, ask, ministry_thing(ask.tenant), Permission.MODEL_SUSPEND)
        sent = request_key(ask.actor.id, given_key, ask.action, ask.tenant, ask.object, reason)
        before = held_result(connection, sent, ask.now)
        lock_model(connection, name)
        versions = _versions(connection, ask.tenant, name, version)
        if not versions:
            raise codes.NO_SUCH.error(object=ask.object)
        label = high_water_mark(versions.values())
        require_permission(connection, ask, Thing(ask.object, ask.tenant, label), Permission.MODEL_SUSPEND)
        made = suspensions.get_suspension(connection, before) if before is not None else None
        if made is not None:
            return _as_seen(ask.actor, made)
        known = suspensions.open_suspension(connection, ask.tenant, name, version)
        if known is not None:
            note_result(connection, sent, known.id, ask.now)
            return _as_seen(ask.actor, known)
        earlier = suspensions.count_suspensions(connection, ask.tenant, name)
        suspension = Suspension(
            id=short_id("s", ask.tenant, name, earlier),
            tenant=ask.tenant,
            name=name,
            version=version,
            reason=reason,
            suspended_by=ask.actor.id,
            suspended_at=ask.now,
            label=str(label),
        )
        suspensions.add_suspension(connection, suspension)
        note_result(connection, sent, suspension.id, ask.now)
        dropped = drop_aliases(connection, name, version)
        lapsed = lapse(connection, ask.tenant, [f"model:{name}/{one}" for one in versions], "suspended", ask.now)
        facts = {"suspension": suspension.id, "aliases": dropped, "proposals": [one.id for one in lapsed]}
        done(connection, ask, label, **facts, reason=reason)
        return suspension


def lapse(connection: Connection, tenant: str, objects: Iterable[str], note: str, now: float) -> list[Proposal]:
    """Have every approval of these models looked at again, open or carried out; which they were."""
    found = []
    for before in proposals.proposals_of(connection, objects, IN_EFFECT, lock=True):
        if before.tenant == tenant and before.binding.kind.lets_use:
            proposals.save(connection, before, moved(before, ApprovalState.NEEDS_REVIEW, now, note))
            found.append(before)
    return found


def propose_lift(
    platform: Platform, actor: Actor, request: StopRequest, request_id: str = "", key: str = ""
) -> Proposal:
    """Propose to lift a suspension; it takes two approvers, and carrying out. Aliases do not come back by it: they are
    proposed anew. Raises ``model.not-suspended``, and as :func:`bongsu.service.governance.proposing.propose`."""
    ministry, object_ = request.ministry, request.object
    with platform.read() as connection:
        known = suspensions.open_suspension(connection, ministry, request.name, request.version)
        labels = _versions(connection, ministry, request.name, request.version).values()
    if known is None and ministry in actor.ministries:
        with refusals_recorded(_asked(platform, actor, request, "approval.propose", request_id)):
            if not labels or not cleared_for(actor.clearance, high_water_mark(labels)):
                raise codes.NO_SUCH.error(object=object_)
            raise codes.NOT_SUSPENDED.error(name=object_)
    lift = ProposalRequest(ministry, ProposalKind.LIFT, object_, known.id if known else "", request.reason)
    return propose(platform, actor, lift, request_id, key)


def list_suspensions(
    platform: Platform, actor: Actor, ministry: str | None = None, wanted: PageRequest = WHOLE
) -> list[Suspension]:
    """Suspensions of models of the actor's ministries, as far as they see these, newest first, lifted ones too; in the
    order of :data:`bongsu.store.suspensions.SUSPENSIONS`. Of what was written when a model carried a label that they
    may not see there is no reason. Raises ``governance.no-such``."""
    return [_as_seen(actor, one) for one in _LISTED.page(platform, actor, ministry, wanted)]


def _as_seen(actor: Actor, one: Suspension) -> Suspension:
    """That a model is suspended is told to whoever may see the model; why, to whoever might have seen it then."""
    if not one.label or cleared_for(actor.clearance, Label.parse(one.label)):
        return one
    return replace(one, reason="", label="")


_LISTED = SeenList(
    "model.list",
    Permission.MODEL_READ,
    suspensions.suspensions_in,
    labels_of_suspended,
    suspensions.SUSPENSIONS.key,
)


def _versions(connection: Connection, tenant: str, name: str, version: int | None) -> dict[int, Label]:
    """Versions of the ministry's model that are meant, with their labels."""
    found = labels_of_versions(connection, tenant, name)
    return {number: label for number, label in found.items() if version in (None, number)}
