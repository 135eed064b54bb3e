"""Somebody decided about every route and every table of this version of MLflow; a new one is noticed here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bongsu.tracking.governed.closed import closed_at
from bongsu.tracking.governed.routes import OPEN_ROUTES, Access, match

# Asked in a process of its own: MLflow's settings are those of a process.
_ASK = """
import json, sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from bongsu.tracking.governed.settings import GovernedSettings, prepared_environment
home = Path(sys.argv[1])
told = prepared_environment(GovernedSettings(f"sqlite:///{home / 'mlflow.db'}", home.as_uri(), None))
told.__enter__()
from mlflow.server import app as flask_app
from mlflow.server.fastapi_app import create_fastapi_app
from bongsu.tracking.governed.criteria import CRITERIA, mapped_classes
from mlflow.store.db.base_sql_model import Base
import re
routes = set()
for included in create_fastapi_app().routes:
    for route in getattr(included, "effective_candidates", lambda: [])():
        for method in route.methods:
            routes.add((method, route.path))
for rule in flask_app.url_map.iter_rules():
    template = re.sub(r"<path:(\\w+)>", r"{\\1:path}", rule.rule)
    template = re.sub(r"<(?:\\w+:)?(\\w+)>", r"{\\1}", template)
    for method in rule.methods - {"HEAD", "OPTIONS"}:
        routes.add((method, template))
print(json.dumps({
    "routes": sorted(routes),
    "classes": sorted(c.__name__ for c in mapped_classes()),
    "mapped": sorted(c.__tablename__ for c in mapped_classes()),
    "tables": sorted(Base.metadata.tables),
    "seen": sorted(c.__name__ for c in CRITERIA),
}))
"""
FOR_NOBODY = {
    # Rows that summarise others whatever their labels.
    "SqlTraceMetricDailyRollup",
    "SqlSpanCostDailyRollup",
    "SqlAssessmentDailyRollup",
    "SqlTraceRollupRebuild",
    # Kinds of things whose routes are closed: a row of them would have no label.
    "SqlEvaluationDataset",
    "SqlEvaluationDatasetTag",
    "SqlEvaluationDatasetRecord",
    "SqlEntityAssociation",
    "SqlScorer",
    "SqlScorerVersion",
    "SqlOnlineScoringConfig",
    "SqlIssue",
    "SqlLabelSchema",
    "SqlReviewQueue",
    "SqlReviewQueueUser",
    "SqlReviewQueueItem",
    "SqlReviewQueueLabelSchema",
    "SqlMCPServer",
    "SqlMCPServerVersion",
    "SqlMCPServerTag",
    "SqlMCPServerVersionTag",
    "SqlMCPServerAlias",
    "SqlMCPAccessEndpoint",
    # The gateway, jobs and webhooks: they hold secrets, run code, or carry rows out of the house.
    "SqlGatewaySecret",
    "SqlGatewayEndpoint",
    "SqlGatewayEndpointBinding",
    "SqlGatewayEndpointModelMapping",
    "SqlGatewayEndpointTag",
    "SqlGatewayModelDefinition",
    "SqlGatewayBudgetPolicy",
    "SqlGatewayGuardrail",
    "SqlGatewayGuardrailConfig",
    "SqlJob",
    "SqlJobLock",
    "SqlSchedulerLease",
    "SqlWebhook",
    "SqlWebhookEvent",
}
"""Classes of tables without a criterion, so that no row of them exists for anybody."""


@pytest.fixture(scope="module")
def mlflow_has(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    home: Path = tmp_path_factory.mktemp("lists")
    command = [sys.executable, "-c", _ASK, str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def is_decided(method: str, template: str) -> bool:
    """True if somebody decided about this route of MLflow's."""
    is_open = any((route.method, route.template) == (method, template) for route in OPEN_ROUTES)
    return is_open or closed_at(method, template) is not None


def test_every_route_that_mlflow_serves_is_open_or_closed_by_decision(mlflow_has: dict[str, list[str]]) -> None:
    assert len(mlflow_has["routes"]) > 400
    assert [route for route in mlflow_has["routes"] if not is_decided(*route)] == []


def test_every_open_route_is_one_that_mlflow_serves(mlflow_has: dict[str, list[str]]) -> None:
    served = {tuple(route) for route in mlflow_has["routes"]}
    assert [route for route in OPEN_ROUTES if (route.method, route.template) not in served] == []


def test_a_route_that_nobody_decided_about_is_noticed() -> None:
    assert not is_decided("GET", "/api/2.0/mlflow/experiments/export")
    assert not is_decided("POST", "/api/4.0/mlflow/runs/search")
    assert match("GET", "/api/2.0/mlflow/experiments/export") is None


def test_every_table_has_a_criterion_or_is_for_nobody(mlflow_has: dict[str, list[str]]) -> None:
    seen = set(mlflow_has["seen"])
    assert set(mlflow_has["mapped"]) == set(mlflow_has["tables"])
    assert seen | FOR_NOBODY == set(mlflow_has["classes"])
    assert seen & FOR_NOBODY == set()


def test_what_changes_something_asks_for_the_right_to_write() -> None:
    reads_by_post = {"search", "get-latest-versions", "batchGetInfos", "search-datasets", "graphql"}
    changing = [
        route
        for route in OPEN_ROUTES
        if route.method != "GET" and route.template.rpartition("/")[2] not in reads_by_post
    ]
    assert len(changing) > 20
    assert [route for route in changing if route.access is not Access.WRITE] == []


def test_words_of_a_path_come_before_its_wildcards() -> None:
    get = match("GET", "/api/3.0/mlflow/traces/get")
    assert get is not None
    assert get.template == "/api/3.0/mlflow/traces/get"
    one = match("GET", "/api/3.0/mlflow/traces/tr-1")
    assert one is not None
    assert one.template == "/api/3.0/mlflow/traces/{trace_id}"
    assert match("DELETE", "/api/3.0/mlflow/traces/tr-1") is None
