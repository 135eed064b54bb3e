"""Who may do what to which thing, and in which ministry: use cases go on only where rules allow it."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import OPEN
from bongsu.domain.people import Actor
from bongsu.domain.problems import BongsuError
from bongsu.policy.access import Permission, Thing, Verdict, judge, permissions_in
from bongsu.policy.access_rules import decision
from bongsu.policy.decision import Decision
from bongsu.service.governance.periods import moment
from bongsu.service.recording import Ask
from bongsu.store.ministries import is_governed
from bongsu.store.permits import permits_for


def require_permission(connection: Connection, ask: Ask, thing: Thing, *permissions: Permission) -> None:
    """Go on only if the actor may do one of these to the thing.

    Raises:
        BongsuError: ``governance.one-person`` where there are no ministries, ``governance.no-such``,
            ``governance.not-permitted``.
    """
    if not is_governed(connection):
        raise codes.ONE_PERSON.error()
    shared = permits_for(connection, ask.actor.ministries, ask.now)
    now = moment(ask.now)
    verdicts = [(one, judge(ask.actor, one, thing, shared, now)) for one in permissions]
    if not any(verdict is Verdict.ALLOWED for _permission, verdict in verdicts):
        permission, verdict = verdicts[0]
        require_allowed(decision(ask.actor, permission, thing, verdict))


def require_allowed(*decisions: Decision) -> None:
    """Go on only if every rule allows it; all that deny are raised together."""
    problems = [one.problem for one in decisions if one.problem]
    if problems:
        raise BongsuError(problems)


def ministries_for(ask: Ask, permission: Permission, ministry: str | None) -> list[str]:
    """Where the actor may look: in one ministry, or in all of theirs. Raises ``governance.no-such``."""
    allowed = [one for one in sorted(ask.actor.ministries) if permission in permissions_in(ask.actor, one)]
    if ministry is None:
        return allowed
    if ministry not in allowed:
        raise codes.NO_SUCH.error(object=f"ministry:{ministry}")
    return [ministry]


def ministry_of(actor: Actor, given: str | None) -> str:
    """The ministry that somebody acts in: the one that they name, or the only one in which they are anything. Raises
    ``governance.which-ministry``; empty in a home of one person, where use cases say what they say."""
    if given is not None:
        return given
    found = sorted(actor.ministries)
    if len(found) > 1:
        raise codes.WHICH_MINISTRY.error(found=", ".join(found))
    return found[0] if found else ""


def ministry_thing(ministry: str) -> Thing:
    """The register of a ministry as something that is asked for."""
    return Thing(f"ministry:{ministry}", ministry, OPEN)
