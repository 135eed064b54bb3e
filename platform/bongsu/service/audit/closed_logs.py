"""Logs of ministries that were closed: nobody is anything there any more, and who may read its log still does."""

from __future__ import annotations

from dataclasses import replace

from bongsu.domain.people import Actor, Role
from bongsu.policy.access import PERMISSIONS, Permission, permissions_in
from bongsu.service.platform import Platform
from bongsu.store.people import roles_at_closing, witness_of

_READERS = frozenset(role for role, granted in PERMISSIONS.items() if Permission.AUDIT_READ in granted)


def closed_log_reader(platform: Platform, actor: Actor, ministry: str) -> Actor | None:
    """The actor as somebody who reads the log of a closed ministry, and does nothing else there: for the use cases that
    read logs alone.

    Returns:
        None for a ministry that takes part or that there is not, and for who may not read its log: those who were
        auditors or accreditors there when it was closed, and those who are it now in the ministry that was named as
        its witness, may.
    """
    with platform.database.read() as connection:
        held = roles_at_closing(connection, actor.id, ministry) & _READERS
        witness = witness_of(connection, ministry)
    if not held and (witness is None or Permission.AUDIT_READ not in permissions_in(actor, witness)):
        return None
    return replace(actor, roles={**actor.roles, ministry: held or frozenset({Role.AUDITOR})})
