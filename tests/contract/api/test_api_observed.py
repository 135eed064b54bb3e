"""What operators see of requests and runs: metrics that a scraper reads, traces, and lines of a log; and what none of
these says. Long, because each figure is looked at by who scrapes it."""

from __future__ import annotations

import io
import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_places import ApiPlace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult
from prometheus_client.parser import text_string_to_metric_families
from service_places import drive
from trace_collector import TraceCollector, attributes

from bongsu.domain.problems import BongsuError
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.reconciler.own_faults import OwnFaults
from bongsu.service.observing.identifying import counted
from bongsu.service.observing.listener import metrics_served
from bongsu.service.observing.log_format import LogFormat
from bongsu.service.observing.log_lines import LineFormatter
from bongsu.service.observing.metrics import Metrics
from bongsu.service.observing.reconciling import Watched
from bongsu.service.observing.scrubbing import Scrubber
from bongsu.service.observing.store_gauges import StoreGauges
from bongsu.service.observing.telemetry import Telemetry
from bongsu.service.observing.tracing import open_tracing

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
SECRET = "sesame-Open.0123456789"


class WatchedPlace(ApiPlace):
    def __init__(self, folder: Path, telemetry: Telemetry, **settings: Any) -> None:
        super().__init__(folder, telemetry=telemetry, **settings)
        self.telemetry = telemetry
        self.watched = Watched(telemetry.metrics, telemetry.tracing)
        self.platform = replace(self.platform, observer=self.watched)
        telemetry.metrics.registry.register(StoreGauges(self.platform, monotonic=self._later))
        self._looks = 0.0
        self.permit_use()

    def _later(self) -> float:
        """Every look is later than the tally's age."""
        self._looks += 100.0
        return self._looks

    def scrape(self) -> Samples:
        with metrics_served(self.telemetry.metrics.registry, "127.0.0.1", 0) as port:
            response = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
        assert response.status_code == 200
        found: Samples = {}
        for family in text_string_to_metric_families(response.text):
            assert family.documentation, family.name
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                assert key not in found, "each sample stands once"
                found[key] = sample.value
        return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[WatchedPlace]:
    made = WatchedPlace(tmp_path, Telemetry())
    yield made
    made.close()


def test_requests_are_counted_by_template_method_and_class_of_status(place: WatchedPlace) -> None:
    runs = [place.run_of("kim", name) for name in ("a", "b")]
    for run in runs:
        assert place.ask("kim", "GET", f"/v1/runs/{run}").status_code == 200
    place.ask("army-eng", "GET", f"/v1/runs/{runs[0]}")
    place.ask("kim", "BREW", "/v1/runs")
    for nothing in ("/wp-admin", "/.git/config"):
        place.http.get(nothing)
    found = place.scrape()
    told = {"route": "/v1/runs/{run}", "method": "GET"}
    assert value(found, "bongsu_http_requests_total", **told, status="2xx") == 2
    assert value(found, "bongsu_http_requests_total", **told, status="4xx") == 1
    assert value(found, "bongsu_http_requests_total", route="none", method="GET", status="4xx") == 2
    assert value(found, "bongsu_http_request_seconds_count", **told) == 3
    assert value(found, "bongsu_http_requests_in_progress") == 0
    labels = {text for _name, pairs in found for _label, text in pairs}
    assert "OTHER" in labels
    assert not labels & {*runs, "kim", "/wp-admin", "BREW"}


def test_what_fails_in_us_is_counted_as_that(place: WatchedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("bongsu.service.control_plane.ControlPlane.everywhere", broken)
    assert place.ask("kim", "GET", "/v1/runs").status_code == 500
    assert value(place.scrape(), "bongsu_http_requests_total", route="/v1/runs", method="GET", status="5xx") == 1


def test_mlflow_is_counted_by_its_own_templates(place: WatchedPlace) -> None:
    async def door(scope: Any, _receive: Any, send: Any) -> None:
        """As the door of MLflow tells whoever counts."""
        scope.setdefault("state", {})["template"] = "/api/2.0/mlflow/runs/get"
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    place.app.mount("/mlflow", door)
    place.http.get("/mlflow/api/2.0/mlflow/runs/get?run_id=0123456789abcdef")
    found = place.scrape()
    told = {"route": "/mlflow/api/2.0/mlflow/runs/get", "method": "GET", "status": "4xx"}
    assert value(found, "bongsu_http_requests_total", **told) == 1


def test_a_run_shows_in_outcomes_queue_and_outbox(place: WatchedPlace) -> None:
    run = place.run_of("kim")
    place.now += 60
    before = place.scrape()
    assert value(before, "bongsu_runs", state="pending") == 1
    assert value(before, "bongsu_runs_oldest_pending_seconds") == 60
    assert value(before, "bongsu_is_leader") == 0
    drive(place.platform, [run])
    after = place.scrape()
    assert value(after, "bongsu_runs", state="pending") == 0
    assert value(after, "bongsu_runs_oldest_pending_seconds") == 0
    assert value(after, "bongsu_stage_outcomes_total", kind="probe", result="succeeded") == 1
    assert value(after, "bongsu_attempt_outcomes_total", kind="probe", result="succeeded") == 1
    assert value(after, "bongsu_stage_launches_total", kind="probe") == 1
    assert value(after, "bongsu_reconcile_step_seconds_count") >= 1
    assert value(after, "bongsu_outbox_waiting") == 0
    assert value(after, "bongsu_audit_unsigned") > 0
    assert value(after, "bongsu_store_up") == 1


def test_a_leader_tells_what_waits_and_how_late_it_is(tmp_path: Path) -> None:
    now = 1000.0
    telemetry = Telemetry()
    place = ApiPlace(tmp_path)
    place.permit_use()
    watched = Watched(telemetry.metrics, telemetry.tracing, lambda: now)
    run = place.run_of("kim")
    from bongsu.reconciler.loading import load_facts
    from bongsu.store.scope import EVERYTHING

    with place.platform.database.read(EVERYTHING) as connection:
        facts = load_facts(connection, run)  # type: ignore[arg-type]

    def told() -> dict[str, dict[str, float]]:
        return {
            family.name: {"".join(sample.labels.values()): sample.value for sample in family.samples}
            for family in watched.collect()
        }

    assert told()["bongsu_is_leader"] == {"": 0.0}
    with watched.leading({facts.run.id: facts}):
        now += 0.4
        assert told()["bongsu_reconcile_lag_seconds"] == {"": 0.0}
        now += 10.1
        found = told()
        assert found["bongsu_is_leader"] == {"": 1.0}
        assert found["bongsu_reconcile_lag_seconds"][""] == pytest.approx(10.0)
        assert found["bongsu_runs_driven"] == {"": 1.0}
        assert found["bongsu_stages_waiting"] == {"inputs": 1.0, "retry": 0.0, "turn": 0.0}
        with watched.step():
            pass
        assert told()["bongsu_reconcile_lag_seconds"] == {"": 0.0}
    assert told()["bongsu_reconcile_lag_seconds"] == {"": 0.0}
    place.close()


def test_a_step_that_fails_is_counted_and_raises(place: WatchedPlace) -> None:
    with pytest.raises(ValueError, match="x"), place.watched.step():
        raise ValueError("x")
    assert value(place.scrape(), "bongsu_reconcile_step_failures_total") == 1


def test_a_fault_that_was_got_over_is_counted_like_a_step_that_fails(place: WatchedPlace) -> None:
    OwnFaults(place.watched).note("a test", KeyError("x"))
    assert value(place.scrape(), "bongsu_reconcile_step_failures_total") == 1


def test_a_store_that_does_not_answer_leaves_the_rest(place: WatchedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    from bongsu.domain.codes.run import DATABASE_BUSY

    def silent(*_arguments: object) -> None:
        raise DATABASE_BUSY.error(url="sqlite://", detail="x")

    monkeypatch.setattr("bongsu.service.observing.store_gauges.tally_of", silent)
    found = place.scrape()
    assert value(found, "bongsu_store_up") == 0
    assert not any(name == "bongsu_runs" for name, _labels in found)
    assert value(found, "bongsu_http_requests_in_progress") == 0


def test_many_scrapes_ask_the_store_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bongsu.service.observing import store_gauges

    asked, real = [], store_gauges.tally_of
    monkeypatch.setattr(store_gauges, "tally_of", lambda *given: (asked.append(1), real(*given))[1])
    place = ApiPlace(tmp_path)
    gauges = StoreGauges(place.platform, monotonic=lambda: 5.0)
    for _ in range(20):
        list(gauges.collect())
    assert len(asked) == 1
    place.close()


def test_metrics_are_nowhere_in_the_api(place: WatchedPlace) -> None:
    assert place.http.get("/metrics").status_code == 404
    with metrics_served(place.telemetry.metrics.registry, "127.0.0.1", 0) as port:
        assert httpx.get(f"http://127.0.0.1:{port}/v1/runs", trust_env=False).status_code == 404
        with (
            pytest.raises(BongsuError) as taken,
            metrics_served(place.telemetry.metrics.registry, "127.0.0.1", port),
        ):
            pass
    assert taken.value.problems[0].code.name == "api.port-taken"


def test_a_server_that_was_scraped_is_started_again_at_once(place: WatchedPlace) -> None:
    registry = place.telemetry.metrics.registry
    with metrics_served(registry, "127.0.0.1", 0) as port, socket.create_connection(("127.0.0.1", port)) as scraper:
        scraper.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        while scraper.recv(65_536):
            pass  # the server closes first, and its end of the connection lingers for a minute
    with metrics_served(registry, "127.0.0.1", port) as again:
        assert again == port


def test_refusals_at_the_door_are_counted_by_cause() -> None:
    metrics = Metrics()

    def refuse(_token: str) -> Any:
        raise TokenRefusedError(Cause.EXPIRED)

    with pytest.raises(TokenRefusedError):
        counted(refuse, metrics)(SECRET)
    assert metrics.registry.get_sample_value("bongsu_sign_in_refusals_total", {"cause": "expired"}) == 1


# -- traces ------------------------------------------------------------------------------------------------


def test_requests_and_attempts_are_traced_to_the_collector_that_was_named(tmp_path: Path) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with TraceCollector() as collector:
        telemetry = Telemetry(tracing=open_tracing(collector.url))
        place = WatchedPlace(tmp_path, telemetry)
        run = place.run_of("kim", "name-of-a-pipeline")
        headers = {"traceparent": f"00-{trace}-{parent}-01"}
        place.ask("kim", "GET", f"/v1/runs/{run}?fields={SECRET}", headers=headers)
        drive(place.platform, [run])
        telemetry.tracing.close()
        (asked,) = collector.named("GET /v1/runs/{run}")
        assert asked.trace_id.hex() == trace
        assert asked.parent_span_id.hex() == parent
        found = attributes(asked)
        number = found.pop("bongsu.request.id")
        assert len(number) == 32
        assert found == {
            "http.request.method": "GET",
            "http.route": "/v1/runs/{run}",
            "http.response.status_code": 400,
            "bongsu.actor.ministries": 1,
        }
        (attempt,), (launch,) = collector.named("attempt"), collector.named("attempt.launch")
        steps = {span.span_id for span in collector.named("reconcile.step")}
        assert {attempt.parent_span_id, launch.parent_span_id} <= steps
        assert attributes(attempt) == {
            "bongsu.run.id": run,
            "bongsu.attempt.number": 1,
            "bongsu.stage.stage": 1,
            "bongsu.stage.kind": "probe",
            "bongsu.attempt.result": "succeeded",
        }
        for word in (SECRET, "name-of-a-pipeline", "kim", "mnd", "Bearer"):
            assert word.encode() not in collector.raw
        assert set(collector.paths) == {"/v1/traces"}
        place.close()


def test_steps_in_which_nothing_is_decided_are_not_sent(tmp_path: Path) -> None:
    with TraceCollector() as collector:
        tracing = open_tracing(collector.url)
        for _ in range(5):
            with tracing.step():
                pass
        with pytest.raises(ValueError, match="hidden"), tracing.step():
            raise ValueError("hidden words")
        tracing.close()
        (step,) = collector.spans
        assert attributes(step) == {"error.type": "ValueError"}
        assert b"hidden" not in collector.raw


def test_no_collector_no_trace_and_no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    for module in ("opentelemetry.trace", "opentelemetry.sdk.trace"):
        monkeypatch.setitem(sys.modules, module, None)  # to import it raises
    tracing = open_tracing(None)
    with tracing.request("GET", {}) as told, tracing.step():
        told("/", 200, {})
        tracing.launched("r-1", {}, 1)
    tracing.close()


def test_a_collector_that_does_not_answer_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    go_on = threading.Event()

    def export(_exporter: object, _spans: object) -> SpanExportResult:
        waited.append(go_on.wait(60))
        return SpanExportResult.FAILURE

    monkeypatch.setattr(OTLPSpanExporter, "export", export)
    telemetry = Telemetry(tracing=open_tracing("http://127.0.0.1:9"))
    place = WatchedPlace(tmp_path, telemetry)
    for _ in range(1_000):  # more than are sent at once
        assert place.http.get("/healthz").status_code == 200
        assert waited == [], "each was answered before the collector was done with any"
    go_on.set()
    telemetry.tracing.close()
    assert waited, "it was told of them"
    assert all(waited)
    place.close()


def test_a_collector_that_is_not_there_holds_up_no_end(tmp_path: Path) -> None:
    telemetry = Telemetry(tracing=open_tracing("http://127.0.0.1:9"))
    place = WatchedPlace(tmp_path, telemetry)
    assert place.http.get("/healthz").status_code == 200
    began = time.monotonic()
    telemetry.tracing.close()
    assert time.monotonic() - began < 15.0
    place.close()


# -- the log -----------------------------------------------------------------------------------------------


@pytest.fixture
def log(place: WatchedPlace) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(LogFormat.JSON, Scrubber()))
    logger = logging.getLogger("bongsu")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_each_request_is_one_line(place: WatchedPlace, log: io.StringIO) -> None:
    response = place.ask("kim", "GET", "/v1/runs?limit=3", headers={"x-request-id": "number-of-mine"})
    assert response.headers["x-request-id"] == "number-of-mine"
    (line,) = [json.loads(one) for one in log.getvalue().splitlines() if "bongsu.request" in one]
    assert line.pop("seconds") > 0
    line.pop("time")
    assert line == {
        "level": "info",
        "logger": "bongsu.request",
        "message": "Answered.",
        "request": "number-of-mine",
        "actor": "kim",
        "method": "GET",
        "route": "/v1/runs",
        "status": 200,
    }


def test_hostile_requests_bring_no_secret_and_no_second_line_into_the_log(
    place: WatchedPlace, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError(f"postgresql://bongsu:{SECRET}@db/bongsu and Authorization: Bearer {SECRET}")

    asked = [
        ("GET", f"/v1/runs?access_token={SECRET}", {}),
        ("GET", f"/v1/runs/{SECRET}%0A%1b[2J?token={SECRET}", {}),
        ("GET", "/v1/runs", {"Authorization": f"Bearer {SECRET}"}),
        ("GET", "/v1/runs", {"Authorization": f"Basic {SECRET}", "Cookie": f"session={SECRET}"}),
        ("GET", "/v1/runs", {"X-Request-Id": SECRET + "\t{}"}),
        ("POST", "/v1/runs", {"Idempotency-Key": SECRET}),
    ]
    for method, path, headers in asked:
        place.http.request(method, path, headers=headers)
        place.ask("kim", method, path, headers={name: text for name, text in headers.items() if name[0] != "A"})
    place.ask("kim", "POST", "/v1/runs", json={"text": f"password: {SECRET}", "client_secret": SECRET})
    monkeypatch.setattr("bongsu.service.control_plane.ControlPlane.everywhere", broken)
    assert place.ask("kim", "GET", "/v1/runs").status_code == 500
    told = log.getvalue()
    assert SECRET not in told
    assert "RuntimeError" in told
    lines = [json.loads(one) for one in told.splitlines()]
    assert len([one for one in lines if one["logger"] == "bongsu.request"]) == 2 * len(asked) + 2


def test_a_decision_is_a_line_with_the_label_of_the_run_and_without_names(
    place: WatchedPlace, log: io.StringIO
) -> None:
    run = place.run_of("kim", "name-of-a-pipeline")
    drive(place.platform, [run])
    lines = [json.loads(one) for one in log.getvalue().splitlines() if "bongsu.reconciler" in one]
    acts = [(one["act"], one["state"]) for one in lines if one["message"] == "Decided on a run." and "state" in one]
    assert acts == [
        ("run", "running"),
        ("stage", "ready"),
        ("stage", "running"),
        ("attempt-over", "succeeded"),
        ("stage", "succeeded"),
        ("run", "succeeded"),
    ]
    assert {(one["run"], one["label"]) for one in lines} == {(run, "O")}
    assert "name-of-a-pipeline" not in log.getvalue()
