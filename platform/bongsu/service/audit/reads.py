"""Who read what is not for everybody.

A page that shows a model asks for it again and again; a log in which each of these is an entry says less than one in
which a person's work with one object is one. So what the same person reads of the same object within ten minutes of the
recorded reading is that reading. The window does not move on with each reading: whoever reads all day is there all day.

What somebody asked for is recorded by its name; a list is recorded as a list, with the highest label that stood on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent
from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.service.platform import Platform
from bongsu.store.audit_reads import Reading, forget_reads
from bongsu.store.conflicts import retry_on_conflict
from bongsu.store.taken import Taken

WINDOW_S = 600.0
WRITING_WINDOW_S = 3600.0
"""Of what a training writes to one thing without end."""


def record_read(
    platform: Platform, actor: Actor, tenant: Tenant, object_: str, label: Label, request_id: str = ""
) -> bool:
    """As :func:`record_reads`, of one object. Returns True if an entry was made."""
    return record_reads(platform, actor.id, tenant, [(object_, label)], request_id) == 1


def record_reads(
    platform: Platform, actor: str, tenant: Tenant, objects: Iterable[tuple[str, Label]], request_id: str = ""
) -> int:
    """To be called before the content is given: if it cannot be recorded, nothing is read.

    Args:
        platform: what to work on.
        actor: id of who reads.
        tenant: whose the objects are; the entries stand in its log, also when another ministry may read them.
        objects: as in permits, e.g. ``model:axk1-admin/3``, with their labels. What everybody may see (O, in no
            compartment) is not recorded.
        request_id: of the request.

    Returns:
        How many entries were made.

    Raises:
        BongsuError: ``audit.damaged``, the log is not what its head says.
    """
    readings = readings_of(platform, actor, tenant, objects)
    if platform.reads.has_all(readings, WINDOW_S):
        return 0
    with platform.database.ask() as connection:
        readings = unrecorded(connection, platform, readings)
    return record_these(platform, readings, request_id)


def readings_of(
    platform: Platform, actor: str, tenant: Tenant, objects: Iterable[tuple[str, Label]]
) -> list[Reading]:
    """What is to be recorded when somebody reads these, at this moment; arguments as of :func:`record_reads`."""
    labels: dict[str, Label] = {}
    for object_, label in objects:
        if label.is_protected:
            labels[object_] = labels.get(object_, label).join(label)
    now = platform.clock()
    # In one order, so that no two requests of a person wait for each other.
    return [Reading(tenant, actor, object_, label, now) for object_, label in sorted(labels.items())]


def unrecorded(
    connection: Connection, platform: Platform, readings: Iterable[Reading], window_s: float = WINDOW_S
) -> list[Reading]:
    """Those of which there is no entry yet; of most there is one, and nothing is written for them."""
    return [one for one in readings if not platform.reads.is_recorded(connection, one, window_s)]


def record_these(
    platform: Platform,
    readings: list[Reading],
    request_id: str,
    window_s: float = WINDOW_S,
    events: Sequence[AuditEvent] = (),
) -> int:
    """As :func:`record_reads`, for readings that were :func:`unrecorded`, and with ``events``."""
    left = readings

    def record() -> int:
        nonlocal left
        if not left and not events:
            return 0
        try:
            return platform.reads.record(platform.database, left, request_id, window_s, events)
        except Taken:
            # Another request of the same person was first with one of them, and made its entry.
            with platform.database.ask() as connection:
                left = unrecorded(connection, platform, left, window_s)
            raise

    return retry_on_conflict(record)


def note_read(platform: Platform, object_: str, labels: Iterable[str]) -> None:
    """Record that whoever asks reads an object of their ministry, before it is given to them.

    Args:
        platform: what there is for who asks, in one ministry.
        object_: as of :func:`record_reads`.
        labels: of all that it tells of.
    """
    label = high_water_mark(map(Label.parse, set(labels)))
    record_read(platform, platform.actor, platform.scope.tenant, object_, label, platform.author.request_id)


def note_list(
    platform: Platform, actor: Actor, object_: str, shown: Iterable[tuple[str, str]], request_id: str
) -> None:
    """Record that somebody reads a list over several ministries: in the log of each, up to which label.

    Args:
        platform: of the control plane itself.
        actor: who reads.
        object_: what the list is called, e.g. ``list:runs``.
        shown: ministry and label of everything on it.
        request_id: of the request.
    """
    found: dict[str, Label] = {}
    for ministry, label in set(shown):
        found[ministry] = found.get(ministry, OPEN).join(Label.parse(label))
    for ministry, highest in sorted(found.items()):
        record_read(platform, actor, Tenant(ministry), object_, highest, request_id)


def forget_old_reads(platform: Platform) -> int:
    """Let go of what is older than every window; for the leader, now and then. Returns how many that were."""
    with platform.database.write() as connection:
        return forget_reads(connection, platform.clock() - WRITING_WINDOW_S)
