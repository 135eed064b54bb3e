"""Who may be made what, and by whom: rules over people, service accounts and ministries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from bongsu.domain.codes import people as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.policy.access_rules import PEOPLE
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule

_SOURCE = "NIST SP 800-53 AC-2, AC-5, AC-6"
OWN_RIGHTS = Rule(
    "people.own-rights",
    N_("Nobody changes their own roles, clearance, account, secondments or secrets; another operator does."),
    (N_("who asks"), N_("whose rights they are")),
    _SOURCE,
    N_("whenever anything of a person or a service account is changed"),
)
SENT = Rule(
    "people.sent",
    N_(
        "A ministry makes its own people something, and those of others only while their own ministry sends them there."
    ),
    (N_("ministry that answers for the person"), N_("ministries to which it sent them")),
    _SOURCE,
    N_("when a role is given"),
)
OPERATED = Rule(
    "people.operated",
    N_(
        "A ministry keeps an operator, and the platform a ministry that has one. Only the ministry that answers for"
        " somebody goes before that: it calls them back, or ends their account, also where they are the last operator"
        " of another one; then whoever installed the server names an operator there."
    ),
    (N_("operators of the ministry whose accounts are open"),),
    _SOURCE,
    N_(
        "when the role operator is taken, an account is ended, a ministry is closed, or an operator is named for one"
    ),
)
OPEN_ACCOUNT = Rule(
    "people.open-account",
    N_("An account that was ended stays so: nothing of it is changed any more, and nothing is done in its name."),
    (N_("when the account was ended"),),
    _SOURCE,
    N_("whenever anything of a person or a service account is changed"),
)
FOR_PEOPLE = frozenset({Role.APPROVER, Role.ACCREDITOR, Role.OPERATOR})
"""Roles that are nothing but decisions, for which somebody has to answer."""


def by_another(actor: Actor, person: str, home: str) -> Decision:
    """Whether the actor changes somebody else's rights. ``home``: whose other operators may change the actor's."""
    if actor.id == person:
        return OWN_RIGHTS.deny(codes.OWN_RIGHTS.at(person=person, ministry=home), person=person)
    return OWN_RIGHTS.allow(actor=actor.id, person=person)


def was_sent(person: str, home: str, sent_to: Collection[str], ministry: str) -> Decision:
    """Whether a ministry may make the person something."""
    facts = {"person": person, "ministry": ministry}
    if ministry == home or ministry in sent_to:
        return SENT.allow(**facts)
    return SENT.deny(codes.NOT_SENT.at(person=person, ministry=ministry, home=home), **facts)


def stays_operated(person: str, ministry: str, operators: Collection[str]) -> Decision:
    """Whether a ministry has an operator without the person; ``operators`` are those that it has now."""
    facts = {"person": person, "ministry": ministry, "operators": ", ".join(sorted(operators))}
    if set(operators) == {person}:
        return OPERATED.deny(codes.LAST_OPERATOR.at(person=person, ministry=ministry), **facts)
    return OPERATED.allow(**facts)


def lacks_operator(person: str, ministry: str, operators: Collection[str]) -> Decision:
    """Whether whoever installed the server may make the person an operator: not where there is one who could."""
    facts = {"person": person, "ministry": ministry, "operators": ", ".join(sorted(operators))}
    if operators:
        return OPERATED.deny(codes.HAS_OPERATOR.at(None, "", **facts), **facts)
    return OPERATED.allow(**facts)


def another_is_operated(ministry: str, others: Collection[str]) -> Decision:
    """Whether the platform has a ministry with an operator beside this one; ``others`` are those that have one."""
    if not others:
        return OPERATED.deny(codes.LAST_MINISTRY.at(ministry=ministry), ministry=ministry)
    return OPERATED.allow(ministry=ministry)


def is_open(person: str, disabled_at: float | None) -> Decision:
    """Whether the account may still be changed; ``disabled_at`` in seconds since the epoch."""
    if disabled_at is None:
        return OPEN_ACCOUNT.allow(person=person)
    at = datetime.fromtimestamp(disabled_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return OPEN_ACCOUNT.deny(codes.DISABLED.at(person=person, at=at), person=person, at=at)


def role_fits(person: str, kind: ActorKind, role: Role) -> Decision:
    """Whether an account of this kind can have the role."""
    if kind is not ActorKind.PERSON and role in FOR_PEOPLE:
        return PEOPLE.deny(codes.SERVICE_ROLE.at(person=person, role=role.value), kind=kind.value, role=role.value)
    return PEOPLE.allow(kind=kind.value, role=role.value)
