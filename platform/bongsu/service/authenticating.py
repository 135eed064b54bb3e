"""The authenticator of a process: tokens by the identity layer, people and attempts out of the store."""

from __future__ import annotations

from collections.abc import Iterable

from bongsu.domain.ids import AttemptId
from bongsu.domain.people import Actor
from bongsu.domain.tokens import LiveAttempt, VerifiedToken
from bongsu.identity.authenticator import Authenticator
from bongsu.identity.key_file import KeyFile
from bongsu.identity.verifier import TokenVerifier, Trust
from bongsu.store.attempts import find_live
from bongsu.store.database import Database
from bongsu.store.people import actor_of


def open_authenticator(database: Database, trusts: Iterable[Trust], attempt_keys: KeyFile) -> Authenticator:
    """Args:
    database: with people and attempts.
    trusts: identity providers (:func:`bongsu.identity.verifier.trusting`), and the built-in issuer if it is on.
    attempt_keys: with which the control plane signs tokens of workers.
    """

    def people(token: VerifiedToken) -> Actor | None:
        with database.ask() as connection:
            return actor_of(connection, token.ministry, token.issuer, token.subject)

    def live(attempt: AttemptId) -> LiveAttempt | None:
        with database.ask() as connection:
            return find_live(connection, attempt)

    return Authenticator(TokenVerifier(trusts), people, attempt_keys.ring, live)
