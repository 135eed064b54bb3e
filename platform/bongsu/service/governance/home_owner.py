"""Who asks where nobody signs in: the owner of a home on one machine."""

from __future__ import annotations

from bongsu.domain.codes import governance as codes
from bongsu.domain.people import Actor
from bongsu.service.platform import Platform
from bongsu.store.ministries import is_governed


def owner(platform: Platform) -> Actor:
    """The one person of a home without ministries, who is nobody in any: there is nobody beside them who could permit
    or approve anything.

    Raises:
        BongsuError: ``governance.sign-in`` where there are ministries: files on a disk do not say who asks.
    """
    with platform.read() as connection:
        if is_governed(connection):
            raise codes.SIGN_IN.error()
    return Actor(id="owner", name="owner")
