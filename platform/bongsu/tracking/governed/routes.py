"""Every route that MLflow serves, and who may ask for it. What is on neither list is closed, and a test says so.

Templates are those of MLflow's documentation; ``{name}`` is one part of a path, ``{name:path}`` any number of them.
What begins with ``/api/`` is served below ``/ajax-api/`` as well, unless it is one of the few that are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Access(Enum):
    """What a route asks of whoever calls it.

    ``PUBLIC``: nothing; what it serves is in MLflow's package. ``LOOK``: a token. ``FILES``: that they may read files.
    ``WRITE``: that they may log and register in this workspace.
    """

    PUBLIC = "public"
    LOOK = "look"
    FILES = "files"
    WRITE = "write"


@dataclass(frozen=True)
class Route:
    """One method of one template.

    Attributes:
        takes_file: its body is a file, not a message.
    """

    method: str
    template: str
    access: Access
    takes_file: bool = False

    def takes_json(self, is_called_json: bool) -> bool:
        """Whether the body is JSON, or ought to be; ``is_called_json`` by whoever sends it."""
        return not self.takes_file and (is_called_json or self.template != SPANS)


SPANS = "/v1/traces"
"""Takes protobuf (OpenTelemetry), and JSON where it is called so."""
_A = "/api/2.0/mlflow"
_T = "/api/3.0/mlflow/traces"
_FILES = "/api/2.0/mlflow-artifacts/artifacts"

_LOOK = f"""
GET  {_A}/experiments/get
GET  {_A}/experiments/get-by-name
GET  {_A}/experiments/search
POST {_A}/experiments/search
GET  {_A}/runs/get
POST {_A}/runs/search
GET  {_A}/metrics/get-history
GET  {_A}/metrics/get-history-bulk-interval
GET  {_A}/logged-models/{{model_id}}
POST {_A}/logged-models/search
GET  {_A}/model-versions/get
GET  {_A}/model-versions/get-download-uri
GET  {_A}/model-versions/search
GET  {_A}/registered-models/alias
GET  {_A}/registered-models/get
GET  {_A}/registered-models/get-latest-versions
POST {_A}/registered-models/get-latest-versions
GET  {_A}/registered-models/search
GET  {_T}/{{trace_id}}
GET  {_T}/{{trace_id}}/assessments/{{assessment_id}}
GET  {_T}/get
GET  {_T}/batchGet
POST {_T}/batchGetInfos
POST {_T}/search
GET  /api/3.0/mlflow/workspaces
GET  /api/3.0/mlflow/workspaces/{{workspace_name}}
GET  /api/3.0/mlflow/server-info
"""
_LOOK_AJAX = """
POST /ajax-api/2.0/mlflow/experiments/search-datasets
GET  /ajax-api/2.0/mlflow/metrics/get-history-bulk
"""
_LOOK_PLAIN = """
GET  /version
POST /graphql
"""
_WRITE = f"""
POST   {_A}/experiments/create
POST   {_A}/experiments/set-experiment-tag
POST   {_A}/experiments/delete-experiment-tag
POST   {_A}/runs/create
POST   {_A}/runs/delete
POST   {_A}/runs/restore
POST   {_A}/runs/update
POST   {_A}/runs/set-tag
POST   {_A}/runs/delete-tag
POST   {_A}/runs/log-batch
POST   {_A}/runs/log-inputs
POST   {_A}/runs/log-metric
POST   {_A}/runs/log-model
POST   {_A}/runs/log-parameter
POST   {_A}/runs/outputs
POST   {_A}/logged-models
PATCH  {_A}/logged-models/{{model_id}}
DELETE {_A}/logged-models/{{model_id}}
POST   {_A}/logged-models/{{model_id}}/params
PATCH  {_A}/logged-models/{{model_id}}/tags
DELETE {_A}/logged-models/{{model_id}}/tags/{{tag_key}}
POST   {_A}/model-versions/create
PATCH  {_A}/model-versions/update
POST   {_A}/model-versions/set-tag
DELETE {_A}/model-versions/delete-tag
POST   {_A}/registered-models/create
POST   {_A}/registered-models/set-tag
DELETE {_A}/registered-models/delete-tag
POST   {_T}
PATCH  {_T}/{{trace_id}}/tags
DELETE {_T}/{{trace_id}}/tags
POST   {_T}/{{trace_id}}/assessments
PATCH  {_T}/{{trace_id}}/assessments/{{assessment_id}}
DELETE {_T}/{{trace_id}}/assessments/{{assessment_id}}
POST   {_T}/delete-traces
"""
_WRITE_PLAIN = f"""
POST {SPANS}
"""
_READ_FILES = f"""
GET {_A}/artifacts/list
GET {_A}/logged-models/{{model_id}}/artifacts/directories
GET {_FILES}
GET {_FILES}/{{artifact_path:path}}
"""
_READ_FILES_AJAX = """
GET /ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files
GET /ajax-api/2.0/mlflow/get-trace-artifact
GET /ajax-api/3.0/mlflow/get-trace-artifact
"""
_READ_FILES_PLAIN = """
GET /get-artifact
GET /model-versions/get-artifact
"""
_PUBLIC_PLAIN = """
GET /
GET /health
GET /static-files/{path:path}
"""

CLOSED: Mapping[str, str] = {
    r"/api/3\.0/mlflow/gateway/.*|/gateway/.*|/api/2\.0/mlflow/gateway-proxy": "calls other services with secrets",
    r"/api/2\.0/mlflow/webhooks(/.*)?": "carries rows to other hosts",
    r"/ajax-api/3\.0/jobs/.*|/api/3\.0/mlflow/(jobs|prompt-optimization)/.*": "runs code on the server",
    r"/api/3\.0/mlflow/(scorers|scorer|genai|issues|demo)(/.*)?": "runs code on the server, or its rows have no label",
    r"/api/3\.0/mlflow/(label-schemas|review-queues|datasets)(/.*)?": "its rows have no label",
    r"/api/3\.0/mlflow/assistant/.*": "runs commands on the server",
    r"/api/3\.0/mlflow/mcp-servers(/.*)?": "calls other services",
    r"/api/3\.0/mlflow/ui-telemetry": "tells others of what people do",
    r"/api/3\.0/mlflow/traces/(metrics|calculate-filter-correlation)": "sums over rows whatever their labels",
    r"/api/[23]\.0/mlflow/traces/link-(prompts|to-run)": "its rows have no label",
    r"/api/2\.0/mlflow/traces(/.*)?": "traces have a newer interface",
    r"/api/2\.0/mlflow/(get-online-trace-details|unified-traces)": "not served by MLflow either",
    r"/api/2\.0mlflow/experiments/search-datasets": "not served by MLflow either",
    r"/api/2\.0/mlflow/experiments/(delete|restore|update)": "would reach runs hidden from the caller",
    r"/api/2\.0/mlflow/registered-models/(delete|rename|update)": "would reach versions hidden from the caller",
    r"/api/2\.0/mlflow/model-versions/(delete|transition-stage)": "a version is withdrawn by the control plane",
    r"/api/2\.0/mlflow/registered-models/alias": "an alias is a promotion, which approvers decide",
    r"/api/2\.0/mlflow/runs/create-promptlab-run|/api/2\.0/mlflow/upload-artifact": "writes past the artifact routes",
    r"/api/2\.0/mlflow/artifacts/presigned-.*|/api/2\.0/mlflow-artifacts/(mpu|presigned)/.*": "hands out addresses",
    r"/api/2\.0/mlflow-artifacts/artifacts/.*": "files are kept",
    r"/api/3\.0/mlflow/workspaces(/.*)?": "ministries are the control plane's",
    r"/build/.*": "the same files as below /static-files",
    r"/graphql": "asked by POST only",
}
"""Templates that are closed, by pattern, and why. ``/ajax-api/`` is written ``/api/`` here where both are meant."""


def _rows(text: str, access: Access, both: bool = False) -> Iterator[Route]:
    for line in text.split("\n"):
        if line.strip():
            method, template = line.split()
            yield Route(method, template, access, takes_file=False)
            if both:
                yield Route(method, template.replace("/api/", "/ajax-api/", 1), access)


OPEN_ROUTES: tuple[Route, ...] = (
    *_rows(_LOOK, Access.LOOK, both=True),
    *_rows(_LOOK_AJAX, Access.LOOK),
    *_rows(_LOOK_PLAIN, Access.LOOK),
    *_rows(_WRITE, Access.WRITE, both=True),
    *_rows(_WRITE_PLAIN, Access.WRITE),
    *_rows(_READ_FILES, Access.FILES, both=True),
    *_rows(_READ_FILES_AJAX, Access.FILES),
    *_rows(_READ_FILES_PLAIN, Access.FILES),
    *_rows(_PUBLIC_PLAIN, Access.PUBLIC),
    Route("PUT", f"{_FILES}/{{artifact_path:path}}", Access.WRITE, takes_file=True),
    Route("PUT", f"{_FILES.replace('/api/', '/ajax-api/')}/{{artifact_path:path}}", Access.WRITE, takes_file=True),
)
"""What is served, and to whom."""

_OPEN_BY_KEY = {(route.method, route.template): route for route in OPEN_ROUTES}
_CLOSED = [re.compile(pattern) for pattern in CLOSED]


def is_known(method: str, template: str) -> bool:
    """True if somebody decided about this route."""
    both = template.replace("/ajax-api/", "/api/", 1)
    is_closed = any(pattern.fullmatch(template) or pattern.fullmatch(both) for pattern in _CLOSED)
    return (method, template) in _OPEN_BY_KEY or is_closed


def _compile(template: str) -> re.Pattern[str]:
    pattern = re.escape(template)
    pattern = re.sub(r"\\\{\w+:path\\\}", ".+", pattern)
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern))


def _specificity(route: Route) -> tuple[bool, int]:
    """Words before wildcards: ``traces/get`` is no trace that is called ``get``."""
    return ":path}" in route.template, route.template.count("{")


_COMPILED = [(route, _compile(route.template)) for route in sorted(OPEN_ROUTES, key=_specificity)]
_EXACT = {key: route for key, route in _OPEN_BY_KEY.items() if "{" not in key[1]}


def match(method: str, path: str) -> Route | None:
    """The open route that serves this; None if none does. HEAD is GET."""
    asked = "GET" if method == "HEAD" else method
    if exact := _EXACT.get((asked, path)):
        return exact
    return next((r for r, pattern in _COMPILED if r.method == asked and pattern.fullmatch(path)), None)
