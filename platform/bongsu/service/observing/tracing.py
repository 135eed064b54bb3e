"""Traces by OpenTelemetry, to the one collector that is configured; without one nothing is made and nothing is sent.

Attributes are numbers, states, templates of routes, kinds of stages, and ids that the control plane made; no name, no
label, no address, no text of a request.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

SERVICE = "bongsu"
TRACES_PATH = "v1/traces"
# Nobody waits longer for a collector that does not answer.
CLOSE_S = 3.0
_NANO = 1_000_000_000
# A trace of a step begins with its first decision; most steps decide nothing.
_worth_telling: ContextVar[Callable[[], None]] = ContextVar("worth_telling", default=lambda: None)


class Tracing:
    """Args:
    provider: of the SDK; None switches all of it off.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(SERVICE) if provider is not None else None

    @contextmanager
    def request(
        self, method: str, headers: Mapping[bytes, bytes]
    ) -> Iterator[Callable[[str, int, Mapping[str, Any]], None]]:
        """A request; what is yielded is told the template of its route, the status, and other attributes.

        Args:
            method: of HTTP, one that is known.
            headers: of the request; ``traceparent`` says whose trace it belongs to (W3C Trace Context).
        """
        if self._tracer is None:
            yield lambda _route, _status, _attributes: None
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {
            name: headers[name.encode()].decode("latin-1")
            for name in ("traceparent", "tracestate")
            if name.encode() in headers
        }
        parent = TraceContextTextMapPropagator().extract(carrier)
        with self._tracer.start_as_current_span(
            method, parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:

            def told(route: str, status: int, attributes: Mapping[str, Any]) -> None:
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.request.method": method, "http.route": route, **attributes})
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

            yield told

    @contextmanager
    def step(self) -> Iterator[None]:
        """A step of the reconciler, told if something was decided in it, or if it failed."""
        if self._tracer is None:
            yield
            return
        from opentelemetry.trace import Status, StatusCode, use_span

        span = self._tracer.start_span("reconcile.step")
        is_worth = False

        def worth() -> None:
            nonlocal is_worth
            is_worth = True

        token = _worth_telling.set(worth)
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield
        except Exception as error:
            worth()
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(error).__qualname__)
            raise
        finally:
            _worth_telling.reset(token)
            if is_worth:
                span.end()  # one that never ends is never sent

    def launched(self, run: str, told: Mapping[str, Any], attempt: int) -> None:
        """The executor was asked for an attempt; ``told`` is what stage it is of."""
        if self._tracer is not None:
            _worth_telling.get()()
            self._tracer.start_span("attempt.launch", attributes=_of_attempt(run, told, attempt)).end()

    def attempted(
        self, run: str, told: Mapping[str, Any], attempt: int, result: str, requested_at: float, ended_at: float
    ) -> None:
        """An attempt is over; times in seconds since the epoch."""
        if self._tracer is None:
            return
        _worth_telling.get()()
        span = self._tracer.start_span(
            "attempt",
            attributes=_of_attempt(run, told, attempt) | {"bongsu.attempt.result": result},
            start_time=int(requested_at * _NANO),
        )
        _fail_unless(span, result == "succeeded")
        span.end(int(max(requested_at, ended_at) * _NANO))

    def decided(self) -> None:
        """Something was decided in this step."""
        _worth_telling.get()()

    def close(self) -> None:
        """What was not sent yet is sent, if the collector takes it within ``CLOSE_S``."""
        if self._provider is not None:
            closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
            closing.start()
            closing.join(CLOSE_S)


def _of_attempt(run: str, told: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    stage = {f"bongsu.stage.{name}": value for name, value in told.items()}
    return {"bongsu.run.id": run, "bongsu.attempt.number": attempt, **stage}


def _fail_unless(span: Span, succeeded: bool) -> None:
    from opentelemetry.trace import Status, StatusCode

    if not succeeded:
        span.set_status(Status(StatusCode.ERROR))


def open_tracing(endpoint: str | None) -> Tracing:
    """Args:
    endpoint: base URL of a collector that speaks OTLP over HTTP, such as ``http://collector:4318``; None for no traces.
        Other settings of the exporter (headers, certificates) are OpenTelemetry's own environment variables.
    """
    if not endpoint:
        return Tracing()
    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from bongsu import __version__

    session = requests.Session()
    session.trust_env = False  # no proxy: to the collector, and to nobody else
    url = f"{endpoint.rstrip('/')}/{TRACES_PATH}"
    # Not Resource.create, which adds what it finds out about the machine.
    resource = Resource({"service.name": SERVICE, "service.version": __version__, "process.pid": os.getpid()})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, session=session, timeout=5)))
    return Tracing(provider)
