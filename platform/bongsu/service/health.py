"""Whether a server can do its work at this moment."""

from __future__ import annotations

from bongsu.domain.problems import BongsuError
from bongsu.service.platform import Platform


def is_ready(platform: Platform) -> bool:
    """The database answers, with the schema of this version: neither an older one nor a newer one."""
    try:
        return platform.database.is_current()
    except BongsuError:
        return False
