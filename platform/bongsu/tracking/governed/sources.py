"""Where the files of a model version lie that a viewer registers: with a run, a logged model or a version that they
see, and nowhere else. An address of its own would let them read whatever the server can.
"""

from __future__ import annotations

import re
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion
from mlflow.store.tracking.dbmodels.models import SqlLoggedModel, SqlRun, SqlTraceInfo
from sqlalchemy.orm import Session

from bongsu.domain.labels import Label
from bongsu.tracking.governed.artifact_paths import OfThing, OfTree, resolve_uri
from bongsu.tracking.governed.labelling import Ledger
from bongsu.tracking.governed.marks import Kind
from bongsu.tracking.governed.viewer import Acting

_LOGGED_MODEL = re.compile(r"^models:/+(m-[0-9a-f]{32})/?$")
_VERSION = re.compile(r"^models:/+([\w.-]+)/(\d+)/?$")
_RUN = re.compile(r"^runs:/+([0-9a-f]{32})/")
# What MLflow writes for a prompt, which has no files.
_NO_FILES = ("prompt-template", "dummy-source")


def labels(session: Session, ledger: Ledger, actor: Acting, row: SqlModelVersion) -> list[Label]:
    """The labels of what a new version is made from.

    Raises:
        MlflowException: its files are not of something that the viewer sees.
    """
    found: list[Label] = [ledger.label(Kind.RUN, row.run_id)] if row.run_id else []
    if row.source in _NO_FILES:
        return found
    if match := _LOGGED_MODEL.match(row.source):
        found.append(ledger.label(Kind.LOGGED_MODEL, match[1]))
    elif match := _VERSION.match(row.source):
        found.append(ledger.label(Kind.VERSION, f"{match[1]}/{match[2]}"))
    elif match := _RUN.match(row.source):
        found.append(ledger.label(Kind.RUN, match[1]))
        return found
    place = resolve_uri(row.storage_location or row.source, actor.workspace)
    owner = None if place is None else owner_of(session, place)
    if owner is None:
        raise MlflowException(
            "The source of a model version is the address of files of a run, a logged model or a version.",
            INVALID_PARAMETER_VALUE,
        )
    return [*found, ledger.label(*owner)]


def owner_of(session: Session, place: OfThing | OfTree) -> tuple[Kind, str] | None:
    """The thing that a path belongs to, if it exists for whoever asks in this session."""
    if isinstance(place, OfTree):
        versions = session.query(SqlModelVersion.version).filter(
            SqlModelVersion.name == place.name, SqlModelVersion.storage_location == place.root
        )
        version = versions.order_by(SqlModelVersion.version).limit(1).scalar()
        return None if version is None else (Kind.VERSION, f"{place.name}/{version}")
    if place.kind is Kind.TRACE:
        trace = session.query(SqlTraceInfo.request_id).filter(SqlTraceInfo.request_id == place.thing).scalar()
        return None if trace is None else (place.kind, place.thing)
    mapped: Any = SqlRun if place.kind is Kind.RUN else SqlLoggedModel
    key = SqlRun.run_uuid if place.kind is Kind.RUN else SqlLoggedModel.model_id
    where = SqlRun.artifact_uri if place.kind is Kind.RUN else SqlLoggedModel.artifact_location
    found = session.query(where).select_from(mapped).filter(key == place.thing).scalar()
    return (place.kind, place.thing) if found == place.root else None
