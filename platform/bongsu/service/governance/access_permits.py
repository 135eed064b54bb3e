"""Access permits: a ministry shares an object of its own with another one, for a purpose and until a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bongsu.domain.codes import governance as codes
from bongsu.domain.data_permits import SharedObject
from bongsu.domain.labels import OPEN
from bongsu.domain.object_names import object_name
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Permission
from bongsu.service.governance.objects import next_id, refuse_unknown
from bongsu.service.governance.periods import check_period
from bongsu.service.governance.permission import ministry_thing, require_permission
from bongsu.service.governance.seen_lists import SeenList, as_read, labels_of_objects
from bongsu.service.governance.texts import check_texts
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.service.repeating import held_result, note_result, request_key
from bongsu.store import permits as store
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.governed_objects import find_object
from bongsu.store.ministries import takes_part


@dataclass(frozen=True)
class AccessRequest:
    """What is to be shared; as of :class:`SharedObject`."""

    object: str
    giver: str
    ministry: str
    purpose: UseClass
    begins_at: float
    ends_at: float
    reason: str


def give_access(
    platform: Platform, actor: Actor, request: AccessRequest, request_id: str = "", key: str = ""
) -> SharedObject:
    """Share a model or a data set; a data custodian of the ministry that has it does. The same request again gives
    the same permit while that is not revoked, and then a new one. If its client gave it a ``key``, it gives what it
    gave, revoked or not. It is recorded in the logs of both ministries.

    Raises:
        BongsuError: ``governance.*``, ``policy.forbidden-use``, ``api.key-used-otherwise``.
    """
    request = replace(request, object=object_name(request.object))
    ask = Ask(
        platform,
        actor,
        tenant=Tenant(request.giver),
        action="permit.give-access",
        object=request.object,
        request_id=request_id,
    )
    with refusals_recorded(ask):
        check_texts(reason=request.reason)
        return retry_on_conflict(lambda: _give(ask, request, key))


def _give(ask: Ask, request: AccessRequest, given_key: str) -> SharedObject:
    with ask.platform.write() as connection:
        require_permission(connection, ask, ministry_thing(request.giver), Permission.PERMIT_GIVE)
        found = find_object(connection, request.giver, request.object)
        if found is None:
            raise codes.NO_SUCH.error(object=request.object)
        require_permission(connection, ask, found.thing, Permission.PERMIT_GIVE)
        asked = request.ministry, request.purpose, str(request.begins_at), str(request.ends_at), request.reason
        sent = request_key(ask.actor.id, given_key, ask.action, ask.tenant, ask.object, *asked)
        before = held_result(connection, sent, ask.now)
        given = store.find_access_permit(connection, before) if before is not None else None
        if given is not None:
            return given
        if request.ministry == request.giver:
            raise codes.OWN_MINISTRY.error(None, "ministry", ministry=request.ministry)
        if not takes_part(connection, request.ministry):
            raise codes.UNKNOWN_MINISTRY.error(None, "ministry", ministry=request.ministry)
        check_period(request.begins_at, request.ends_at, ask.now)
        key = (request.object, request.giver, request.ministry, request.purpose, request.begins_at, request.ends_at)
        draft = SharedObject(
            id="",
            object=request.object,
            giver=ask.tenant,
            ministry=Tenant(request.ministry),
            purpose=request.purpose,
            begins_at=request.begins_at,
            ends_at=request.ends_at,
            given_by=ask.actor.id,
            given_at=ask.now,
            reason=request.reason,
        )
        revoked = store.count_revoked_access_permits(connection, draft)
        permit = replace(draft, id=next_id("access", revoked, *key, request.reason))
        note_result(connection, sent, permit.id, ask.now)
        known = store.find_access_permit(connection, permit.id)
        if known is not None:
            return known
        store.add_access_permit(connection, permit)
        facts = {"permit": permit.id, "purpose": permit.purpose.value, "ends": permit.ends_at}
        received = Ask(
            ask.platform,
            ask.actor,
            tenant=permit.ministry,
            action="permit.receive-access",
            object=ask.object,
            request_id=ask.request_id,
        )
        # In the order of their names, so that two that share with each other at once do not wait for each other.
        for one in sorted((ask, received), key=lambda one: one.tenant):
            done(connection, one, found.thing.label, **facts, giver=permit.giver, ministry=permit.ministry)
        return permit


def revoke_access(
    platform: Platform, actor: Actor, permit_id: str, reason: str = "", request_id: str = ""
) -> SharedObject:
    """End the sharing now; a data custodian of the ministry that gave it does. A reason need not be given, and is
    recorded if it is. Raises as :func:`give_access`."""
    with platform.read() as connection:
        known = store.find_access_permit(connection, permit_id)
    tenant = known.giver if known else Tenant("")
    ask = Ask(
        platform,
        actor,
        tenant=tenant,
        action="permit.revoke-access",
        object=f"permit:{permit_id}",
        request_id=request_id,
    )
    with refusals_recorded(ask):
        if known is None or known.giver not in actor.ministries:
            refuse_unknown(ask)
        if reason:
            check_texts(reason=reason)
        with platform.write() as connection:
            require_permission(connection, ask, ministry_thing(known.giver), Permission.PERMIT_GIVE)
            shared = find_object(connection, known.giver, known.object)
            if shared is not None:
                # Who may not see what is shared is not told that it is: to them there is no such permit.
                require_permission(
                    connection, ask, replace(shared.thing, object=ask.object), Permission.PERMIT_GIVE
                )
            if store.revoke_access_permit(connection, permit_id, actor.id, ask.now):
                facts = {"object": known.object} | ({"reason": reason} if reason else {})
                done(connection, ask, shared.thing.label if shared else OPEN, **facts)
            found = store.find_access_permit(connection, permit_id)
            assert found is not None
            return found


def list_access(
    platform: Platform, actor: Actor, ministry: str | None = None, wanted: PageRequest = WHOLE
) -> list[SharedObject]:
    """What the actor's ministries gave and got, of objects that they see, in the order of
    :data:`bongsu.store.permits.ACCESS_PERMITS`. Raises ``governance.no-such``."""
    return _LISTED.page(platform, actor, ministry, wanted)


def labels_shared(platform: Platform, found: Iterable[SharedObject]) -> list[tuple[str, str]]:
    """Giver of each permit, and the label of what it shares, as readings are recorded."""
    return as_read(platform, [(one.giver, one.object) for one in found])


_LISTED = SeenList(
    "permit.list",
    Permission.PERMIT_READ,
    store.access_permits_in,
    lambda connection, page: labels_of_objects(connection, [(one.giver, one.object) for one in page]),
    store.ACCESS_PERMITS.key,
)
