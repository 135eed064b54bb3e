"""Which program asks for tokens, and whether it is the one that it says it is."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.people import ActorKind
from bongsu.identity.oauth import GrantType, OAuthClient, OAuthError, OAuthFault, OAuthForm
from bongsu.identity.secret_hashes import MAX_SECRET
from bongsu.service.issuing.issuer import SCOPES, Issuer, known_subject
from bongsu.store.service_secrets import secrets_of

_MAX_CLIENT = 200
# As long a look for an account with one secret as with two, or without any.
_LOOKS = 2


@dataclass(frozen=True)
class Credentials:
    """Attributes:
    client: ``client_id``.
    secret: empty if it sent none.
    """

    client: str
    secret: str = ""


def known_client(issuer: Issuer, client: str) -> OAuthClient | None:
    return next((one for one in issuer.settings.clients if one.id == client), None)


def authenticated_client(issuer: Issuer, credentials: Credentials, grant: GrantType) -> OAuthClient:
    """A program that people sign in with, for the way by which it asks.

    Raises:
        OAuthError: ``invalid_client``, the same for one that there is not and for a wrong secret;
            ``unauthorized_client`` if it may not come by tokens like that.
    """
    known = known_client(issuer, credentials.client)
    if known is None or known.secret is not None:
        matches = issuer.hasher.matches(credentials.secret, known.secret if known else None)
    else:
        # A public client has no secret; who sends one takes it for another kind.
        matches = not credentials.secret
    if known is None or not matches:
        raise OAuthError(OAuthFault.INVALID_CLIENT)
    if grant not in known.grants:
        raise OAuthError(OAuthFault.UNAUTHORIZED_CLIENT, "the client may not use this grant type")
    return known


def authenticated_service(issuer: Issuer, credentials: Credentials) -> str:
    """The id of a service account, by one of its secrets. Raises OAuthError, ``invalid_client``."""
    account = credentials.client
    is_sane = account.isprintable() and len(account) <= _MAX_CLIENT and len(credentials.secret) <= MAX_SECRET
    hashes: list[str] = []
    if is_sane:
        with issuer.database.read() as connection:
            actor = known_subject(issuer, connection, account)
            if actor is not None and actor.kind is ActorKind.SERVICE and actor.id == account:
                hashes = [one.hash for one in secrets_of(connection, account, issuer.clock())]
    looks = [*hashes, *[None] * _LOOKS][: max(_LOOKS, len(hashes))]
    # Every one is compared, whichever fits: the time says nothing.
    matched = [issuer.hasher.matches(credentials.secret, kept) for kept in looks]
    if not any(matched):
        raise OAuthError(OAuthFault.INVALID_CLIENT)
    return account


def granted_scope(asked: OAuthForm) -> str:
    """What of the asked scope there is here, in a stable order; everything that goes with an API token if none was
    asked for. Raises OAuthError, ``invalid_scope``, if nothing is left."""
    words = asked.get("scope").split(" ") if asked.get("scope") else ["bongsu"]
    granted = sorted(SCOPES & set(words))
    if not granted:
        raise OAuthError(OAuthFault.INVALID_SCOPE, "none of these scopes is known")
    return " ".join(granted)
