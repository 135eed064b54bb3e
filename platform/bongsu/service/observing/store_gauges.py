"""What the store says at a scrape. Every replica says the same of it: take the greatest, never the sum."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from math import inf

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from bongsu.domain.problems import BongsuError
from bongsu.service.platform import Platform
from bongsu.store.scope import EVERYTHING
from bongsu.store.tallies import Tally, tally_of

# However often somebody scrapes, the store is asked this often, and a statement takes no longer than its limit.
OLDEST_S = 10.0
LIMIT_MS = 2000
_HOUR_MS = 3_600_000
_log = logging.getLogger("bongsu.metrics")


class StoreGauges(Collector):
    """Args:
    platform: of the control plane itself.
    monotonic: seconds that only grow.
    """

    def __init__(self, platform: Platform, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._platform = platform
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._looked_at = -inf
        self._tally: Tally | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked of the store when the collector is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        with self._looking:
            if self._monotonic() >= self._looked_at + OLDEST_S:
                self._tally = self._look()
                self._looked_at = self._monotonic()
            tally = self._tally
        yield gauge(
            "bongsu_store_up", "1 if the store answered the last time that it was asked.", tally is not None
        )
        yield from _pool(self._platform)
        if tally is not None:
            yield from _told(tally, self._platform.clock())

    def _look(self) -> Tally | None:
        try:
            with self._platform.database.read(EVERYTHING) as connection:
                return tally_of(connection, LIMIT_MS)
        except (BongsuError, SQLAlchemyError) as error:
            _log.warning("The store could not be asked for metrics: %s", error)
            return None


def gauge(name: str, meaning: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, meaning)
    family.add_metric([], float(value))
    return family


def _family(
    family: GaugeMetricFamily | CounterMetricFamily, values: Iterable[tuple[Sequence[str], float]]
) -> Metric:
    for labels, value in values:
        family.add_metric(list(labels), value)
    return family


def _told(tally: Tally, now: float) -> Iterable[Metric]:
    yield _family(
        GaugeMetricFamily("bongsu_runs", "Runs that are not over, by state.", labels=["state"]),
        [((state,), count) for state, count in sorted(tally.runs.items())],
    )
    since = tally.oldest_pending_at
    yield gauge(
        "bongsu_runs_oldest_pending_seconds",
        "For how long the oldest run has waited with which nobody has begun; 0 if none waits.",
        max(0.0, now - since) if since is not None else 0.0,
    )
    yield gauge("bongsu_outbox_waiting", "Publications that wait for MLflow.", tally.outbox)
    yield gauge("bongsu_audit_unsigned", "Entries of audit logs behind their newest checkpoints.", tally.unsigned)
    yield _family(
        CounterMetricFamily("bongsu_gpu_hours", "GPU-hours that were metered.", labels=["ministry", "accelerator"]),
        [(labels, used / _HOUR_MS) for labels, used in sorted(tally.used_ms.items())],
    )
    yield _family(
        GaugeMetricFamily(
            "bongsu_grant_gpu_hours", "GPU-hours of open grants.", labels=["grant", "ministry", "kind"]
        ),
        [
            ((one.id, one.ministry, kind), amount / _HOUR_MS)
            for one in tally.grants
            for kind, amount in (("given", one.given_ms), ("used", one.used_ms))
        ],
    )


def _pool(platform: Platform) -> Iterable[Metric]:
    """Of pools that count; the one of a home in a file may not."""
    pool = platform.database.engine.pool
    in_use, kept = getattr(pool, "checkedout", None), getattr(pool, "checkedin", None)
    if in_use is None or kept is None:
        return
    yield _family(
        GaugeMetricFamily("bongsu_database_connections", "Connections of this process.", labels=["state"]),
        [(("in-use",), float(in_use())), (("idle",), float(kept()))],
    )
