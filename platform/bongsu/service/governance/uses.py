"""The register of uses: registering, withdrawing, listing."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.codes import governance as codes
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Evidence, PermittedUse, Tier
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Permission
from bongsu.policy.uses import evidenced
from bongsu.service.governance.citing import uses_as_seen
from bongsu.service.governance.objects import refuse_unknown, short_id
from bongsu.service.governance.periods import check_period
from bongsu.service.governance.permission import ministries_for, ministry_thing, require_permission
from bongsu.service.governance.texts import check_citation, check_texts
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.store import permitted_uses as store
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.ministries import open_accounts


@dataclass(frozen=True)
class UseRequest:
    """What is to be registered; as of :class:`PermittedUse`."""

    ministry: str
    use_class: UseClass
    tier: Tier
    statement: str
    conditions: str
    owner: str
    evidence: str
    evidence_at: float
    begins_at: float
    ends_at: float
    evidence_ends_at: float | None = None


def register_use(platform: Platform, actor: Actor, request: UseRequest, request_id: str = "") -> PermittedUse:
    """Permit a use class in a ministry; an accreditor of it does. The same request again gives the same entry.

    Raises:
        BongsuError: ``policy.forbidden-use`` (recorded as every refusal), ``governance.*``, ``use.unknown-owner``,
            ``use.withdrawn-already``, ``use.evidence-date``; ``governance.bad-citation`` and
            ``governance.citation-gone`` for evidence that nobody could follow.
    """
    use = _entry(request, actor, platform.clock())
    ask = Ask(
        platform, actor, tenant=use.ministry, action="use.register", object=f"use:{use.id}", request_id=request_id
    )
    with refusals_recorded(ask):
        # Read first: whoever tries this is told and recorded, whatever else is wrong with the request.
        texts = {"statement": request.statement, "owner": request.owner, "evidence": request.evidence}
        check_texts(**texts, **({"conditions": request.conditions} if request.conditions else {}))
        return retry_on_conflict(lambda: _register(ask, use))


def _register(ask: Ask, use: PermittedUse) -> PermittedUse:
    with ask.platform.write() as connection:
        require_permission(connection, ask, ministry_thing(use.ministry), Permission.USE_REGISTER)
        known = store.find_use(connection, use.id)
        if known is not None:
            if known.withdrawn_at is not None:
                raise codes.USE_WITHDRAWN.error(use=use.id)
            return known
        check_period(use.begins_at, use.ends_at, ask.now)
        evidenced(use.evidence.dated_at, ask.now).require()
        if use.evidence.ends_at is not None:
            check_period(use.evidence.dated_at, use.evidence.ends_at, ask.now, "evidenceEndsAt")
        check_citation(connection, ask, "evidence", use.evidence.reference)
        owner = open_accounts(connection, [use.owner]).get(use.owner)
        if owner is None or owner.kind is not ActorKind.PERSON or not owner.is_in(use.ministry):
            raise codes.UNKNOWN_OWNER.error(None, "owner", owner=use.owner, ministry=use.ministry)
        store.add_use(connection, use)
        done(connection, ask, useClass=use.use_class.value, tier=use.tier.value, owner=use.owner, ends=use.ends_at)
        return use


def withdraw_use(platform: Platform, actor: Actor, use_id: str, reason: str, request_id: str = "") -> PermittedUse:
    """End an entry now; an accreditor of its ministry does. One that was withdrawn stays as it is.

    Raises:
        BongsuError: ``governance.*``.
    """
    with platform.read() as connection:
        known = store.find_use(connection, use_id)
    tenant = known.ministry if known else Tenant("")
    ask = Ask(platform, actor, tenant=tenant, action="use.withdraw", object=f"use:{use_id}", request_id=request_id)
    with refusals_recorded(ask):
        if known is None or known.ministry not in actor.ministries:
            refuse_unknown(ask)
        check_texts(reason=reason)
        with platform.write() as connection:
            require_permission(connection, ask, ministry_thing(known.ministry), Permission.USE_REGISTER)
            if store.withdraw(connection, use_id, actor.id, reason, ask.now):
                done(connection, ask, reason=reason)
            found = store.find_use(connection, use_id)
            assert found is not None
            return uses_as_seen(connection, actor, [found])[0]


def list_uses(
    platform: Platform, actor: Actor, ministry: str | None = None, wanted: PageRequest = WHOLE
) -> tuple[PermittedUse, ...]:
    """Registers of the actor's ministries, or of one of them, in the order of
    :data:`bongsu.store.permitted_uses.USES`; of evidence that they may not see there is no
    reference. Raises ``governance.no-such``."""
    ask = Ask(
        platform, actor, tenant=Tenant(ministry or ""), action="use.list", object=f"ministry:{ministry or ''}"
    )
    with platform.read() as connection:
        found = store.uses_of(connection, ministries_for(ask, Permission.USE_READ, ministry), wanted)
        return tuple(uses_as_seen(connection, actor, found))


def _entry(request: UseRequest, actor: Actor, now: float) -> PermittedUse:
    parts = (
        request.ministry,
        request.use_class.value,
        request.tier.value,
        request.statement,
        request.conditions,
        request.owner,
        request.evidence,
        request.evidence_at,
        request.begins_at,
        request.ends_at,
        *([request.evidence_ends_at] if request.evidence_ends_at is not None else []),
    )
    return PermittedUse(
        id=short_id("use", *parts),
        ministry=Tenant(request.ministry),
        use_class=request.use_class,
        statement=request.statement,
        conditions=request.conditions,
        tier=request.tier,
        owner=request.owner,
        evidence=Evidence.of(request.evidence, request.evidence_at, request.evidence_ends_at),
        begins_at=request.begins_at,
        ends_at=request.ends_at,
        registered_by=actor.id,
        registered_at=now,
    )
