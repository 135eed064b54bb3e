"""Devices without a browser: they show a code, somebody types it elsewhere and signs in (RFC 8628)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bongsu.domain.sessions import DeviceGrant, DeviceState
from bongsu.identity.codes import kept_as, new_secret, new_user_code, read_user_code, shown_user_code
from bongsu.identity.issued_tokens import Subject
from bongsu.identity.oauth import GrantType, OAuthClient, OAuthError, OAuthFault, OAuthForm
from bongsu.identity.polling import polled
from bongsu.service.issuing.clients import Credentials, authenticated_client, granted_scope
from bongsu.service.issuing.issuer import Issuer
from bongsu.service.issuing.signing_in import sign_in
from bongsu.service.issuing.tokens import TokenAnswer, begin_session, end_copied, tokens_for
from bongsu.store.sign_ins import (
    add_device,
    device_by_code,
    device_by_user_code,
    forget_sign_ins,
    save_device,
)

# A device still learns that its code is over, for so long.
_KEEP_S = 3600
_TRIES = 10


class UnknownDeviceError(Exception):
    """No device waits with this code: it was mistyped, is over, or was answered already."""


@dataclass(frozen=True)
class DeviceAnswer:
    """What a device gets to show (RFC 8628, section 3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int

    def document(self) -> dict[str, Any]:
        return {
            "device_code": self.device_code,
            "user_code": self.user_code,
            "verification_uri": self.verification_uri,
            "verification_uri_complete": f"{self.verification_uri}?user_code={self.user_code}",
            "expires_in": self.expires_in,
            "interval": self.interval,
        }


def start_device(issuer: Issuer, credentials: Credentials, form: OAuthForm) -> DeviceAnswer:
    """A device begins to wait.

    Raises:
        OAuthError: ``invalid_client``, ``unauthorized_client``, ``invalid_scope``.
    """
    client = authenticated_client(issuer, credentials, GrantType.DEVICE)
    scope, settings, now = granted_scope(form), issuer.settings, issuer.clock()
    secret = new_secret()
    with issuer.database.write() as connection:
        forget_sign_ins(connection, now - _KEEP_S)
        for _ in range(_TRIES):
            ends = now + settings.device_life_s
            grant = DeviceGrant(
                kept_as(secret), new_user_code(), client.id, scope, ends, settings.device_interval_s
            )
            if add_device(connection, grant):
                break
        else:
            raise OAuthError(OAuthFault.INVALID_REQUEST, "try again")
    return DeviceAnswer(
        device_code=secret,
        user_code=shown_user_code(grant.user_code),
        verification_uri=f"{settings.issuer}/device",
        expires_in=settings.device_life_s,
        interval=settings.device_interval_s,
    )


def answer_device(issuer: Issuer, typed: str, login: str, password: str, allow: bool) -> None:
    """Let the device with this code act in one's name, or turn it away.

    Args:
        issuer: which signs people in.
        typed: the code, as somebody typed it.
        login, password: of an account; asked for before the code is looked at, so that nobody tries codes.
        allow: False turns the device away.

    Raises:
        SignInRefusedError, TooManyTriesError: as :func:`bongsu.service.issuing.signing_in.sign_in`.
        UnknownDeviceError: no device waits with this code.
    """
    account = sign_in(issuer, login, password)
    user_code = read_user_code(typed)
    with issuer.database.write() as connection:
        grant = device_by_user_code(connection, user_code) if user_code else None
        if grant is None or grant.state is not DeviceState.PENDING or issuer.clock() >= grant.expires_at:
            raise UnknownDeviceError
        state = DeviceState.APPROVED if allow else DeviceState.DENIED
        save_device(connection, replace(grant, state=state, subject=account.subject))


def device_tokens(issuer: Issuer, credentials: Credentials, form: OAuthForm) -> TokenAnswer:
    """What a device gets that asks whether somebody has signed in.

    A code that comes again after tokens were given for it was copied, or the answer was lost on its way. RFC 8628 gives
    no tokens a second time; the session of the first ends, which nobody misses whose answer was lost, and which nobody
    keeps who was faster with a copy (RFC 9700, section 4.14.2, of refresh tokens).

    Raises:
        OAuthError: ``authorization_pending``, ``slow_down``, ``expired_token``, ``access_denied``, ``invalid_grant``,
            and of the client.
    """
    client = authenticated_client(issuer, credentials, GrantType.DEVICE)
    code = kept_as(form.need("device_code"))
    with issuer.database.write() as connection:
        grant = device_by_code(connection, code)
        if grant is None or grant.client != client.id:
            raise OAuthError(OAuthFault.INVALID_GRANT)
        outcome = polled(grant, issuer.clock())
        save_device(connection, outcome.grant)
        if outcome.fault is None:
            subject = _subject(issuer, client, grant)
            family = begin_session(issuer, connection, client, subject)
            save_device(connection, replace(outcome.grant, family=family.id))
            return tokens_for(issuer, connection, client, family, subject)
        if grant.state is DeviceState.USED and grant.family:
            end_copied(issuer, connection, grant.family, issuer.clock())
    raise OAuthError(outcome.fault)


def _subject(issuer: Issuer, client: OAuthClient, grant: DeviceGrant) -> Subject:
    account = issuer.accounts.of_subject(grant.subject) if issuer.accounts else None
    if account is None:
        raise OAuthError(OAuthFault.INVALID_GRANT)
    return Subject(grant.subject, client.id, grant.scope, account.name, issuer.clock())
