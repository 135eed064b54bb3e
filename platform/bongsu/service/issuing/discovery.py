"""What the built-in issuer says of itself (OpenID Connect Discovery 1.0, RFC 8414)."""

from __future__ import annotations

from typing import Any

from bongsu.identity.fetching import DISCOVERY
from bongsu.identity.key_ring import ALGORITHM
from bongsu.language.translation import LANGUAGES
from bongsu.service.issuing.issuer import SCOPES, Issuer

DISCOVERY_PATH = DISCOVERY


def discovery(issuer: Issuer) -> dict[str, Any]:
    """The document at :data:`DISCOVERY_PATH`."""
    url = issuer.settings.issuer
    document: dict[str, Any] = {
        "issuer": url,
        "jwks_uri": f"{url}/jwks.json",
        "token_endpoint": f"{url}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "grant_types_supported": [one.value for one in issuer.grant_types()],
        "scopes_supported": sorted(SCOPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "response_types_supported": ["code"] if issuer.accounts else [],
    }
    if issuer.accounts is None:
        return document
    return document | {
        "authorization_endpoint": f"{url}/authorize",
        "device_authorization_endpoint": f"{url}/device_authorization",
        "revocation_endpoint": f"{url}/revoke",
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": ["sub", "name", "preferred_username", "auth_time"],
        "ui_locales_supported": list(LANGUAGES),
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def key_set(issuer: Issuer) -> dict[str, Any]:
    """The JWK Set: the key that signs, and those whose tokens may still hold."""
    return issuer.keys.ring().published()
