"""Data permits: what a data custodian lets a version of a data set be used for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bongsu.domain.codes import governance as codes
from bongsu.domain.data_permits import DatasetPermit
from bongsu.domain.labels import Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Permission
from bongsu.service.governance.citing import permits_as_seen
from bongsu.service.governance.objects import next_id, refuse_unknown
from bongsu.service.governance.periods import check_period
from bongsu.service.governance.permission import ministry_thing, require_permission
from bongsu.service.governance.seen_lists import SeenList, as_read, labels_of_objects
from bongsu.service.governance.texts import check_citation, check_texts
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.service.repeating import held_result, note_result, request_key
from bongsu.store import permits as store
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.governed_objects import find_object


@dataclass(frozen=True)
class DataPermitRequest:
    """What is to be permitted; as of :class:`DatasetPermit`."""

    ministry: str
    name: str
    version: int
    use_classes: frozenset[UseClass]
    card: str
    reason: str
    begins_at: float
    ends_at: float


def give_data_permit(
    platform: Platform, actor: Actor, request: DataPermitRequest, request_id: str = "", key: str = ""
) -> DatasetPermit:
    """Let the bytes of a data set's version be used for some purposes, for a time. The actor, a data custodian of the
    ministry, answers for it. The same request again gives the same permit while that is not revoked, and then a new
    one. If its client gave it a ``key``, it gives what it gave, revoked or not.

    Raises:
        BongsuError: ``governance.*``, ``policy.forbidden-use``; ``governance.bad-citation``
            and ``governance.citation-gone`` for a card that nobody could follow; ``api.key-used-otherwise``.
    """
    object_ = f"dataset:{request.name}/{request.version}"
    ask = Ask(
        platform,
        actor,
        tenant=Tenant(request.ministry),
        action="permit.give-data",
        object=object_,
        request_id=request_id,
    )
    with refusals_recorded(ask):
        check_texts(reason=request.reason, card=request.card)
        if not request.use_classes:
            raise codes.NO_REASON.error(None, "useClasses", field="useClasses")
        return retry_on_conflict(lambda: _give(ask, request, key))


def _give(ask: Ask, request: DataPermitRequest, given_key: str) -> DatasetPermit:
    with ask.platform.write() as connection:
        require_permission(connection, ask, ministry_thing(request.ministry), Permission.PERMIT_GIVE)
        found = find_object(connection, ask.tenant, ask.object)
        if found is None:
            raise codes.NO_SUCH.error(object=ask.object)
        require_permission(connection, ask, found.thing, Permission.PERMIT_GIVE)
        uses = ",".join(sorted(use.value for use in request.use_classes))
        asked = uses, request.card, str(request.begins_at), str(request.ends_at), request.reason
        sent = request_key(ask.actor.id, given_key, ask.action, ask.tenant, ask.object, *asked)
        before = held_result(connection, sent, ask.now)
        given = store.find_data_permit(connection, before) if before is not None else None
        if given is not None:
            return given
        check_period(request.begins_at, request.ends_at, ask.now)
        check_citation(connection, ask, "card", request.card)
        key = (
            request.ministry,
            ask.object,
            found.content,
            uses,
            request.card,
            request.begins_at,
            request.ends_at,
            request.reason,
        )
        draft = DatasetPermit(
            id="",
            tenant=ask.tenant,
            name=request.name,
            version=request.version,
            digest=found.content,
            use_classes=request.use_classes,
            card=request.card,
            custodian=ask.actor.id,
            reason=request.reason,
            begins_at=request.begins_at,
            ends_at=request.ends_at,
            given_at=ask.now,
        )
        revoked = store.count_revoked_data_permits(connection, draft)
        permit = replace(draft, id=next_id("data", revoked, *key))
        note_result(connection, sent, permit.id, ask.now)
        known = store.find_data_permit(connection, permit.id)
        if known is not None:
            return known
        store.add_data_permit(connection, permit)
        done(connection, ask, found.thing.label, permit=permit.id, useClasses=uses, ends=permit.ends_at)
        return permit


def revoke_data_permit(
    platform: Platform, actor: Actor, permit_id: str, reason: str, request_id: str = ""
) -> DatasetPermit:
    """End a permit now; a data custodian of its ministry does. Nothing more begins with the data, and models that were
    made of it are looked at again. Raises as :func:`give_data_permit`."""
    with platform.read() as connection:
        known = store.find_data_permit(connection, permit_id)
    tenant = known.tenant if known else Tenant("")
    ask = Ask(
        platform,
        actor,
        tenant=tenant,
        action="permit.revoke-data",
        object=f"permit:{permit_id}",
        request_id=request_id,
    )
    with refusals_recorded(ask):
        if known is None or known.tenant not in actor.ministries:
            refuse_unknown(ask)
        check_texts(reason=reason)
        with platform.write() as connection:
            require_permission(connection, ask, ministry_thing(known.tenant), Permission.PERMIT_GIVE)
            data = find_object(connection, known.tenant, known.object)
            label = data.thing.label if data else Label()
            if data is not None:
                # As of a permit that there is not: the name of what one may not see is no answer.
                require_permission(connection, ask, replace(data.thing, object=ask.object), Permission.PERMIT_GIVE)
            if store.revoke_data_permit(connection, permit_id, actor.id, reason, ask.now):
                done(connection, ask, label, object=known.object, reason=reason)
            found = store.find_data_permit(connection, permit_id)
            assert found is not None
            return permits_as_seen(connection, actor, [found])[0]


def list_data_permits(
    platform: Platform, actor: Actor, ministry: str | None = None, wanted: PageRequest = WHOLE
) -> list[DatasetPermit]:
    """Permits of the actor's ministries, of data that they see, in the order of
    :data:`bongsu.store.permits.DATA_PERMITS`; of a card that they may not see there is no name. Raises
    ``governance.no-such``."""
    found = _LISTED.page(platform, actor, ministry, wanted)
    with platform.read() as connection:
        return permits_as_seen(connection, actor, found)


def labels_permitted(platform: Platform, found: Iterable[DatasetPermit]) -> list[tuple[str, str]]:
    """Ministry of each permit, and the label of its data, as readings are recorded."""
    return as_read(platform, [(one.tenant, one.object) for one in found])


_LISTED = SeenList(
    "permit.list",
    Permission.PERMIT_READ,
    store.data_permits_in,
    lambda connection, page: labels_of_objects(connection, [(one.tenant, one.object) for one in page]),
    store.DATA_PERMITS.key,
)
