"""Secrets of service accounts: shown once, kept as hashes, replaced one by one, withdrawn.

The account itself is added as a person is (:func:`bongsu.service.people.add_person` with the kind ``SERVICE``).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.codes import people as codes
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.tenants import Tenant
from bongsu.identity.secret_hashes import SECRET_COST, SecretHasher
from bongsu.policy.access import Permission
from bongsu.service.entitlement import refuse_ended, refuse_own, require, seen_person
from bongsu.service.people import show_person
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, recorded_change, refusals_recorded
from bongsu.service.repeating import earlier_result, request_key
from bongsu.store import people as people_store
from bongsu.store.people import Person, home_of
from bongsu.store.requests import RequestKey, forget_request, hold_request, note_request
from bongsu.store.service_secrets import ServiceSecret, add_secret, end_secret, find_secret, secrets_of

MOST_SECRETS = 2
"""One that is in use, and one that takes its place."""
_SECRET_BYTES, _ID_BYTES = 32, 6


@dataclass(frozen=True)
class ShownSecret:
    """Attributes:
    id: by which it is withdrawn.
    secret: which nobody can look up again.
    """

    id: str
    secret: str


@dataclass(frozen=True)
class SecretSummary:
    """What can be told of a secret. Attributes are those of :class:`bongsu.store.service_secrets.ServiceSecret`."""

    id: str
    created_at: float
    ends_at: float | None


def new_secret(
    platform: Platform, actor: Actor, person: str, overlap_s: float = 0.0, request_id: str = "", key: str = ""
) -> ShownSecret:
    """A secret for a service account; the one before holds for ``overlap_s`` seconds more.

    Args:
        platform: what to work on.
        actor: who asks.
        person: id of the service account.
        overlap_s: seconds, 0 or more.
        request_id: of the request.
        key: of the request, as the client gave it. One that comes again gives another secret, as nobody can look up the
            one that its answer had, and that one holds no longer; it is refused if that one was replaced or withdrawn
            meanwhile, as what is in use by now is another one.

    Raises:
        BongsuError: ``people.unknown``, ``people.not-allowed``, ``people.not-a-service``, ``people.disabled``,
            ``people.too-many-secrets`` while two older ones hold, ``people.secret-replaced``,
            ``api.key-used-otherwise``.
    """
    asked = _asked(platform, actor, person, "secret.new", request_id)
    with refusals_recorded(asked):
        show_person(platform, actor, person)
    shown = ShownSecret(secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES))
    # Outside of the transaction: it takes a while, and others wait for the lock.
    hashed = SecretHasher(SECRET_COST).hashed(shown.secret)
    request = request_key(actor.id, key, "secret", person, repr(overlap_s))
    with recorded_change(asked) as change:
        now = platform.clock()
        _service(change.connection, actor, person)
        known = [one.id for one in secrets_of(change.connection, person, now)]
        lost = _lost(change.connection, person, request, now)
        kept = [one for one in known if one != lost]
        if overlap_s > 0 and len(kept) >= MOST_SECRETS:
            raise codes.TOO_MANY_SECRETS.error(person=person, count=len(kept))
        for one in known:
            end_secret(change.connection, person, one, now if one == lost else now + overlap_s)
        add_secret(change.connection, ServiceSecret(person, shown.id, hashed, now))
        if request is not None:
            note_request(change.connection, request, shown.id, now)
        change.facts = {"secret": shown.id, "replaces": known, "overlapSeconds": overlap_s}
    return shown


def _lost(connection: Connection, person: str, request: RequestKey | None, now: float) -> str | None:
    """Id of the secret whose answer was not heard: the same request made it. Raises ``api.key-used-otherwise``, and
    ``people.secret-replaced`` if it is the newest no longer: a request that comes late ends no other one."""
    if request is None:
        return None
    hold_request(connection, request)
    lost = earlier_result(connection, request, now)
    if lost is not None:
        made = find_secret(connection, person, lost)
        if made is None or made.ends_at is not None:
            raise codes.SECRET_REPLACED.error(person=person, secret=lost)
    forget_request(connection, request)
    return lost


def withdraw_secret(platform: Platform, actor: Actor, person: str, secret: str, request_id: str = "") -> None:
    """It holds no longer from now on; one that has ended stays so. Raises as :func:`new_secret`, and
    ``people.unknown-secret``."""
    asked = _asked(platform, actor, person, "secret.withdraw", request_id)
    with refusals_recorded(asked):
        show_person(platform, actor, person)
    with recorded_change(asked) as change:
        now = platform.clock()
        _service(change.connection, actor, person)
        known = find_secret(change.connection, person, secret)
        if known is None:
            raise codes.UNKNOWN_SECRET.error(person=person, secret=secret)
        change.is_new = known.ends_at is None or known.ends_at > now
        end_secret(change.connection, person, secret, now)
        change.facts = {"secret": secret}


def list_secrets(platform: Platform, actor: Actor, person: str) -> list[SecretSummary]:
    """Those that hold, oldest first. Raises ``people.unknown``."""
    show_person(platform, actor, person)
    with platform.database.read() as connection:
        known = secrets_of(connection, person, platform.clock())
        return [SecretSummary(one.id, one.created_at, one.ends_at) for one in known]


def _asked(platform: Platform, actor: Actor, person: str, action: str, request_id: str) -> Ask:
    tenant, object_ = Tenant(home_of(person)), f"person:{person}"
    return Ask(platform, actor, tenant=tenant, action=action, object=object_, request_id=request_id)


def _service(connection: Connection, actor: Actor, person: str) -> Person:
    people_store.lock_person(connection, person)
    found = seen_person(connection, actor, person)
    require(connection, actor, found.home, Permission.PERSON_MANAGE)
    refuse_own(actor, found)
    if found.kind is not ActorKind.SERVICE:
        raise codes.NOT_A_SERVICE.error(person=person)
    refuse_ended(found)
    return found
