"""Why a token is refused: the cause is for the operator's log, strangers get one text whatever it was."""

from __future__ import annotations

from enum import StrEnum

from bongsu.domain.codes import identity as codes
from bongsu.domain.problems import BongsuError


class Cause(StrEnum):
    """For the log alone: told to whoever tries tokens, it would say how far a forged one came."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    HEADER = "header"
    ALGORITHM = "algorithm"
    TYPE = "type"
    ISSUER = "issuer"
    KEY = "key"
    KEYS_UNAVAILABLE = "keys-unavailable"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    CLAIMS = "claims"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    LIFE = "life"
    ATTEMPT_OVER = "attempt-over"
    MINISTRY = "ministry"
    PERSON = "person"
    KIND = "kind"
    NONCE = "nonce"


class TokenRefusedError(BongsuError):
    """``identity.not-signed-in``, and the cause for the log."""

    def __init__(self, cause: Cause) -> None:
        super().__init__([codes.NOT_SIGNED_IN.at()])
        self.cause = cause


def is_not_signed_in(error: BongsuError) -> bool:
    """Whether it says that nobody is known to ask; anything else says that it could not be found out."""
    return all(problem.code is codes.NOT_SIGNED_IN for problem in error.problems)
