"""Two that change the same thing at the same moment, on two replicas: who was slower decides anew."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from bongsu.domain.codes.database import ALWAYS_CHANGED

T = TypeVar("T")
_TRIES = 5
_PAUSES_S = (0.005, 0.05)
"""Between two tries, drawn: who collided once and waits as long would collide again."""


class Conflict(Exception):
    """Somebody else was faster. The transaction that raised it is over: read again and decide anew."""


def retry_on_conflict(act: Callable[[], T]) -> T:
    """What ``act`` returns, which is one transaction or several; it is done anew where somebody else was faster.

    Raises:
        BongsuError: ``run.always-changed``, they were five times.
    """
    for again in range(_TRIES):
        if again:
            time.sleep(random.uniform(*_PAUSES_S))
        try:
            return act()
        except Conflict as error:
            last = error
    raise ALWAYS_CHANGED.error(times=_TRIES) from last
