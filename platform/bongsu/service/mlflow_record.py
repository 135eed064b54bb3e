"""What the audit logs tell of MLflow: who changed what there, and what was refused by which rule.

A training writes without end, and a log in which each figure is an entry says less than one in which a person's work
with one run is one. So what the same person writes to the same run within an hour of the recorded writing is that
writing (``mlflow.run.write``); everything else is one entry each.
"""

from __future__ import annotations

from bongsu.domain.audit import Author
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.reads import WRITING_WINDOW_S, record_reads, record_these, unrecorded
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, record_refusal
from bongsu.store.audit_reads import Reading
from bongsu.tracking.governed.viewer import Changed, Viewer, Visit


def record_changes(
    platform: Platform, viewer: Viewer, workspace: str, changed: tuple[Changed, ...], request_id: str
) -> None:
    """To be called before anything is changed for good, in the log of the ministry whose workspace it is.

    Raises:
        BongsuError, sqlalchemy.exc.SQLAlchemyError: it cannot be recorded.
    """
    tenant, now = Tenant(workspace), platform.clock()
    writings = [
        Reading(tenant, viewer.id, one.object, one.label, now, one.action) for one in changed if one.is_continuous
    ]
    author = Author(tenant, viewer.id, request_id)
    events = [
        author.did(one.action, one.object, now, one.label, dict(one.facts))
        for one in changed
        if not one.is_continuous
    ]
    if not events and platform.reads.has_all(writings, WRITING_WINDOW_S):
        return
    with platform.database.ask() as connection:
        left = unrecorded(connection, platform, writings, WRITING_WINDOW_S)
    record_these(platform, left, request_id, WRITING_WINDOW_S, events)


def record_visit(platform: Platform, visit: Visit) -> None:
    """What is about to be shown, and what was refused; before it is answered. In the log of the ministry whose
    workspace it is, also when it shares what is read with another one."""
    viewer = visit.viewer
    if viewer is None:
        return
    if visit.shown:
        shown = [(one.object, one.label) for one in visit.shown]
        record_reads(platform, viewer.id, Tenant(visit.workspace), shown, visit.request)
    if visit.refused is not None and viewer.actor is not None:
        ask = Ask(
            platform,
            viewer.actor,
            tenant=Tenant(visit.workspace),
            action=visit.action,
            object=visit.refused.object,
            request_id=visit.request,
            stated=visit.refused.label,
        )
        record_refusal(ask, BongsuError(visit.refused.problems))
