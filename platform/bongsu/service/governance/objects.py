"""Objects of which decisions are made: what is said of those that nobody knows, and ids of new ones."""

from __future__ import annotations

from typing import NoReturn

from bongsu.domain.codes import governance as codes
from bongsu.domain.ids import digest_of
from bongsu.service.recording import Ask
from bongsu.store.ministries import is_governed


def refuse_unknown(ask: Ask) -> NoReturn:
    """What was asked for does not exist, as far as the actor may know. Raises ``governance.one-person`` where there are
    no ministries, else ``governance.no-such``."""
    with ask.platform.read() as connection:
        if not is_governed(connection):
            raise codes.ONE_PERSON.error()
    raise codes.NO_SUCH.error(object=ask.object)


def short_id(prefix: str, *parts: object) -> str:
    """An id that the same request gives again, so that sending it twice is sending it once."""
    text = "\x1f".join(map(str, parts))
    return f"{prefix}-{digest_of(text.encode()).removeprefix('sha256-')[:16]}"


def next_id(prefix: str, earlier: int, *parts: object) -> str:
    """As :func:`short_id`, of what was made and ended ``earlier`` times before: the same request makes it anew."""
    return short_id(prefix, *parts, *([earlier] if earlier else []))
