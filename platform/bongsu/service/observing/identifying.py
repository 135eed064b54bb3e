"""Who is refused at the door, by cause, and not by name: most of them have none."""

from __future__ import annotations

from collections.abc import Callable

from bongsu.domain.people import Actor
from bongsu.identity.refusals import TokenRefusedError
from bongsu.service.observing.metrics import Metrics


def counted(identify: Callable[[str], Actor], metrics: Metrics) -> Callable[[str], Actor]:
    """The same, and refusals are counted."""

    def identified(token: str) -> Actor:
        try:
            return identify(token)
        except TokenRefusedError as error:
            metrics.sign_in_refusals.labels(error.cause.value).inc()
            raise

    return identified
