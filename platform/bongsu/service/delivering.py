"""Tell the tracking server what it has not heard, behind a command that has ended: ``python -m ... HOME``.

What this process does not get done, because it is killed or the server is down, the next run does.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from bongsu.domain.phrases import Words
from bongsu.reconciler.delivery import Delivery
from bongsu.service.platform import Platform

DRAIN_S = 600.0
NICENESS = 10


def begin_delivery(platform: Platform) -> Delivery:
    """The thread that talks to the platform's tracking server; whoever begins it closes it."""
    return Delivery(
        platform.database,
        platform.publisher,
        platform.stores,
        turn=platform.publisher_turn,
        observer=platform.observer,
    )


def deliver(platform: Platform, timeout_s: float = DRAIN_S) -> tuple[int, Words]:
    """Deliver everything that waits; returns how many items are left, and the last error if there are any."""
    delivery = begin_delivery(platform)
    try:
        left = delivery.drain(timeout_s)
        return left, delivery.trouble if left else ""
    finally:
        delivery.close()


def main() -> int:
    from bongsu.service.embedded import open_home

    with contextlib.suppress(OSError):
        os.nice(NICENESS)  # somebody may be at work already
    platform = open_home(Path(sys.argv[1]), os.environ)
    try:
        left, trouble = deliver(platform)
    finally:
        platform.close()
    if left:
        print(f"{left} records wait: {trouble}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
