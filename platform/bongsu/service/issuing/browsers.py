"""Browsers that a program sends here to sign in, and that go back with a code (RFC 6749 section 4.1, RFC 7636)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import Connection

from bongsu.domain.sessions import CodeGrant
from bongsu.identity.codes import is_challenge, kept_as, new_secret, proves
from bongsu.identity.issued_tokens import Subject
from bongsu.identity.oauth import GrantType, OAuthClient, OAuthError, OAuthFault, OAuthForm
from bongsu.service.issuing.clients import Credentials, authenticated_client, granted_scope, known_client
from bongsu.service.issuing.issuer import Issuer
from bongsu.service.issuing.signing_in import sign_in
from bongsu.service.issuing.tokens import TokenAnswer, begin_session, end_copied, tokens_for
from bongsu.store.sign_ins import add_code, find_code, forget_sign_ins, use_code

_MAX_STATE, _MAX_NONCE = 2000, 500
# A code that comes a second time is still known as one that was used, for so long.
_KEEP_S = 3600
FIELDS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
"""Of a request; the page on which somebody signs in sends them again."""


class UnknownReturnError(Exception):
    """The program, or the address to go back to, is not one that is known: nobody is sent there."""


class ReturnedError(Exception):
    """Something else is wrong with the request; the browser goes back to the program and says so.

    Args:
        address: to which it goes.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


@dataclass(frozen=True)
class BrowserRequest:
    """A request that holds, before anybody has signed in.

    Attributes:
        client: which sent the browser.
        redirect_uri, state: to which it goes back, and with what.
        scope, nonce, challenge: of the tokens that will be asked for.
    """

    client: OAuthClient
    redirect_uri: str
    state: str
    scope: str
    nonce: str
    challenge: str


def read_request(issuer: Issuer, form: OAuthForm) -> BrowserRequest:
    """Raises UnknownReturnError, ReturnedError."""
    client = known_client(issuer, form.get("client_id"))
    address = form.get("redirect_uri")
    # Character by character (RFC 9700, section 4.1.3): whatever is looser has been used to carry codes elsewhere.
    if client is None or GrantType.CODE not in client.grants or address not in client.redirect_uris:
        raise UnknownReturnError
    state = form.get("state")[:_MAX_STATE]
    try:
        _refuse_other_kinds(form)
        return BrowserRequest(
            client, address, state, granted_scope(form), form.get("nonce"), form.get("code_challenge")
        )
    except OAuthError as error:
        told = {"error": error.fault.value, "error_description": error.description}
        raise ReturnedError(_back(issuer, address, told, state)) from error


def signed_in_address(issuer: Issuer, request: BrowserRequest, login: str, password: str) -> str:
    """Where the browser goes once somebody has signed in, with a code.

    Raises:
        SignInRefusedError, TooManyTriesError: as :func:`bongsu.service.issuing.signing_in.sign_in`.
    """
    account = sign_in(issuer, login, password)
    code, now = new_secret(), issuer.clock()
    grant = CodeGrant(
        code=kept_as(code),
        client=request.client.id,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        challenge=request.challenge,
        nonce=request.nonce,
        subject=account.subject,
        expires_at=now + issuer.settings.code_life_s,
    )
    with issuer.database.write() as connection:
        forget_sign_ins(connection, now - _KEEP_S)
        add_code(connection, grant)
    return _back(issuer, request.redirect_uri, {"code": code}, request.state)


def code_tokens(issuer: Issuer, credentials: Credentials, form: OAuthForm) -> TokenAnswer:
    """Tokens for a code. A code that comes a second time was copied, and what was given for it ends.

    Raises:
        OAuthError: ``invalid_grant`` whatever is wrong with the code, its address or its proof; and of the client.
    """
    client = authenticated_client(issuer, credentials, GrantType.CODE)
    code, address, verifier = form.need("code"), form.need("redirect_uri"), form.need("code_verifier")
    with issuer.database.write() as connection:
        now = issuer.clock()
        grant = find_code(connection, kept_as(code))
        if grant is not None and grant.client == client.id:
            if grant.family:
                end_copied(issuer, connection, grant.family, now)
            elif _holds(grant, address, verifier, now):
                return _given(issuer, connection, client, grant)
    raise OAuthError(OAuthFault.INVALID_GRANT)


def _given(issuer: Issuer, connection: Connection, client: OAuthClient, grant: CodeGrant) -> TokenAnswer:
    account = issuer.accounts.of_subject(grant.subject) if issuer.accounts else None
    if account is None:
        raise OAuthError(OAuthFault.INVALID_GRANT)
    subject = Subject(grant.subject, client.id, grant.scope, account.name, issuer.clock(), grant.nonce)
    family = begin_session(issuer, connection, client, subject)
    use_code(connection, grant.code, family.id)
    return tokens_for(issuer, connection, client, family, subject)


def _holds(grant: CodeGrant, address: str, verifier: str, now: float) -> bool:
    return now < grant.expires_at and address == grant.redirect_uri and proves(verifier, grant.challenge)


def _refuse_other_kinds(form: OAuthForm) -> None:
    """Raises OAuthError for what is not done here."""
    if form.get("response_type") != "code":
        raise OAuthError(OAuthFault.UNSUPPORTED_RESPONSE_TYPE, "response_type has to be code")
    if form.get("code_challenge_method") != "S256" or not is_challenge(form.get("code_challenge")):
        raise OAuthError(OAuthFault.INVALID_REQUEST, "PKCE with S256 is needed")
    if len(form.get("state")) > _MAX_STATE or len(form.get("nonce")) > _MAX_NONCE:
        raise OAuthError(OAuthFault.INVALID_REQUEST, "state or nonce is too long")
    if not form.get("nonce").isprintable():
        raise OAuthError(OAuthFault.INVALID_REQUEST, "nonce is not printable")


def _back(issuer: Issuer, address: str, told: dict[str, str], state: str) -> str:
    """With who sends it (RFC 9207), so that a program with several issuers does not mix them up."""
    values = told | ({"state": state} if state else {}) | {"iss": issuer.settings.issuer}
    return address + ("&" if "?" in address else "?") + urlencode(values)
