"""The identity provider of this very process, as browsers' sign-ins ask it: without a way over the network, on which a
server would wait for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.identity.oauth import GrantType, OAuthError, OAuthForm
from bongsu.identity.relying_party import Endpoints, GrantRefusedError, IssuedTokens
from bongsu.service.issuing.browsers import code_tokens
from bongsu.service.issuing.clients import Credentials
from bongsu.service.issuing.issuer import Issuer
from bongsu.service.issuing.tokens import refreshed, revoke

_GIVEN = {GrantType.CODE.value: code_tokens, GrantType.REFRESH.value: refreshed}


@dataclass(frozen=True)
class OwnProvider:
    """A :class:`bongsu.identity.relying_party.Provider`."""

    issuer: Issuer

    def endpoints(self) -> Endpoints:
        url = self.issuer.settings.issuer
        return Endpoints(f"{url}/authorize", f"{url}/token", f"{url}/revoke", names_itself=True)

    def tokens(self, form: Mapping[str, str]) -> IssuedTokens:
        try:
            given = _GIVEN[form["grant_type"]](self.issuer, _credentials(form), OAuthForm(form))
        except OAuthError as error:
            raise GrantRefusedError(error.fault.value) from error
        return IssuedTokens(given.access_token, given.refresh_token, given.id_token)

    def revoke(self, form: Mapping[str, str]) -> None:
        try:
            revoke(self.issuer, _credentials(form), OAuthForm(form))
        except OAuthError as error:
            raise GrantRefusedError(error.fault.value) from error


def _credentials(form: Mapping[str, str]) -> Credentials:
    return Credentials(form["client_id"], form.get("client_secret", ""))
