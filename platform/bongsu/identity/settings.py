"""Whose tokens are believed, and for how long."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import MINISTRY_NAME
from bongsu.domain.phrases import Phrase, phrase
from bongsu.identity.signatures import KEY_TYPES, ClaimRules

MAX_LEEWAY_S = 300
DAY_S = 86_400
MAX_FETCH_S = 10.0


@dataclass(frozen=True)
class TrustedIssuer:
    """An identity provider whose tokens say who somebody is.

    Attributes:
        issuer: its URL, exactly as ``iss`` has it.
        audience: that its tokens for this platform have in ``aud``.
        ministries: whose people and service accounts its tokens tell of; empty for whichever ``ministry_claim`` names.
        ministry_claim: the claim of its tokens that names the ministry; needed unless it serves exactly one.
        jwks_uri: where its keys are; None asks its discovery document (OpenID Connect Discovery 1.0, section 4).
        algorithms: with which it may sign; of :data:`bongsu.identity.signatures.KEY_TYPES`.
        leeway_s: how far its clock may be from ours.
        longest_life_s: a token that holds for longer is refused.
        refresh_after_s: a key id that is not known has the keys fetched anew at most this often.
        max_age_s: keys that were fetched longer ago are fetched anew.
        keep_s: keys serve for so long while none can be fetched; then nobody is let in.
        fetch_timeout_s: for one answer of the provider, from the first byte to it to the last one of it; at most 10.

    Raises:
        BongsuError: ``identity.setting``.
    """

    issuer: str
    audience: str
    ministries: tuple[str, ...] = ()
    ministry_claim: str = ""
    jwks_uri: str | None = None
    algorithms: tuple[str, ...] = ("ES256", "RS256", "EdDSA", "Ed25519")
    leeway_s: int = 30
    longest_life_s: int = DAY_S
    refresh_after_s: int = 10
    max_age_s: int = 3600
    keep_s: int = DAY_S
    fetch_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        for name in ("issuer", "jwks_uri"):
            url = getattr(self, name)
            if url is not None and not is_safe_url(url):
                words = N_("{url} is no https:// address, nor an http:// one of this machine")
                self._refuse(name, phrase(words, url=url))
        if not self.audience:
            self._refuse("audience", phrase(N_("it is empty")))
        self._check_ministries()
        if not self.algorithms or not set(self.algorithms) <= KEY_TYPES.keys():
            words = N_("it has {given}, and may have {known}")
            told = {"given": ", ".join(self.algorithms), "known": ", ".join(KEY_TYPES)}
            self._refuse("algorithms", phrase(words, **told))
        if not 0 <= self.leeway_s <= MAX_LEEWAY_S:
            words = N_("{given} is not from 0 to {most}")
            self._refuse("leeway_s", phrase(words, given=self.leeway_s, most=MAX_LEEWAY_S))
        for name in ("longest_life_s", "refresh_after_s", "max_age_s", "keep_s", "fetch_timeout_s"):
            if getattr(self, name) <= 0:
                self._refuse(name, phrase(N_("{given} is not above 0"), given=getattr(self, name)))
        if not self.fetch_timeout_s <= MAX_FETCH_S:
            words = N_("{given} is not from 0 to {most}")
            self._refuse("fetch_timeout_s", phrase(words, given=self.fetch_timeout_s, most=MAX_FETCH_S))

    @property
    def rules(self) -> ClaimRules:
        return ClaimRules(self.issuer, self.audience, self.leeway_s, self.longest_life_s)

    def serves(self, ministry: str) -> bool:
        """Whether its tokens may tell of people of this ministry."""
        return not self.ministries or ministry in self.ministries

    def ministry_in(self, claims: Mapping[str, Any]) -> str | None:
        """Of whose people a token is, by its claims, which were verified; None if that is no ministry that the issuer
        serves."""
        said = claims.get(self.ministry_claim) if self.ministry_claim else self.ministries[0]
        return said if isinstance(said, str) and MINISTRY_NAME.fullmatch(said) and self.serves(said) else None

    def _check_ministries(self) -> None:
        for ministry in self.ministries:
            if MINISTRY_NAME.fullmatch(ministry) is None:
                self._refuse("ministries", phrase(N_("{given} is no name of a ministry"), given=ministry))
        # Else an operator of one ministry could take whom another one's people are there.
        if not self.ministry_claim and len(self.ministries) != 1:
            words = N_("it does not serve exactly one, and no claim is stated that names the one of a token")
            self._refuse("ministries", phrase(words))

    def _refuse(self, name: str, detail: Phrase) -> None:
        raise codes.SETTING.error(name=name, issuer=self.issuer, detail=detail)


def is_safe_url(url: str) -> bool:
    """True for https, and for http on this machine's loopback, where nobody is in between; without a query, a fragment
    or somebody's name."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """True for ``localhost`` and addresses of the loopback range."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
