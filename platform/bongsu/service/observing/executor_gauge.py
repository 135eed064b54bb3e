"""Whether what runs stages is there: asked at each scrape, which waits for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from bongsu.domain.phrases import Words
from bongsu.service.observing.store_gauges import gauge


class ExecutorGauge(Collector):
    """Args:
    trouble: see :class:`bongsu.service.platform.Platform`.
    """

    def __init__(self, trouble: Callable[[], Words]) -> None:
        self._trouble = trouble

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked when the collector is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        yield gauge(
            "bongsu_executor_up", "0 while what runs stages is known not to answer.", float(not self._trouble())
        )
