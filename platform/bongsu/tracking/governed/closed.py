"""What of MLflow is closed to everybody, why, and what does it instead.

What would decide something (an alias, the end of a version, a name that others know) is refused as such, and recorded;
of the rest, which MLflow's pages ask for by themselves, it is told that it is not there, and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.domain.codes import mlflow as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import Problem

_ALIAS = r"/api/2\.0/mlflow/registered-models/alias"
NO_OTHER = N_("Nothing takes its place here; ask the operator if your work needs it.")
_BY_RUN = N_(
    "Leave it as it is, and make another one: what others know, and may rest on, stays under its name. Runs and logged"
    " models of your own can be deleted."
)
_MODELS = N_(
    "A version that a pipeline registered and that is not to be used any more is suspended: `bongsu models suspend"
    " NAME/VERSION`; one that a client registered is taken by no pipeline and gets no alias. What a version is for"
    " stands in its own description (MlflowClient.update_model_version)."
)
_PIPELINE = N_("Have a stage of a pipeline do it, which runs on a worker: `bongsu run`.")


@dataclass(frozen=True)
class Closed:
    """Attributes:
    pattern: of templates; ``/ajax-api/`` is written ``/api/`` here where both are meant.
    why, way: why it is closed and what to do instead; English message ids.
    deed: as of :class:`bongsu.tracking.governed.routes.Route`, expanded from the match: of what would decide
        something. Empty for the rest.
    """

    pattern: str
    why: str
    way: str = NO_OTHER
    deed: str = ""


CLOSED: tuple[Closed, ...] = (
    Closed(_ALIAS, N_("an alias is a promotion, which approvers decide"), deed="alias"),
    Closed(
        r"/api/2\.0/mlflow/registered-models/(delete|rename|update)",
        N_("it would reach versions that are hidden from you"),
        _MODELS,
        r"model.\1",
    ),
    Closed(
        r"/api/2\.0/mlflow/model-versions/(delete|transition-stage)",
        N_("whether a version is used is decided by approvals and suspensions"),
        _MODELS,
        r"version.\1",
    ),
    Closed(
        r"/api/2\.0/mlflow/experiments/(delete|restore|update)",
        N_("it would reach runs that are hidden from you"),
        _BY_RUN,
        r"experiment.\1",
    ),
    Closed(
        r"/api/2\.0/mlflow-artifacts/artifacts/.*", N_("files that were logged are kept"), _BY_RUN, "file.delete"
    ),
    Closed(
        r"/api/3\.0/mlflow/gateway/.*|/gateway/.*|/api/2\.0/mlflow/gateway-proxy",
        N_("it calls other services with secrets"),
    ),
    Closed(r"/api/2\.0/mlflow/webhooks(/.*)?", N_("it carries rows to other hosts")),
    Closed(
        r"/ajax-api/3\.0/jobs/.*|/api/3\.0/mlflow/(jobs|prompt-optimization)/.*",
        N_("it runs code on the server"),
        _PIPELINE,
    ),
    Closed(
        r"/api/3\.0/mlflow/(scorers|scorer|genai|issues|demo)(/.*)?",
        N_("it runs code on the server, or its rows have no label"),
        _PIPELINE,
    ),
    Closed(
        r"/api/3\.0/mlflow/(label-schemas|review-queues|datasets)(/.*)?",
        N_("its rows have no label"),
        N_("Log a data set as an input of a run (`mlflow.log_input`), or register it with `bongsu datasets add`."),
    ),
    Closed(r"/api/3\.0/mlflow/assistant/.*", N_("it runs commands on the server"), _PIPELINE),
    Closed(r"/api/3\.0/mlflow/mcp-servers(/.*)?", N_("it calls other services")),
    Closed(r"/api/3\.0/mlflow/ui-telemetry", N_("it tells others of what people do")),
    Closed(
        r"/api/3\.0/mlflow/traces/(metrics|calculate-filter-correlation)",
        N_("it sums over rows whatever their labels"),
        N_("Search the traces (`mlflow.search_traces`), and sum over those that you may see."),
    ),
    Closed(
        r"/api/[23]\.0/mlflow/traces/link-(prompts|to-run)",
        N_("its rows have no label"),
        N_("Begin the trace within the run that it is of."),
    ),
    Closed(
        r"/api/2\.0/mlflow/traces(/.*)?",
        N_("traces have a newer interface"),
        N_("Use a client of MLflow 3, which asks /api/3.0/mlflow/traces."),
    ),
    Closed(
        r"/api/2\.0/mlflow/(get-online-trace-details|unified-traces)"
        r"|/api/2\.0mlflow/experiments/search-datasets",
        N_("MLflow does not serve it either"),
    ),
    Closed(
        r"/api/2\.0/mlflow/runs/create-promptlab-run|/api/2\.0/mlflow/upload-artifact",
        N_("it writes past the routes of files"),
        N_("Log files to a run: `mlflow.log_artifact`."),
    ),
    Closed(
        r"/api/2\.0/mlflow/artifacts/presigned-.*|/api/2\.0/mlflow-artifacts/(mpu|presigned)/.*",
        N_("it hands out addresses that whoever has them can use"),
        N_("Files go through this server: `mlflow.log_artifact`, `mlflow.artifacts.download_artifacts`."),
    ),
    Closed(
        r"/api/3\.0/mlflow/workspaces(/.*)?",
        N_("workspaces are ministries, which MLflow's clients do not change"),
        N_("`bongsu ministries` registers and lists them."),
    ),
    Closed(r"/build/.*", N_("the same files are below /static-files"), N_("Ask for them there.")),
    Closed(r"/graphql", N_("it is asked by POST alone"), N_("Send the query as the body of a POST.")),
)
"""In the order in which they are looked for."""

_COMPILED = [(one, re.compile(one.pattern)) for one in CLOSED]
_ALIAS_VERBS: Mapping[str, str] = {"POST": "set", "DELETE": "delete"}
_LOOKS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class ClosedHere:
    """A request for what is closed. ``deed``: what it would have done, if it is refused as such; else empty."""

    closed: Closed
    deed: str

    def problem(self, object_: str, asked: Mapping[str, str]) -> Problem:
        """Why, as of whatever the request names; nothing is looked up for it."""
        if self.closed.deed == "alias":
            return codes.ALIAS.at(object=object_ or "model:NAME/VERSION", alias=asked.get("alias") or "ALIAS")
        return codes.CLOSED.at(why=phrase(self.closed.why), way=phrase(self.closed.way))


def closed_at(method: str, path: str) -> ClosedHere | None:
    """None for what nobody decided about, which is not there."""
    both = path.replace("/ajax-api/", "/api/", 1)
    for closed, pattern in _COMPILED:
        match = pattern.fullmatch(path) or pattern.fullmatch(both)
        if match is None:
            continue
        deed = match.expand(closed.deed) if method not in _LOOKS else ""
        if deed == "alias":
            deed = f"alias.{_ALIAS_VERBS.get(method, 'set')}"
        return ClosedHere(closed, deed)
    return None
