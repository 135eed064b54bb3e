"""From a bearer token to whoever asks: the one door through which every request comes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bongsu.domain.ids import AttemptId
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.tokens import LiveAttempt, VerifiedToken
from bongsu.identity.attempt_tokens import CONTROL_PLANE, is_used_up, verify_attempt_token, worker_of
from bongsu.identity.key_ring import KeyRing
from bongsu.identity.parsing import Unverified, parse
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.identity.verifier import TokenVerifier

_LOG = logging.getLogger("bongsu.identity")


@dataclass(frozen=True)
class Authenticator:
    """Attributes:
    verifier: of the tokens of identity providers.
    people: gives whoever an issuer's subject is now, of the ministry that it says; None for one that is not known, or
        that was disabled.
    attempt_keys: with which the control plane signs for workers.
    live: gives an attempt that is asked for or under way; None for any other.
    """

    verifier: TokenVerifier
    people: Callable[[VerifiedToken], Actor | None]
    attempt_keys: Callable[[], KeyRing]
    live: Callable[[AttemptId], LiveAttempt | None]

    def actor(self, token: str, now: float) -> Actor:
        """Who asks. The store is looked at each time: whoever was disabled, and an attempt that is over, is refused at
        once though the token would hold for longer.

        Args:
            token: what stands behind ``Bearer``.
            now: seconds since the epoch.

        Raises:
            BongsuError: ``identity.not-signed-in``, whatever the reason; the log has the reason.
        """
        try:
            return self._actor(parse(token), now)
        except TokenRefusedError as error:
            # Nothing out of the token: it may be forged, and it may be somebody's.
            _LOG.info("A token was refused: %s", error.cause.value, extra={"cause": error.cause.value})
            raise

    def _actor(self, token: Unverified, now: float) -> Actor:
        if token.issuer == CONTROL_PLANE:
            return self._worker(token, now)
        verified = self.verifier.verify_parsed(token, now)
        actor = self.people(verified)
        if actor is None:
            raise TokenRefusedError(Cause.PERSON)
        # What a client got for itself, without a person who signed in, never acts as one.
        if verified.kind is ActorKind.SERVICE and actor.kind is ActorKind.PERSON:
            raise TokenRefusedError(Cause.KIND)
        return actor

    def _worker(self, token: Unverified, now: float) -> Actor:
        verified = verify_attempt_token(self.attempt_keys(), token, now)
        attempt = None if verified.attempt is None else self.live(verified.attempt)
        if attempt is None:
            raise TokenRefusedError(Cause.ATTEMPT_OVER)
        if is_used_up(verified.issued_at, attempt.begun_at, now):
            raise TokenRefusedError(Cause.EXPIRED)
        return worker_of(verified)
