"""Tokens that the control plane signs for the worker of one attempt at a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bongsu.domain.ids import AttemptId
from bongsu.domain.people import Actor, ActorKind
from bongsu.domain.tokens import VerifiedToken
from bongsu.identity.key_ring import ALGORITHM, KeyRing
from bongsu.identity.parsing import Unverified
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.identity.signatures import ClaimRules, check_claims, sign, signed_claims

CONTROL_PLANE = "urn:bongsu:control-plane"
WORKER_AUDIENCE = "bongsu-worker"
ATTEMPT_TYPE = "bongsu-attempt+jwt"
LONGEST_LIFE_S = 86_400
"""For an attempt that waits for its turn: it is given its token before."""
WORKING_LIFE_S = 3_600
"""Once the attempt has begun: from then on, or from when the token was given if that is later. Its worker gets others
while the attempt is live."""
_LEEWAY_S = 30


@dataclass(frozen=True)
class AttemptGrant:
    """What a worker's token is given for.

    Attributes:
        attempt: at which stage of which run.
        ministry: of the run.
        timeout_s: after which the attempt is stopped; None if it may go on for as long as it takes.
        has_begun: whether it waits for its turn no longer.
    """

    attempt: AttemptId
    ministry: str
    timeout_s: float | None = None
    has_begun: bool = False

    @property
    def life_s(self) -> float:
        """For how long a token for it holds at most, in seconds."""
        return min(self._most_s, WORKING_LIFE_S if self.has_begun else LONGEST_LIFE_S)

    @property
    def working_life_s(self) -> float:
        """For how long it holds from the moment at which the attempt begins, or from now if that was before."""
        return min(self._most_s, WORKING_LIFE_S)

    @property
    def _most_s(self) -> float:
        return LONGEST_LIFE_S if self.timeout_s is None else self.timeout_s


def issue_attempt_token(ring: KeyRing, grant: AttemptGrant, now: float) -> str:
    """A token that holds for :attr:`AttemptGrant.life_s` from now on."""
    claims = {
        "iss": CONTROL_PLANE,
        "aud": WORKER_AUDIENCE,
        "sub": grant.attempt.key,
        "iat": int(now),
        # Rounded down: a token never outlives its attempt.
        "exp": int(now + grant.life_s),
        "run": grant.attempt.run_id,
        "stage": grant.attempt.stage_id,
        "attempt": grant.attempt.number,
        "ministry": grant.ministry,
    }
    header = {"alg": ALGORITHM, "kid": ring.signing.id, "typ": ATTEMPT_TYPE}
    return sign(header, claims, ring.signing.key)


def is_used_up(issued_at: float, begun_at: float | None, now: float) -> bool:
    """True of a token whose worker should have another by now; times in seconds since the epoch.

    Args:
        issued_at: when the token was given.
        begun_at: when the attempt began; None while it waits for its turn.
        now: the time.
    """
    return begun_at is not None and now >= max(issued_at, begun_at) + WORKING_LIFE_S


def verify_attempt_token(ring: KeyRing, token: Unverified, now: float) -> VerifiedToken:
    """Of which attempt the token is; whether that is under way still is another question.

    Raises:
        TokenRefusedError: it is not one of ours, or it is over.
    """
    if token.type != ATTEMPT_TYPE:
        raise TokenRefusedError(Cause.TYPE)
    key = ring.find(token.key_id, token.algorithm, now)
    if key is None:
        raise TokenRefusedError(Cause.KEY)
    claims = signed_claims(token, key, (ALGORITHM,))
    # A clock of ours wrote the times; the leeway is for another replica's.
    check_claims(claims, ClaimRules(CONTROL_PLANE, WORKER_AUDIENCE, _LEEWAY_S, LONGEST_LIFE_S), now)
    if claims["exp"] <= now:
        raise TokenRefusedError(Cause.EXPIRED)
    attempt, ministry = _attempt(claims)
    return VerifiedToken(
        issuer=CONTROL_PLANE,
        subject=claims["sub"],
        kind=ActorKind.WORKER,
        scopes=frozenset(),
        issued_at=float(claims.get("iat", 0)),
        expires_at=float(claims["exp"]),
        attempt=attempt,
        ministry=ministry,
    )


def worker_of(token: VerifiedToken) -> Actor:
    """Who acts with a worker's token: nobody in any ministry. What it may do says :mod:`bongsu.policy.worker`; its
    ministry stands there without a role."""
    return Actor(
        id=f"worker:{token.subject}",
        name=token.subject,
        kind=ActorKind.WORKER,
        roles={token.ministry: frozenset()},
        attempt=token.attempt,
    )


def _attempt(claims: Mapping[str, Any]) -> tuple[AttemptId, str]:
    try:
        attempt = AttemptId(run_id=claims["run"], stage_id=claims["stage"], number=claims["attempt"])
    except (ValidationError, KeyError):
        raise TokenRefusedError(Cause.CLAIMS) from None
    ministry = claims.get("ministry")
    if not isinstance(ministry, str) or claims["sub"] != attempt.key:
        raise TokenRefusedError(Cause.CLAIMS)
    return attempt, ministry
