"""The metrics of a process. What it counts itself is counted as it happens; the store is asked when somebody scrapes.

Labels take few values, all known beforehand or bounded: templates of routes, states, kinds of stages, ministries. None
holds a name that a person chose for a run, a stage, a model or a file.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

# In seconds, about the bars of the service: 50 ms for one object, 100 ms for a list, 300 ms for a submission.
_ANSWERS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STEPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of this process, and the registry in which everything that is told at a scrape is entered."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "bongsu_http_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "bongsu_http_request_seconds",
            "From the head of a request to the end of its answer; of a stream, to its beginning.",
            ["route", "method"],
            buckets=_ANSWERS,
            registry=registry,
        )
        self.requests_in_progress = Gauge(
            "bongsu_http_requests_in_progress", "Requests that are being answered, streams too.", registry=registry
        )
        self.sign_in_refusals = Counter(
            "bongsu_sign_in_refusals", "Tokens that were refused, by cause.", ["cause"], registry=registry
        )
        self.labels_unreadable = Counter(
            "bongsu_mlflow_labels_unreadable",
            "Items about labels that cannot be read; what they can be about was looked at whole.",
            registry=registry,
        )
        self.mlflow_closed = Gauge(
            "bongsu_mlflow_closed",
            "1 for each ministry of whose things MLflow answers nobody, as their labels are not in force there.",
            ["ministry"],
            registry=registry,
        )
        self.step_seconds = Histogram(
            "bongsu_reconcile_step_seconds",
            "How long a step of the reconciler took.",
            buckets=_STEPS,
            registry=registry,
        )
        self.step_failures = Counter(
            "bongsu_reconcile_step_failures",
            "Steps of the reconciler that broke off, and faults of Bongsu that it went on after.",
            registry=registry,
        )
        self.runs_passed_over = Counter(
            "bongsu_runs_passed_over", "How often a run was left where it stands as unreadable.", registry=registry
        )
        self.launches = Counter(
            "bongsu_stage_launches", "How often the executor was asked for an attempt.", ["kind"], registry=registry
        )
        self.stage_outcomes = Counter(
            "bongsu_stage_outcomes", "Stages that came to an end here.", ["kind", "result"], registry=registry
        )
        self.attempt_outcomes = Counter(
            "bongsu_attempt_outcomes", "Attempts that came to an end here.", ["kind", "result"], registry=registry
        )
        self.attempt_seconds = Histogram(
            "bongsu_attempt_seconds",
            "How long attempts ran that came to an end here.",
            ["kind"],
            buckets=(1, 10, 60, 300, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600),
            registry=registry,
        )
