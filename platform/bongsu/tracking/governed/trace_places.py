"""Where spans and files of a trace lie is said by tags of it, which MLflow's server follows: to read them, and to
delete them with the trace. Whoever could write such a tag would have the server read and delete at any address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.tracking.dbmodels.models import SqlTraceTag
from mlflow.tracing.constant import SpansLocation, TraceTagKey
from mlflow.utils.mlflow_tags import MLFLOW_ARTIFACT_LOCATION

from bongsu.tracking.governed.artifact_paths import OfThing, resolve_uri
from bongsu.tracking.governed.marks import Kind

# An archive is MLflow's own to make, and nothing here makes one.
_NOT_ARCHIVED = frozenset({SpansLocation.TRACKING_STORE.value, SpansLocation.ARTIFACT_REPO.value})


def _is_its_own(row: SqlTraceTag, workspace: str) -> bool:
    place = resolve_uri(str(row.value), workspace)
    return isinstance(place, OfThing) and (place.kind, place.thing, place.rest) == (Kind.TRACE, row.request_id, "")


_MAY_SAY: Mapping[str, Callable[[SqlTraceTag, str], bool]] = {
    MLFLOW_ARTIFACT_LOCATION: _is_its_own,
    TraceTagKey.SPANS_LOCATION: lambda row, _workspace: row.value in _NOT_ARCHIVED,
    TraceTagKey.ARCHIVE_LOCATION: lambda _row, _workspace: False,
}


def check_rows(rows: Iterable[Any], workspace: str) -> None:
    """Look at what is about to be written in somebody's name: MLflow writes these tags too, with what is so.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE, for a place that MLflow does not give to this trace.
    """
    for row in rows:
        may_say = _MAY_SAY.get(str(row.key)) if isinstance(row, SqlTraceTag) else None
        if may_say is not None and not may_say(row, workspace):
            raise MlflowException(
                f"MLflow itself says where a trace lies: leave the tag {row.key} out.", INVALID_PARAMETER_VALUE
            )
