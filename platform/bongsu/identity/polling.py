"""What a device is answered when it asks whether somebody has signed in (RFC 8628, section 3.5). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bongsu.domain.sessions import DeviceGrant, DeviceState
from bongsu.identity.oauth import OAuthFault

SLOW_DOWN_S = 5
# A device that waits exactly as long as it was told must not be early by the time on the way.
_TOLERANCE_S = 0.5
_MAX_INTERVAL_S = 60


@dataclass(frozen=True)
class Polled:
    """Attributes:
    grant: as it is now.
    fault: the answer; None if tokens are to be given.
    """

    grant: DeviceGrant
    fault: OAuthFault | None


def polled(grant: DeviceGrant, now: float) -> Polled:
    """One question at the time ``now``."""
    if grant.state is DeviceState.USED:
        return Polled(grant, OAuthFault.INVALID_GRANT)
    if now >= grant.expires_at:
        return Polled(grant, OAuthFault.EXPIRED_TOKEN)
    if grant.state is DeviceState.DENIED:
        return Polled(grant, OAuthFault.ACCESS_DENIED)
    asked = replace(grant, polled_at=now)
    if grant.polled_at is not None and now - grant.polled_at < grant.interval_s - _TOLERANCE_S:
        slower = min(grant.interval_s + SLOW_DOWN_S, _MAX_INTERVAL_S)
        return Polled(replace(asked, interval_s=slower), OAuthFault.SLOW_DOWN)
    if grant.state is DeviceState.PENDING:
        return Polled(asked, OAuthFault.AUTHORIZATION_PENDING)
    return Polled(replace(asked, state=DeviceState.USED), None)
