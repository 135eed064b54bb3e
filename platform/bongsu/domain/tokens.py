"""What a token says once it was verified."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.ids import AttemptId
from bongsu.domain.people import ActorKind


@dataclass(frozen=True)
class VerifiedToken:
    """Who somebody is, as an issuer that is trusted says. What they may do is not in it: that is in the store.

    Attributes:
        issuer, subject: ``iss`` and ``sub``; with the ministry they name one person, service account or attempt.
        kind: ``SERVICE`` where the subject is the client itself (RFC 9068, section 2.2), which a person never is.
        scopes: of the access token; empty if it has none.
        expires_at: seconds since the epoch.
        issued_at: as well; 0 if the token does not say.
        attempt: of a worker's token; None for everybody else.
        ministry: of whose people the issuer says that the subject is; of an attempt, that of its run.
    """

    issuer: str
    subject: str
    kind: ActorKind
    scopes: frozenset[str]
    expires_at: float
    ministry: str
    attempt: AttemptId | None = None
    issued_at: float = 0.0


@dataclass(frozen=True)
class LiveAttempt:
    """One that was asked for or is under way. ``begun_at`` in seconds since the epoch; None while it waits."""

    begun_at: float | None
