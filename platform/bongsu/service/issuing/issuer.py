"""What the built-in issuer works on, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from joserfc.jwk import Key
from sqlalchemy import Connection

from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.server_defaults import AUDIENCE
from bongsu.identity.account_file import AccountFile
from bongsu.identity.issued_tokens import MINISTRY_CLAIM
from bongsu.identity.key_file import KeyFile
from bongsu.identity.key_ring import ALGORITHM, KeyRing
from bongsu.identity.oauth import CLI, GrantType, OAuthClient
from bongsu.identity.secret_hashes import SECRET_COST, SecretHasher
from bongsu.identity.settings import DAY_S, TrustedIssuer, is_loopback, is_safe_url
from bongsu.identity.verifier import Trust
from bongsu.store.database import Database
from bongsu.store.people import actor_of, home_of

ISSUER_KEYS = "issuer-keys.json"
ATTEMPT_KEYS = "attempt-keys.json"
ACCOUNTS = "accounts.json"
SCOPES = frozenset({"openid", "profile", "email", "offline_access", "bongsu"})


@dataclass(frozen=True)
class IssuerSettings:
    """Attributes:
    issuer: its URL; the router is mounted at its path.
    audience: of access tokens: what the platform's verifier asks for.
    clients: programs that people sign in with.
    network: whether it may be asked from other machines; else it answers to this one alone.
    access_life_s: of access and id tokens.
    device_life_s, device_interval_s: how long a device waits, and between two of its questions.
    code_life_s: between the browser's way back and the exchange.
    refresh_life_s: of a refresh token that nobody uses.
    session_life_s: from a sign-in to the end of all that came of it.

    Raises:
        BongsuError: ``identity.setting``.
    """

    issuer: str
    audience: str = AUDIENCE
    clients: tuple[OAuthClient, ...] = (CLI,)
    network: bool = False
    access_life_s: int = 600
    device_life_s: int = 600
    device_interval_s: int = 5
    code_life_s: int = 60
    refresh_life_s: int = 8 * 3600
    session_life_s: int = 7 * 86_400

    def __post_init__(self) -> None:
        if not is_safe_url(self.issuer) or self.issuer.endswith("/"):
            words = N_(
                "{url} is no https:// address, nor an http:// one of this machine, without a slash at its end"
            )
            raise codes.SETTING.error(name="issuer", issuer=self.issuer, detail=phrase(words, url=self.issuer))
        if not self.network and not is_loopback(self.host):
            words = N_("it is no address of this machine, and `network` is off")
            raise codes.SETTING.error(name="issuer", issuer=self.issuer, detail=phrase(words))
        # A key that signs no longer is kept for a day: no token of it may last longer.
        if not 0 < self.access_life_s <= DAY_S:
            words = N_("{given} is not from 1 to {most}")
            told = phrase(words, given=self.access_life_s, most=DAY_S)
            raise codes.SETTING.error(name="access_life_s", issuer=self.issuer, detail=told)

    @property
    def host(self) -> str:
        return urlsplit(self.issuer).hostname or ""

    @property
    def authority(self) -> str:
        """Host and port, as a browser writes them into ``Host``."""
        return urlsplit(self.issuer).netloc

    @property
    def path(self) -> str:
        """At which the router is mounted; empty if the issuer has the whole host."""
        return urlsplit(self.issuer).path


@dataclass(frozen=True)
class Issuer:
    """Attributes:
    settings: as configured.
    database: with people and sign-ins.
    keys: with which tokens are signed.
    accounts: who can sign in; None if tokens are given to service accounts alone.
    hasher: for secrets of clients.
    clock: seconds since the epoch.
    """

    settings: IssuerSettings
    database: Database
    keys: KeyFile
    accounts: AccountFile | None
    hasher: SecretHasher
    clock: Callable[[], float]

    def grant_types(self) -> list[GrantType]:
        """Those that can be had here."""
        for_people = {grant for client in self.settings.clients for grant in client.grants}
        return [one for one in GrantType if one is GrantType.CLIENT or (self.accounts and one in for_people)]

    def trust(self) -> Trust:
        """For the verifier of the same process, which needs no fetching. An access token lives for as long as the
        settings say, and no longer one of this issuer's is taken."""
        settings = self.settings
        trusted = TrustedIssuer(
            issuer=settings.issuer,
            audience=settings.audience,
            ministry_claim=MINISTRY_CLAIM,
            algorithms=(ALGORITHM,),
            longest_life_s=settings.access_life_s,
        )
        return Trust(trusted, _OwnKeys(self.keys.ring))


def known_subject(issuer: Issuer, connection: Connection, subject: str) -> Actor | None:
    """Who a subject of this issuer is now, of the ministry in it; None for one that is not known, or that was
    disabled."""
    return actor_of(connection, home_of(subject), issuer.settings.issuer, subject)


@dataclass(frozen=True)
class _OwnKeys:
    """The keys of now, whenever one is looked for."""

    ring: Callable[[], KeyRing]

    def find(self, key_id: str, algorithm: str, now: float) -> Key | None:
        return self.ring().find(key_id, algorithm, now)


def open_issuer(
    home: Path, database: Database, settings: IssuerSettings, clock: Callable[[], float], with_people: bool = True
) -> Issuer:
    """The issuer whose keys and accounts lie in ``home``.

    Args:
        home: with the files of keys (made if there are none) and of accounts.
        database: with people.
        settings: as configured.
        clock: seconds since the epoch.
        with_people: False gives tokens to service accounts alone: for a platform whose people sign in elsewhere.

    Raises:
        BongsuError: ``identity.key-file``, ``identity.account-file``.
    """
    keys = KeyFile(home / ISSUER_KEYS, clock, DAY_S)
    keys.ring()
    accounts = AccountFile(home / ACCOUNTS, SecretHasher()) if with_people else None
    if accounts is not None:
        accounts.accounts()
    return Issuer(settings, database, keys, accounts, SecretHasher(SECRET_COST), clock)
