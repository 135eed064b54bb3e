"""Every route of MLflow's that is open, and who may ask for it. What is closed, and why, stands in ``closed``; what is
on neither list is closed, and a test says so.

Templates are those of MLflow's documentation; ``{name}`` is one part of a path, ``{name:path}`` any number of them.
What begins with ``/api/`` is served below ``/ajax-api/`` as well, unless it is one of the few that are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        deed: what a change does to which kind of thing, as the audit log names it behind ``mlflow.``; with the verb
            ``write`` it is one of many that a training makes. Empty for what changes nothing.
    """

    method: str
    template: str
    access: Access
    takes_file: bool = False
    deed: str = ""

    def takes_json(self, is_called_json: bool) -> bool:
        """Whether the body is JSON, or ought to be; ``is_called_json`` by whoever sends it."""
        return not self.takes_file and (is_called_json or self.template != SPANS)


SPANS = "/v1/traces"
"""Takes protobuf (OpenTelemetry), and JSON where it is called so."""
_A = "/api/2.0/mlflow"
_T = "/api/3.0/mlflow/traces"
_T2 = f"{_A}/traces"
"""What clients of MLflow 3 go on to ask of the older interface: tags, and deletions."""
_FILES = "/api/2.0/mlflow-artifacts/artifacts"
_FILE = f"{_FILES}/{{artifact_path:path}}"
FILE_WRITTEN = "file.write"
"""A file is of a run, a logged model or a trace: what its path says."""

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
POST   {_A}/experiments/create experiment.create
POST   {_A}/experiments/set-experiment-tag experiment.tag
POST   {_A}/experiments/delete-experiment-tag experiment.untag
POST   {_A}/runs/create run.create
POST   {_A}/runs/delete run.delete
POST   {_A}/runs/restore run.restore
POST   {_A}/runs/update run.update
POST   {_A}/runs/set-tag run.tag
POST   {_A}/runs/delete-tag run.untag
POST   {_A}/runs/log-batch run.write
POST   {_A}/runs/log-inputs run.write
POST   {_A}/runs/log-metric run.write
POST   {_A}/runs/log-model run.write
POST   {_A}/runs/log-parameter run.write
POST   {_A}/runs/outputs run.write
POST   {_A}/logged-models logged-model.create
PATCH  {_A}/logged-models/{{model_id}} logged-model.update
DELETE {_A}/logged-models/{{model_id}} logged-model.delete
POST   {_A}/logged-models/{{model_id}}/params logged-model.write
PATCH  {_A}/logged-models/{{model_id}}/tags logged-model.tag
DELETE {_A}/logged-models/{{model_id}}/tags/{{tag_key}} logged-model.untag
POST   {_A}/model-versions/create version.create
PATCH  {_A}/model-versions/update version.update
POST   {_A}/model-versions/set-tag version.tag
DELETE {_A}/model-versions/delete-tag version.untag
POST   {_A}/registered-models/create model.create
POST   {_A}/registered-models/set-tag model.tag
DELETE {_A}/registered-models/delete-tag model.untag
POST   {_T} trace.write
PATCH  {_T}/{{trace_id}}/tags trace.tag
DELETE {_T}/{{trace_id}}/tags trace.untag
POST   {_T}/{{trace_id}}/assessments trace.assess
PATCH  {_T}/{{trace_id}}/assessments/{{assessment_id}} trace.assess
DELETE {_T}/{{trace_id}}/assessments/{{assessment_id}} trace.unassess
POST   {_T}/delete-traces trace.delete
PATCH  {_T2}/{{request_id}}/tags trace.tag
DELETE {_T2}/{{request_id}}/tags trace.untag
POST   {_T2}/delete-traces trace.delete
"""
_WRITE_PLAIN = f"""
POST {SPANS} trace.write
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


def _rows(text: str, access: Access, both: bool = False) -> Iterator[Route]:
    for line in text.split("\n"):
        if line.strip():
            method, template, *deed = line.split()
            yield Route(method, template, access, deed="".join(deed))
            if both:
                yield Route(method, template.replace("/api/", "/ajax-api/", 1), access, deed="".join(deed))


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
    Route("PUT", _FILE, Access.WRITE, takes_file=True, deed=FILE_WRITTEN),
    Route("PUT", _FILE.replace("/api/", "/ajax-api/"), Access.WRITE, takes_file=True, deed=FILE_WRITTEN),
)
"""What is served, and to whom."""

_OPEN_BY_KEY = {(route.method, route.template): route for route in OPEN_ROUTES}


def _compile(template: str) -> re.Pattern[str]:
    pattern = re.escape(template)
    pattern = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>.+)", pattern)
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern))


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


def parts(route: Route, path: str) -> dict[str, str]:
    """What stands in a path where the template has names."""
    found = _compile(route.template).fullmatch(path)
    return found.groupdict() if found else {}
