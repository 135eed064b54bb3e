"""Who read what is not for everybody.

A page that shows a model asks for it again and again; a log in which each of these is an entry says less than one in
which a person's work with one object is one. So what the same person reads of the same object within ten minutes of the
recorded reading is that reading. The window does not move on with each reading: whoever reads all day is there all day.
"""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from bongsu.domain.audit import AuditEvent
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.service.platform import Platform
from bongsu.store.audit import append
from bongsu.store.audit_reads import Reading, claim_read, forget_reads, is_known

WINDOW_S = 600.0


def record_read(
    platform: Platform, actor: Actor, tenant: Tenant, object_: str, label: Label, request_id: str = ""
) -> bool:
    """To be called before the content is given: if it cannot be recorded, nothing is read.

    Args:
        platform: what to work on.
        actor: who reads.
        tenant: whose the object is; the entry stands in its log, also when another ministry may read it.
        object_: as in permits, e.g. ``model:axk1-admin/3``.
        label: of the object. What everybody may see (O, in no compartment) is not recorded.
        request_id: of the request.

    Returns:
        True if an entry was made.
    """
    if not label.is_protected:
        return False
    reading = Reading(tenant, actor.id, object_, str(label), platform.clock())
    with platform.database.read() as connection:
        if is_known(connection, reading, WINDOW_S):
            return False  # most readings end here, and write nothing
    action = f"{object_.partition(':')[0]}.read"
    event = AuditEvent(tenant, actor.id, action, object_, reading.at, label=label, request_id=request_id)
    try:
        with platform.database.write() as connection:
            if not claim_read(connection, reading, WINDOW_S):
                return False
            append(connection, event)
            return True
    except IntegrityError:  # another request of the same person was first, and makes the entry
        return False


def forget_old_reads(platform: Platform) -> int:
    """Let go of what is older than the window; for the leader, now and then. Returns how many that were."""
    with platform.database.write() as connection:
        return forget_reads(connection, platform.clock() - WINDOW_S)
