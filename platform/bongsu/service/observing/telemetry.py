"""Metrics and traces of a process together, as its composition root makes them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bongsu.domain.codes import cli as codes
from bongsu.service.observing.metrics import Metrics
from bongsu.service.observing.tracing import Tracing, open_tracing


@dataclass(frozen=True)
class TelemetrySettings:
    """Attributes:
    metrics_host: where metrics are served; None for nowhere.
    metrics_port: at which port.
    otlp_endpoint: base URL of the collector that takes traces; None for none.
    """

    metrics_host: str | None = None
    metrics_port: int = 0
    otlp_endpoint: str | None = None


@dataclass(frozen=True)
class Telemetry:
    """Attributes:
    metrics: of this process; they are counted whether or not anybody scrapes them.
    tracing: off unless a collector was named.
    """

    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)


@contextmanager
def open_telemetry(settings: TelemetrySettings) -> Iterator[Telemetry]:
    """Until the end of the block. Raises ``api.port-taken``."""
    from bongsu.service.observing.listener import metrics_served

    with contextlib.ExitStack() as undo:
        telemetry = Telemetry(tracing=open_tracing(settings.otlp_endpoint))
        undo.callback(telemetry.tracing.close)
        if settings.metrics_host is not None:
            undo.enter_context(
                metrics_served(telemetry.metrics.registry, settings.metrics_host, settings.metrics_port)
            )
        yield telemetry


def address_of(text: str) -> tuple[str, int]:
    """``127.0.0.1:9464`` and ``[::1]:9464`` as host and port. Raises ``cli.address``."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise codes.ADDRESS.error(address=text)
    return host.removeprefix("[").removesuffix("]"), int(port)
