"""Giving out tokens: access tokens, id tokens, and refresh tokens that are good for one use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.audit import Author
from bongsu.domain.people import Actor
from bongsu.domain.sessions import RefreshGrant, SessionFamily
from bongsu.domain.tenants import Tenant
from bongsu.identity.codes import kept_as, new_secret
from bongsu.identity.issued_tokens import Subject, access_token, id_token
from bongsu.identity.oauth import GrantType, OAuthClient, OAuthError, OAuthFault, OAuthForm
from bongsu.service.issuing.clients import Credentials, authenticated_client, authenticated_service, granted_scope
from bongsu.service.issuing.issuer import Issuer, known_subject
from bongsu.store import audit
from bongsu.store.people import home_of
from bongsu.store.sessions import (
    add_family,
    add_refresh,
    end_family,
    family_of_token,
    find_family,
    find_refresh,
    forget_sessions,
    use_refresh,
)

_FAMILY_CHARACTERS = 22
# Rows of what is over stay for a while, for those who look into a misuse.
_KEEP_S = 30 * 86_400


@dataclass(frozen=True)
class TokenAnswer:
    """What a client gets (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str = ""
    id_token: str = ""

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
        }
        found |= {"refresh_token": self.refresh_token} if self.refresh_token else {}
        return found | ({"id_token": self.id_token} if self.id_token else {})


def begin_session(issuer: Issuer, connection: Connection, client: OAuthClient, subject: Subject) -> SessionFamily:
    """The family of whatever comes of a sign-in. Raises OAuthError, ``invalid_grant``, if the person is disabled."""
    now = issuer.clock()
    person = _person(issuer, connection, subject.subject)
    forget_sessions(connection, now - _KEEP_S)
    family = SessionFamily(
        id=new_secret()[:_FAMILY_CHARACTERS],
        client=client.id,
        subject=subject.subject,
        scope=subject.scope,
        signed_in_at=subject.signed_in_at,
        expires_at=now + issuer.settings.session_life_s,
    )
    add_family(connection, family)
    _record(connection, person, "session.begin", now, {"client": client.id, "family": family.id})
    return family


def tokens_for(
    issuer: Issuer, connection: Connection, client: OAuthClient, family: SessionFamily, subject: Subject
) -> TokenAnswer:
    """Tokens of a session; a refresh token if the client may use one and asked for it."""
    now, settings = issuer.clock(), issuer.settings
    ring, scope = issuer.keys.ring(), subject.scope.split(" ")
    refresh = ""
    if GrantType.REFRESH in client.grants and "offline_access" in scope:
        refresh = new_secret()
        ends = min(now + settings.refresh_life_s, family.expires_at)
        add_refresh(connection, RefreshGrant(kept_as(refresh), family.id, ends))
    life = settings.access_life_s
    return TokenAnswer(
        access_token=access_token(ring, settings.issuer, settings.audience, subject, now, life),
        expires_in=life,
        scope=subject.scope,
        refresh_token=refresh,
        id_token=id_token(ring, settings.issuer, subject, now, life) if "openid" in scope else "",
    )


def refreshed(issuer: Issuer, credentials: Credentials, form: OAuthForm) -> TokenAnswer:
    """New tokens for a refresh token, which is good for nothing from then on. One that comes a second time was copied:
    everything that came of that sign-in ends (RFC 9700, section 4.14.2).

    Raises:
        OAuthError: ``invalid_client``, ``unauthorized_client``, ``invalid_grant``.
    """
    client = authenticated_client(issuer, credentials, GrantType.REFRESH)
    token = kept_as(form.need("refresh_token"))
    with issuer.database.write() as connection:
        now = issuer.clock()
        known = family_of_token(connection, token)
        family = find_family(connection, known) if known is not None else None
        grant = find_refresh(connection, token)
        if family is not None and grant is not None and family.client == client.id and _holds(family, grant, now):
            if grant.used_at is None:
                return _next(issuer, connection, client, family, grant)
            _end_copied(issuer, connection, family, now)
    raise OAuthError(OAuthFault.INVALID_GRANT)


def revoke(issuer: Issuer, credentials: Credentials, form: OAuthForm) -> None:
    """End the session of a refresh token (RFC 7009); one that is not known is as good as ended.

    Raises:
        OAuthError: ``invalid_client``, ``unauthorized_client``.
    """
    client = authenticated_client(issuer, credentials, GrantType.REFRESH)
    token = kept_as(form.need("token"))
    with issuer.database.write() as connection:
        known = family_of_token(connection, token)
        family = find_family(connection, known) if known is not None else None
        if family is None or family.client != client.id or family.ended_at is not None:
            return
        now = issuer.clock()
        end_family(connection, family.id, now)
        person = known_subject(issuer, connection, family.subject)
        if person is not None:
            _record(connection, person, "session.end", now, {"client": client.id, "family": family.id})


def service_tokens(issuer: Issuer, credentials: Credentials, form: OAuthForm) -> TokenAnswer:
    """A token for a service account (RFC 6749, section 4.4). Raises OAuthError, ``invalid_client``,
    ``invalid_scope``."""
    account = authenticated_service(issuer, credentials)
    scope = " ".join(one for one in granted_scope(form).split(" ") if one == "bongsu") or "bongsu"
    now, settings = issuer.clock(), issuer.settings
    subject = Subject(account, account, scope, "", now)
    token = access_token(
        issuer.keys.ring(), settings.issuer, settings.audience, subject, now, settings.access_life_s
    )
    return TokenAnswer(token, settings.access_life_s, scope)


def end_copied(issuer: Issuer, connection: Connection, family: str, now: float) -> None:
    """End a family because what it came of was used twice."""
    found = find_family(connection, family)
    if found is not None and found.ended_at is None:
        _end_copied(issuer, connection, found, now)


def _holds(family: SessionFamily, grant: RefreshGrant, now: float) -> bool:
    return family.ended_at is None and now < min(grant.expires_at, family.expires_at)


def _next(
    issuer: Issuer, connection: Connection, client: OAuthClient, family: SessionFamily, grant: RefreshGrant
) -> TokenAnswer:
    _person(issuer, connection, family.subject)
    use_refresh(connection, grant.token, issuer.clock())
    account = issuer.accounts.of_subject(family.subject) if issuer.accounts else None
    if account is None:
        raise OAuthError(OAuthFault.INVALID_GRANT)
    subject = Subject(family.subject, client.id, family.scope, account.name, family.signed_in_at)
    return tokens_for(issuer, connection, client, family, subject)


def _end_copied(issuer: Issuer, connection: Connection, family: SessionFamily, now: float) -> None:
    end_family(connection, family.id, now)
    person = known_subject(issuer, connection, family.subject)
    if person is not None:
        facts = {"client": family.client, "family": family.id}
        whose = f"person:{person.id}"
        # What OAuth refuses has no code of ours.
        audit.append(connection, _themselves(person).was_refused("session.reuse", whose, now, (), facts))


def _person(issuer: Issuer, connection: Connection, subject: str) -> Actor:
    found = known_subject(issuer, connection, subject)
    if found is None:
        raise OAuthError(OAuthFault.INVALID_GRANT)
    return found


def _record(connection: Connection, person: Actor, action: str, now: float, facts: dict[str, Any]) -> None:
    audit.append(connection, _themselves(person).did(action, f"person:{person.id}", now, facts=facts))


def _themselves(person: Actor) -> Author:
    return Author(Tenant(home_of(person.id)), person.id)
